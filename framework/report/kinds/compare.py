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
from framework.report.compare.page import caption, page
from framework.report.compare.tables import exact_frame, net_grid, origins, verdicts_frame
from framework.report.figures.style import save
from framework.report.html import of_comparison
from framework.report.html.document import write_page
from framework.report.tables.columns import csv
from framework.report.tables.grid import grid_html, grid_latex

if TYPE_CHECKING:
    from framework.report.compare.comparison import Comparison

PAGE = "compare_report.html"  # beside the `report.html` of a study that is compared with itself


def build(comparison: Comparison, out: Path) -> list[Path]:
    """Write the files into an existing folder.

    Returns:
        The paths written: tables, figure, data, provenance.
    """
    sides, catalog = comparison.sides, comparison.catalog
    fronts = {side.net.name: fronts_of(side) for side in sides}
    # a net has a table of its own: sizes of one say nothing beside those of another
    latex, html = [], []
    for number, side in enumerate(sides):
        grid = net_grid(side, catalog)
        label = "-".join([*comparison.names, str(number)])
        latex.append(grid_latex(grid, caption=caption(side), label=label))
        html.append(grid_html(grid, caption=caption(side)))
    texts = {
        "compare.md": page(comparison.studies, sides, fronts, catalog, comparison.over),
        "compare.csv": csv(exact_frame(sides)),
        "compare.tex": "\n".join(latex),
        "compare.html": "\n".join(html),
        "compare_verdicts.csv": csv(verdicts_frame(sides)),
        "compare_attained.csv": csv(attainment_frame(fronts)),
        "compare_budgets.csv": csv(budgets_frame(sides)),
        "compare_provenance.json": json.dumps(origins(sides), indent=2, sort_keys=True) + "\n",
    }
    for name, text in texts.items():
        # the same bytes on every system, where Windows would write CR and LF
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    written = [*map(out.joinpath, texts), *save(figure_of(sides, catalog), out, "compare")]
    return [*written, write_page(of_comparison.page, comparison, written, out / PAGE)]
