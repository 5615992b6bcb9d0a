"""One knob, all else fixed: what each of its values is worth. `OVER=` names the knob."""

from __future__ import annotations

from pathlib import Path

from framework.report.facts.glossary import glossary
from framework.report.figures.ablation import figure_of
from framework.report.figures.style import save
from framework.report.files import write
from framework.report.frame import StudyRuns
from framework.report.pages import titled
from framework.report.tables.ablation import ablation_frame, ablation_table, ablations
from framework.report.tables.columns import csv
from framework.report.tables.latex import latex

NONE = (
    "No two finished trials differ in one knob alone, so there is nothing to compare with all else "
    "fixed. A study for it gives the knob a `Choice` and everything else one value, or walks "
    'through all values by `sampler="grid"`.'
)


def build(runs: StudyRuns, out: Path) -> list[Path]:
    """Write the report's files into a folder; see `framework.report.kinds.pareto`."""
    every = ablations(runs)
    tables = [ablation_table(runs, one) for one in every]
    texts = {
        "ablation.md": titled(
            runs, "one knob, all else fixed", tables, more=[] if every else [NONE]
        ),
        "ablation.csv": csv(ablation_frame(runs, every)),
        "ablation.tex": latex(tables, runs.choices.layout),
        "glossary.md": glossary(runs.catalog),
    }
    paths = write(texts, out)
    if every:
        paths += save(figure_of(runs, every), out, "ablation", wide=runs.choices.wide)
    return paths
