"""Digits as rows are the digits, split for split."""

import numpy as np

from framework.datasets._prepare.digits import digits_by_split
from framework.datasets.digits_rows import DigitsRows


def test_the_same_digits_in_the_same_splits():
    rows, digits = DigitsRows().make(), digits_by_split()
    for split, arrays in rows.items():
        assert np.abs(arrays["sequence"] * 255 - digits[split]["image"][..., 0]).max() <= 0.5
        assert (arrays["labels"] == digits[split]["labels"]).all()


def test_ink_is_in_sixteenths():
    sixteenths = DigitsRows().make()["train"]["sequence"] * 16
    assert set(np.unique(sixteenths)) == set(range(17))
