"""The lines of the size ledger that are computed.

What one tensor would need in a form that no file format has.
"""

from __future__ import annotations

import math

import numpy as np

from framework.contracts import Array

WIDTHS = (1, 2, 4, 8)  # bytes that a column number or a row's beginning may take


def sparse_bytes(values: Array) -> int:
    """The non-zero values with the smaller of two indices.

    Or the dense tensor where that is smaller.

    A bitmap has one bit for each place. Compressed rows have a column number for each non-zero
    value and the beginning of each row, both in as few whole bytes as they fit in; a row is what
    leads to one output.

    Args:
        values: (outputs, what leads to each), in the file's own type; a vector is one row.
    """
    nonzero = int(np.count_nonzero(values))
    rows, columns = np.atleast_2d(values).shape
    bitmap = math.ceil(values.size / 8)
    compressed_rows = nonzero * _width(columns - 1) + (rows + 1) * _width(nonzero)
    return min(nonzero * values.itemsize + min(bitmap, compressed_rows), values.nbytes)


def codebook_bytes(values: Array) -> int:
    """Indices of ceil(log2 k) bits into k distinct values, and these.

    Or the dense tensor where that is smaller.
    """
    distinct = len(np.unique(values))
    # an empty tensor has no value, and log2(0) no number
    indices = math.ceil(values.size * math.ceil(math.log2(max(distinct, 1))) / 8)
    return min(indices + distinct * values.itemsize, values.nbytes)


def entropy_bits(values: Array) -> float:
    """The smaller of the dense tensor and of three parts.

    Which places are zero, which value each other has, a table.

    log2 C(N, nonzero) + nonzero x H(non-zero values) + own bits x distinct non-zero values. A
    value's own bits are those of its type: 32 for float32.
    """
    nonzero = values[values != 0]
    own_bits = 8 * values.itemsize
    counts = np.unique(nonzero, return_counts=True)[1]
    shares = counts / max(nonzero.size, 1)
    entropy = float(-(shares * np.log2(shares)).sum())
    places = _log2_choose(values.size, nonzero.size)
    coded = places + nonzero.size * entropy + own_bits * len(counts)
    return min(coded, float(own_bits * values.size))


def _width(largest: int) -> int:
    """The fewest bytes in which the whole numbers up to `largest` can be written."""
    return next(width for width in WIDTHS if max(largest, 0) < 256**width)


def _log2_choose(total: int, chosen: int) -> float:
    # by logarithms: the number itself is far beyond what a float holds
    logs = math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
    return max(0.0, logs / math.log(2))  # rounding may leave it just below 0
