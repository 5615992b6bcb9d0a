"""The Mackey-Glass series: what will it be one turn ahead?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from framework.contracts import Array, DataInfo, dataset
from framework.datasets._sources.generated import MadeDataset
from framework.datasets._sources.splits import LABELS, Arrays

DELAY, GAIN, DECAY, POWER = 17, 0.2, 0.1, 10  # of the equation
START = 1.2  # at time 0 and before
SUBSTEPS = 10  # Runge-Kutta steps in one unit of time
WARM_UP = 500  # units of time that are left out at the beginning
STEPS, SPACING = 16, 2  # of a window: its steps, and the units of time between two of them
HORIZON = 50  # units of time from a window's last step to what is asked
STRIDE = 2  # units of time between the beginnings of two windows
GAP = 100  # units of time between two splits, more than a window and its horizon
SIZES = {"train": 6000, "calibration": 100, "validation": 1000, "test": 1000}


@dataset("mackey_glass", version=1)
@dataclass(frozen=True, kw_only=True)
class MackeyGlass(MadeDataset):
    """8 100 windows of a chaotic series, to be continued.

    6 000 train, 100 calibration, 1 000 validation, 1 000 test.

    x'(t) = 0.2 x(t - 17) / (1 + x(t - 17)^10) - 0.1 x(t), with x = 1.2 up to time 0, by Runge-Kutta
    of order 4 with step 0.1 and the mean of neighbours between two steps of the delayed value; the
    first 500 units are left out. A window is 16 values 2 units apart, the label is the value 50
    units after the last of them; windows begin every 2 units. The splits are blocks of time, one
    after the other, with gaps of 100 units. All numbers are standardised by mean and standard
    deviation of the training block.

    Validation R2 without a net: the mean 0.00, the window's last value 0.43, linear regression
    0.62.

    Source: Mackey & Glass 1977, Oscillation and Chaos in Physiological Control Systems, Science
    197(4300), 287-289.
    """

    info = DataInfo(task="regression", classes=0, inputs={"sequence": (STEPS, 1)}, toy=True)
    licence = "made by rule, Apache-2.0 as this project"
    builder = "mackey_glass"
    builder_version = "1.0.0"
    calibration_size = SIZES["calibration"]
    validation_size = SIZES["validation"]

    def make(self) -> Mapping[str, Arrays]:
        """Windows and what follows them, block by block."""
        units = sum(map(_span, SIZES.values())) + GAP * len(SIZES)
        values = np.array(series(units))
        # no other block has a say in the scale
        mean, deviation = _moments(values[: _span(SIZES["train"])])
        scaled = (values - mean) / deviation
        splits, start = {}, 0
        for split, count in SIZES.items():
            splits[split] = _windows(scaled[start:], count)
            start += _span(count) + GAP
        return splits


def series(units: int) -> list[float]:
    """The series at whole units of time after the warm-up.

    Single numbers are added, multiplied and divided, nothing else: so machines agree on a chaotic
    series to the bit.
    """
    step, delay = 1 / SUBSTEPS, DELAY * SUBSTEPS
    values = [START] * (delay + 1)
    for _ in range((WARM_UP + units - 1) * SUBSTEPS):
        before, after = values[-1 - delay], values[-delay]
        middle = (before + after) / 2
        now = values[-1]
        first = slope(now, before)
        second = slope(now + step / 2 * first, middle)
        third = slope(now + step / 2 * second, middle)
        fourth = slope(now + step * third, after)
        values.append(now + step / 6 * (first + 2 * second + 2 * third + fourth))
    return values[delay + WARM_UP * SUBSTEPS :: SUBSTEPS]


def slope(value: float, delayed: float) -> float:
    """x'(t) from x(t) and x(t - delay)."""
    square = delayed * delayed
    fourth = square * square
    return GAIN * delayed / (1 + fourth * fourth * square) - DECAY * value


def _span(count: int) -> int:
    """Units of time from the first window's first step to the last one's label, both included."""
    return (count - 1) * STRIDE + (STEPS - 1) * SPACING + HORIZON + 1


def _windows(values: Array, count: int) -> Arrays:
    starts = np.arange(count)[:, np.newaxis] * STRIDE
    windows = values[starts + np.arange(STEPS) * SPACING]
    labels = values[starts[:, 0] + (STEPS - 1) * SPACING + HORIZON]
    return {
        "sequence": windows[..., np.newaxis].astype(np.float32),
        LABELS: labels.astype(np.float32),
    }


def _moments(values: Array) -> tuple[float, float]:
    """Mean and standard deviation, summed exactly: in whatever order, the bits are the same."""
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
