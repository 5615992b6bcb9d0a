"""What the cells of a column are: numbers, values of a category, or empty."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from framework.datasets._sources.table import is_number

if TYPE_CHECKING:
    from framework.contracts import Array

MISSING = frozenset(("", "-", "?", "n/a", "na", "nan", "none", "null"))
"""What an empty cell of a column of numbers may hold, in lower case."""
WITH_COMMA = re.compile(r"^([+-]?\d*),(\d+)$")
DRESSED = re.compile(r"[$€£¥]?\s*[+-]?[$€£¥]?\s*\d[\d,._' ]*\s*[%$€£¥]?")
"""A number with a unit, a decimal comma or separators of thousands."""


@dataclass(frozen=True)
class Column:
    """One column of a table that is read.

    Args:
        cells: as they are written.
        categories: it is read as values, not as numbers.
    """

    name: str
    cells: Sequence[str]
    categories: bool

    def odd(self) -> int | None:
        """The first cell of a column of numbers that is neither a number nor empty."""
        if self.categories:
            return None
        for row, cell in enumerate(self.cells):
            if not is_number(cell) and not self._lacks(cell):
                return row
        return None

    def empty(self) -> list[int]:
        """The cells that are empty."""
        return [row for row, cell in enumerate(self.cells) if self._lacks(cell)]

    def numbers(self) -> Array:
        """(rows,) float64, NaN where a cell is empty."""
        return np.array(list(map(self._number, self.cells)), np.float64)

    def _number(self, cell: str) -> float:
        return math.nan if self._lacks(cell) else float(cell)

    def _lacks(self, cell: str) -> bool:
        # in a column of text, none and na may be values
        return not cell if self.categories else cell.lower() in MISSING


def is_category(cells: Sequence[str]) -> bool:
    """Whether a column holds text: something, and no number at all."""
    return not any(map(is_number, cells)) and any(cell.lower() not in MISSING for cell in cells)


def with_points(cells: Iterable[str]) -> list[str]:
    """Numbers that are written with a decimal comma as numbers; all else as it is."""
    return [WITH_COMMA.sub(r"\1.\2", cell) for cell in cells]


def why_no_number(cell: str) -> str:
    """What may have been meant by a cell that is no number, as a way out."""
    if WITH_COMMA.fullmatch(cell):
        return 'If the comma stands before decimals: decimal="comma". '
    if is_dressed(cell):
        return "Write numbers alone, as 1234.5, without units and separators of thousands. "
    return ""


def is_dressed(cell: str) -> bool:
    """Whether a cell is a number for people only, as $5, 12 % or 1,234.5."""
    return DRESSED.fullmatch(cell) is not None
