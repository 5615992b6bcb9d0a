"""The handwritten digits that come with scikit-learn, in our splits.

Other data sets are composed of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from framework.datasets._sources.cache import TEST
from framework.datasets._sources.splits import LABELS, Arrays, carve

if TYPE_CHECKING:
    from framework.contracts import Array

TEST_SIZE, CALIBRATION_SIZE, VALIDATION_SIZE = 297, 50, 250
LARGEST_VALUE = 16  # of a pixel in scikit-learn's arrays; all are whole numbers
SHAPE = (8, 8, 1)


def read_digits() -> dict[str, dict[str, Array]]:
    """The pictures as bytes (16 becomes 255) and their labels.

    `train`, which the open splits come from, and `test`.
    """
    from sklearn.datasets import load_digits

    raw = load_digits()
    images = np.rint(raw.images[..., np.newaxis] * (255 / LARGEST_VALUE)).astype(np.uint8)
    test, train = carve({"image": images, LABELS: raw.target.astype(np.int64)}, TEST_SIZE)
    return {"train": train, TEST: test}


def digits_by_split() -> dict[str, Arrays]:
    """The four splits of the data set `digits`.

    What is composed of one split's digits shares none with another's.
    """
    parts = read_digits()
    calibration, others = carve(parts["train"], CALIBRATION_SIZE)
    validation, train = carve(others, VALIDATION_SIZE)
    return {"train": train, "calibration": calibration, "validation": validation, TEST: parts[TEST]}


def by_digit(labels: Array) -> list[Array]:
    """Of each digit, 0 to 9, the numbers of the samples that show it."""
    return [np.flatnonzero(labels == digit) for digit in range(10)]
