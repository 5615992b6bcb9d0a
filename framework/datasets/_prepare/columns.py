"""Columns of a table as a net reads them.

Numbers get one scale; a column of text becomes a column of 0 and 1 for each of its values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from framework.contracts import Array

ROUNDING = 1e-9  # a spread below this share of a column's mean is that of its rounding


def mean_and_spread(train: Array, *, scaled: bool) -> tuple[Array, Array, Array]:
    """What an empty cell becomes, what is taken off each column, what it is then divided by.

    Args:
        train: (rows, columns) float64, NaN where a cell is empty.
        scaled: each column less its mean and over its standard deviation; else as it is.

    Returns:
        Three times (columns,); a column that is constant but for rounding is divided by infinity,
        which makes it 0.
    """
    there = np.ma.masked_invalid(train)
    # a column of which the train split has no number is as one of zeros
    mean = np.ma.filled(there.mean(axis=0), 0.0)
    if not scaled:
        return mean, np.zeros_like(mean), np.ones_like(mean)
    spread = np.ma.filled(there.std(axis=0), 0.0)
    # rounding would be blown up to noise
    return mean, mean, np.where(spread <= ROUNDING * np.abs(mean), np.inf, spread)


def one_hot(cells: Array, values: Sequence[str]) -> Array:
    """(rows, values) float32: 1 where a cell is that value; a value that is not there is all 0.

    Args:
        cells: (rows,) bytes, UTF-8.
    """
    return (cells[:, np.newaxis] == np.array(list(map(str.encode, values)))).astype(np.float32)
