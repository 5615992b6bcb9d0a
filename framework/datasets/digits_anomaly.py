"""Digits that are what they should be, and some that are put together of two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from framework.contracts import Array, DataInfo, dataset
from framework.datasets._prepare.digits import (
    CALIBRATION_SIZE,
    SHAPE,
    VALIDATION_SIZE,
    digits_by_split,
)
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.generated import MadeDataset
from framework.datasets._sources.splits import LABELS, Arrays

LEFT = SHAPE[1] // 2  # columns of the left half


@dataset("digits_anomaly", version=1)
@dataclass(frozen=True, kw_only=True)
class DigitsAnomaly(MadeDataset):
    """1 797 digits to be rebuilt, and 547 anomalies: the halves of two digits side by side.

    1 200 train, 50 calibration, 500 validation, 594 test.

    Train and calibration are normal: the digits of those splits of `digits`. In validation and test
    every digit is there twice: as it is, and with the right half of another digit of its split,
    half of the split further on, or the next one after that which shows another number.

    AUC of the error that principal components of the training pictures leave, on validation: 0.74
    with 4 of them, 0.80 with 8, 0.78 with 16.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (UCI), its test part,
    in scikit-learn.
    """

    info = DataInfo(task="reconstruction", classes=2, inputs={"image": SHAPE}, toy=True)
    licence = "CC-BY-4.0"
    builder = "digits_anomaly"
    builder_version = "1.0.0"
    calibration_size = CALIBRATION_SIZE
    validation_size = 2 * VALIDATION_SIZE

    def make(self) -> Mapping[str, Arrays]:
        """Pictures as bytes, and 1 for those that are put together."""
        splits = {}
        for split, arrays in digits_by_split().items():
            pictures = [arrays["image"]]
            if split in ("validation", TEST):
                pictures.append(halved(arrays["image"], arrays[LABELS]))
            labels = np.repeat(np.arange(len(pictures)), len(arrays[LABELS]))
            splits[split] = {
                "image": np.concatenate(pictures),
                LABELS: labels.astype(np.float32),
            }
        return splits


def halved(images: Array, digits: Array) -> Array:
    """Each picture with the right half of one that shows another digit.

    Args:
        images: (n, height, width, channels).
        digits: (n,) what each shows; two different ones at least.
    """
    count = len(images)
    made = images.copy()
    for index in range(count):
        other = (index + count // 2) % count
        while digits[other] == digits[index]:
            other = (other + 1) % count
        made[index, :, LEFT:] = images[other, :, LEFT:]
    return made
