"""The experimental set-up: a paragraph, every setting, data, machine, budget, what to cite."""

from __future__ import annotations

from pathlib import Path

from framework.report.facts.citations import bibtex
from framework.report.facts.glossary import glossary
from framework.report.facts.setup import data_card, hyperparameters, machine, paragraph
from framework.report.files import write
from framework.report.frame import StudyRuns
from framework.report.pages import listing, titled
from framework.report.tables.latex import latex
from framework.report.tables.text import latex_text, markdown_text

LOOSE = r"\emergencystretch=3em\hbadness=10000 "


def build(runs: StudyRuns, out: Path) -> list[Path]:
    """Write the report's files into a folder; see `framework.report.kinds.pareto`."""
    table, text = hyperparameters(runs), paragraph(runs)
    more = [
        "## In words",
        markdown_text(text),
        "## Data",
        listing(data_card(runs)),
        "## Machine, versions, budget",
        listing(machine(runs)),
        "What to cite: `setup.bib`.",
    ]
    tables = latex([table], runs.choices.layout)
    texts = {
        "setup.md": titled(runs, "the set-up", [table], more=more),
        # names of plug-ins do not break well: lines may be loose
        "setup.tex": f"{{{LOOSE}{latex_text(text)}\\par}}\n\n{tables}",
        "setup.bib": bibtex(runs),
        "glossary.md": glossary(runs.catalog),
    }
    return write(texts, out)
