"""Labels as numpy users have them: one number a sample, a column, one-hot, true or false, text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from framework.datasets._sources.class_numbers import numbered

if TYPE_CHECKING:
    from framework.contracts import Array


@dataclass(frozen=True)
class Labels:
    """What labels mean.

    Args:
        numbers: (n,) int64 class numbers, or (n,) float64 of a regression.
        classes: names by number; empty for a regression.
    """

    numbers: Array
    classes: tuple[str, ...]


class NoLabels(ValueError):
    """What labels are not, and the code that mends it."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.todo = todo


def understood(labels: Array, *, regression: bool) -> Labels:
    """Labels of any shape and type that have one meaning.

    Raises:
        NoLabels: they have none, or more than one.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if regression:
        return Labels(_numbers(labels), ())
    if labels.ndim == 2:
        labels = _from_one_hot(labels)
    if labels.ndim != 1:
        raise NoLabels(
            f"labels have shape {labels.shape}, one for each sample is wanted.",
            "Write one number or text for each: labels=labels[:, 0].",
        )
    return _classes(labels)


def _numbers(labels: Array) -> Array:
    if labels.ndim != 1 or labels.dtype.kind not in "biuf":
        raise NoLabels(
            f"a regression tells one number a sample; labels are {labels.dtype} of shape "
            f"{labels.shape}.",
            "Write one column of numbers: labels=labels[:, 0]."
            if labels.ndim == 2
            else 'Write them as numbers, labels=labels.astype(float), or set task="classes".',
        )
    return labels.astype(np.float64)


def _from_one_hot(labels: Array) -> Array:
    """The place of the 1 in each row."""
    plain = labels.dtype.kind in "biuf" and bool(((labels == 0) | (labels == 1)).all())
    if not plain or not (labels.sum(axis=1) == 1).all():
        raise NoLabels(
            f"labels have shape {labels.shape} and are not one-hot: one 1 in each row, else 0.",
            "Write one class for each sample: labels=labels.argmax(axis=1).",
        )
    return labels.argmax(axis=1)


def _classes(labels: Array) -> Labels:
    """Classes by number, in the order of their labels: those that occur."""
    kind = labels.dtype.kind
    if kind in "US":
        texts = np.char.decode(labels, "utf-8") if kind == "S" else labels
        numbers, classes = numbered(texts.tolist())
        if "" in classes:
            raise NoLabels(
                f"labels[{int(np.argmin(np.char.str_len(np.char.strip(texts))))}] is empty.",
                "Leave the sample out.",
            )
        return Labels(numbers, classes)
    if kind == "f" and not bool((labels == np.rint(labels)).all()):
        raise NoLabels(
            "labels have fractions.", 'Numbers are told by task="regression"; classes are whole.'
        )
    if kind not in "biuf":
        raise NoLabels(f"labels are {labels.dtype}.", "Write them as text: labels.astype(str).")
    # large whole numbers, as ids, would lose digits on the way through floats
    whole = labels if kind in "iu" else labels.astype(np.int64)
    values, numbers = np.unique(whole, return_inverse=True)
    return Labels(numbers.astype(np.int64), tuple(map(str, values.tolist())))
