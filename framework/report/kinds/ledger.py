"""Sizes against the baseline: every line of the size ledger, and its ratio."""

from __future__ import annotations

from pathlib import Path

from framework.report.facts.glossary import glossary
from framework.report.files import write
from framework.report.frame import StudyRuns
from framework.report.pages import titled
from framework.report.pareto import pareto_frame
from framework.report.tables.columns import csv
from framework.report.tables.front import ledger_frame, ledger_table
from framework.report.tables.latex import latex


def build(runs: StudyRuns, out: Path) -> list[Path]:
    """Write the report's files into a folder; see `framework.report.kinds.pareto`."""
    frame = pareto_frame(runs)
    table = ledger_table(runs, frame)
    texts = {
        "ledger.md": titled(runs, "the size ledger", [table]),
        "ledger.csv": csv(ledger_frame(runs, frame)),
        "ledger.tex": latex([table], runs.choices.layout),
        "glossary.md": glossary(runs.catalog),
    }
    return write(texts, out)
