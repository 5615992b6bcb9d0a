"""Class numbers of labels as they are written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from framework.contracts import Array
from framework.datasets._sources.table import is_number


def numbered(labels: Iterable[str]) -> tuple[Array, tuple[str, ...]]:
    """Class numbers of labels as they are written, and the names of the classes.

    Classes are in the order of the alphabet; if all are numbers, in the order of these, and 1, 1.0
    and 01 are one.
    """
    # accents are written in two ways
    written = [unicodedata.normalize("NFC", label.strip()) for label in labels]
    # exact numbers: as floats, labels that differ in their last digits would be one class
    if all(map(is_number, written)):
        names = np.array(list(map(Decimal, written)), object)
    else:
        names = np.array(written, object)
    classes, numbers = np.unique(names, return_inverse=True)
    return numbers.astype(np.int64), tuple(map(str, classes))


def lonely(numbers: Array) -> int | None:
    """The first sample that is the only one of its class, if there is one.

    It cannot be both learnt and measured.
    """
    counts = np.bincount(numbers)[numbers]
    return int(np.argmin(counts)) if counts.min(initial=2) == 1 else None
