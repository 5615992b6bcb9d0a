"""What a training minimises and reports, for the task of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.contracts.data import DataInfo
from framework.contracts.net import Array
from framework.nn.backend import keras


def loss_of(info: DataInfo) -> Any:
    """What is minimised, for the data set's task."""
    losses = {
        "classes": keras.losses.CategoricalCrossentropy,
        "binary": keras.losses.BinaryCrossentropy,
        "regression": keras.losses.MeanSquaredError,
    }
    return losses[info.task]()


def metrics_of(info: DataInfo) -> list[Any]:
    """What an epoch reports next to the loss: accuracy, or the root of the mean squared error."""
    if info.task == "regression":
        return [keras.metrics.RootMeanSquaredError(name="rmse")]
    if info.task == "classes":
        return [keras.metrics.CategoricalAccuracy(name="accuracy")]
    return [keras.metrics.BinaryAccuracy(name="accuracy")]


def targets(labels: Array, info: DataInfo, smooth: float) -> Array:
    """Labels as the loss wants them, smoothed.

    Args:
        labels: (n,) class numbers, 0 or 1, or the values of a regression.
        info: of the data set.
        smooth: share of the probability that is spread evenly, 0 to 1; not for a regression.

    Returns:
        Float32, (n, classes) or (n, 1).
    """
    if info.task == "regression":
        return labels.astype(np.float32)[:, None]
    if info.task == "binary":
        return (labels.astype(np.float32) * (1 - smooth) + smooth / 2)[:, None]
    smoothed = np.eye(info.classes, dtype=np.float32)[labels] * (1 - smooth) + smooth / info.classes
    return smoothed.astype(np.float32)
