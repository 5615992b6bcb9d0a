"""Quality against size: the Pareto front of a study next to its baseline and control.

The page, `pareto.md`, says where and when it was run; `pareto.*` but for it, and `trials.csv`, hold
only what the specs determine: they are the same bytes for a study that was killed and resumed.
"""

from __future__ import annotations

import json
from pathlib import Path

from framework.report.facts.glossary import glossary
from framework.report.facts.provenance import provenance
from framework.report.figures.front import figure_of, points_frame
from framework.report.figures.style import save
from framework.report.files import write
from framework.report.frame import StudyRuns
from framework.report.html import of_study
from framework.report.html.document import write_page
from framework.report.page import page, speed_page
from framework.report.pareto import pareto_frame
from framework.report.tables.columns import csv
from framework.report.tables.front import front_table
from framework.report.tables.latex import latex
from framework.report.trials import timing_frame, trials_frame


def build(runs: StudyRuns, out: Path) -> list[Path]:
    """Write the report's files into a folder.

    Args:
        runs: of one study.
        out: an existing folder.

    Returns:
        The paths written: table, figure, data, provenance.
    """
    frame = pareto_frame(runs)
    # whatever of it depends on the machine has a file of its own
    texts = {
        "pareto.md": page(runs, frame),
        "pareto.csv": csv(frame),
        "pareto.tex": latex([front_table(runs, frame)], runs.choices.layout),
        "pareto_points.csv": csv(points_frame(runs)),
        "trials.csv": csv(trials_frame(runs)),
        "speed.md": speed_page(runs),
        "timing.csv": csv(timing_frame(runs)),
        "provenance.json": json.dumps(provenance(runs), indent=2, sort_keys=True) + "\n",
        "glossary.md": glossary(runs.catalog),
    }
    written = [*write(texts, out), *save(figure_of(runs), out, "pareto", wide=runs.choices.wide)]
    return [*written, write_page(of_study.page, runs, written, out / "report.html")]
