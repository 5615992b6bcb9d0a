"""What was confirmed of a study: validation and test, each in a column of its own, and the gap.

`confirm.md`, `.csv` and `.tex` hold only what the specs and the looks determine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from framework.report.compare.tables import origins
from framework.report.confirm.page import page
from framework.report.confirm.tables import confirm_frame, confirm_table
from framework.report.files import write
from framework.report.tables.columns import csv
from framework.report.tables.latex import latex

if TYPE_CHECKING:
    from framework.report.confirm.confirmation import Confirmation


def build(shown: Confirmation, out: Path) -> list[Path]:
    """Write the files into an existing folder.

    Returns:
        The paths written: page, data, table for a paper, provenance.
    """
    tables = []
    for number, side in enumerate(shown.sides):
        name = f"{shown.study.name}-confirm-{number}"
        # flags stand in the page and in the data; paper has no room for them
        tables.append(confirm_table(side, shown.catalog, name=name).without(("flags",)))
    origin = json.dumps(origins(shown.sides), indent=2, sort_keys=True)
    texts = {
        "confirm.md": page(shown.study, shown.sides, shown.counted, shown.catalog),
        "confirm.csv": csv(confirm_frame(shown.sides)),
        "confirm.tex": latex(tables, shown.choices.layout),
        "confirm_provenance.json": f"{origin}\n",
    }
    return write(texts, out)
