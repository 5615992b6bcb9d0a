"""All trials with what became of each, and how the search went."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from framework.report.facts.glossary import glossary
from framework.report.figures.search import (
    curve_figure,
    curve_frame,
    importance_figure,
    importance_frame,
    volume_figure,
    volume_frame,
)
from framework.report.figures.style import save
from framework.report.files import write
from framework.report.frame import StudyRuns
from framework.report.pages import titled
from framework.report.tables.columns import csv
from framework.report.tables.latex import latex
from framework.report.tables.trials import outcome_frame, trials_table


def build(runs: StudyRuns, out: Path) -> list[Path]:
    """Write the report's files into a folder; see `framework.report.kinds.pareto`."""
    table = trials_table(runs)
    texts = {
        "appendix.md": titled(runs, "all trials", [table]),
        "appendix.csv": csv(outcome_frame(runs)),
        "appendix.tex": latex([table], runs.choices.layout),
        "glossary.md": glossary(runs.catalog),
    }
    figures = []
    # each with its data beside it; what was not noted has none
    for stem, frame, draw in (
        ("curves", curve_frame(runs), partial(curve_figure, runs)),
        ("hypervolume", volume_frame(runs), partial(volume_figure, runs)),
        ("importance", importance_frame(runs), importance_figure),
    ):
        if len(frame):
            texts[f"{stem}.csv"] = csv(frame)
            figures += save(draw(frame), out, stem, wide=runs.choices.wide)
    return [*write(texts, out), *figures]
