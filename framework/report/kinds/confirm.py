"""What was confirmed of a study: validation and test, each in a column of its own, and the gap.

`confirm.md`, `.csv` and `.tex` hold only what the specs and the looks determine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from framework.report.compare.tables import origins
from framework.report.confirm.page import caption, page
from framework.report.confirm.tables import confirm_frame, confirm_grid
from framework.report.tables.columns import csv
from framework.report.tables.grid import grid_latex

if TYPE_CHECKING:
    from framework.report.confirm.confirmation import Confirmation


def build(shown: Confirmation, out: Path) -> list[Path]:
    """Write the files into an existing folder.

    Returns:
        The paths written: page, data, table for a paper, provenance.
    """
    latex = []
    for number, side in enumerate(shown.sides):
        grid = confirm_grid(side, shown.catalog)
        label = f"{shown.study.name}-confirm-{number}"
        latex.append(grid_latex(grid, caption=caption(side), label=label))
    texts = {
        "confirm.md": page(shown.study, shown.sides, shown.counted, shown.catalog),
        "confirm.csv": csv(confirm_frame(shown.sides)),
        "confirm.tex": "\n".join(latex),
        "confirm_provenance.json": json.dumps(origins(shown.sides), indent=2, sort_keys=True)
        + "\n",
    }
    for name, text in texts.items():
        # the same bytes on every system, where Windows would write CR and LF
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    return [*map(out.joinpath, texts)]
