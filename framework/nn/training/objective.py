"""What a training minimises and reports, for the task of a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.contracts.data import DataInfo, Samples
from framework.contracts.net import Array
from framework.nn.backend import keras, tf


def loss_of(info: DataInfo) -> Any:
    """What is minimised, for the data set's task."""
    losses = {
        "classes": keras.losses.CategoricalCrossentropy,
        "binary": keras.losses.BinaryCrossentropy,
        "regression": keras.losses.MeanSquaredError,
        "reconstruction": keras.losses.MeanSquaredError,
    }
    return losses[info.task]()


def metrics_of(info: DataInfo) -> list[Any]:
    """What an epoch reports next to the loss: accuracy, or the root of the mean squared error."""
    if info.task in ("regression", "reconstruction"):
        return [keras.metrics.RootMeanSquaredError(name="rmse")]
    if info.task == "classes":
        return [keras.metrics.CategoricalAccuracy(name="accuracy")]
    return [keras.metrics.BinaryAccuracy(name="accuracy")]


def rows(numbers: Any) -> Any:
    """(n, ...) -> (n, units): what a net rebuilds, as its head has it; an array or a tensor."""
    size = int(np.prod(numbers.shape[1:]))
    return tf.reshape(numbers, (-1, size)) if tf.is_tensor(numbers) else numbers.reshape(-1, size)


def targets(samples: Samples, info: DataInfo, smooth: float) -> Array:
    """What the loss holds the outputs against: labels, smoothed, or the input itself.

    Args:
        samples: with class numbers, 0 or 1, or the values of a regression as labels.
        info: of the data set, with the inputs that the net reads.
        smooth: share of the probability that is spread evenly, 0 to 1; of classes only.

    Returns:
        Float32, (n, classes), (n, 1), or (n, units) of a reconstruction.
    """
    labels = samples.labels
    if info.task == "reconstruction":
        return np.asarray(rows(samples.inputs[info.target]))
    if info.task == "regression":
        return labels.astype(np.float32)[:, None]
    if info.task == "binary":
        return (labels.astype(np.float32) * (1 - smooth) + smooth / 2)[:, None]
    smoothed = np.eye(info.classes, dtype=np.float32)[labels] * (1 - smooth) + smooth / info.classes
    return smoothed.astype(np.float32)
