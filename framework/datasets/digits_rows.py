"""The handwritten digits as sequences of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from framework.contracts import DataInfo, dataset
from framework.datasets._prepare.digits import (
    CALIBRATION_SIZE,
    LARGEST_VALUE,
    VALIDATION_SIZE,
    digits_by_split,
)
from framework.datasets._sources.generated import MadeDataset
from framework.datasets._sources.splits import LABELS, Arrays


@dataset("digits_rows", version=1)
@dataclass(frozen=True, kw_only=True)
class DigitsRows(MadeDataset):
    """1 797 digits as sequences of 8 rows of 8 numbers.

    1 200 train, 50 calibration, 250 validation, 297 test.

    Each row of a picture is one step, from the top; ink is 0 to 1 in sixteenths. The samples of
    each split are those of the data set `digits`.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (UCI), its test part,
    in scikit-learn.
    """

    info = DataInfo(task="classes", classes=10, inputs={"sequence": (8, 8)}, toy=True)
    licence = "CC-BY-4.0"
    builder = "digits_rows"
    builder_version = "1.0.0"
    calibration_size = CALIBRATION_SIZE
    validation_size = VALIDATION_SIZE

    def make(self) -> Mapping[str, Arrays]:
        """The digits' pictures without their channel."""
        return {split: _rows(arrays) for split, arrays in digits_by_split().items()}


def _rows(arrays: Arrays) -> Arrays:
    ink = np.rint(arrays["image"][..., 0] * (LARGEST_VALUE / 255)) / LARGEST_VALUE
    return {"sequence": ink.astype(np.float32), LABELS: arrays[LABELS]}
