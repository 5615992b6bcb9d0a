"""Methods side by side: all configurations of any number of studies, over their seeds.

`compare.md`, `.csv`, `.tex` and `.html` hold only what the specs determine. What depends on the
machine is in `compare_budgets.csv` and `compare_provenance.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from framework.report.compare.budgets import budgets_frame
from framework.report.compare.figure import figure_of
from framework.report.compare.fronts import attainment_frame, fronts_of
from framework.report.compare.page import page, tables_of
from framework.report.compare.tables import exact_frame, origins, verdicts_frame
from framework.report.facts.glossary import glossary
from framework.report.figures.style import save
from framework.report.files import write
from framework.report.html import of_comparison
from framework.report.html.document import write_page
from framework.report.tables.columns import csv
from framework.report.tables.latex import latex
from framework.report.tables.markup import table_html

if TYPE_CHECKING:
    from framework.report.compare.comparison import Comparison

PAGE = "compare_report.html"  # beside the `report.html` of a study that is compared with itself


def build(comparison: Comparison, out: Path) -> list[Path]:
    """Write the files into an existing folder.

    Returns:
        The paths written: tables, figure, data, provenance.
    """
    sides, catalog, choices = comparison.sides, comparison.catalog, comparison.choices
    fronts = {side.net.name: fronts_of(side) for side in sides}
    # a net has tables of its own: sizes of one say nothing beside those of another
    tables = tables_of(sides, fronts, catalog, over=choices.over, name="-".join(comparison.names))
    texts = {
        "compare.md": page(comparison.studies, sides, fronts, catalog, choices.over),
        "compare.csv": csv(exact_frame(sides)),
        "compare.tex": latex(tables, choices.layout),
        "compare.html": "\n".join(map(table_html, tables)),
        "glossary.md": glossary(catalog),
        "compare_verdicts.csv": csv(verdicts_frame(sides)),
        "compare_attained.csv": csv(attainment_frame(fronts)),
        "compare_budgets.csv": csv(budgets_frame(sides)),
        "compare_provenance.json": json.dumps(origins(sides), indent=2, sort_keys=True) + "\n",
    }
    figure = save(figure_of(sides, catalog), out, "compare", wide=choices.wide)
    written = [*write(texts, out), *figure]
    return [*written, write_page(of_comparison.page, comparison, written, out / PAGE)]
