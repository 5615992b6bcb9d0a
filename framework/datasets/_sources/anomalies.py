"""Of data whose input is to be rebuilt: which samples are anomalies, and where they may be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from framework.contracts import Array
from framework.datasets._sources.splits import LABELS, Arrays, in_order, take
from framework.errors import InvalidValue

LEAST_NORMAL = 8  # one for calibration, one for validation, one for test, some to learn from
NAMES = ("normal", "anomaly")


def set_aside(arrays: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
    """The normal samples of a reconstruction, and its anomalies: those whose label is 1."""
    is_anomaly = arrays[LABELS] == 1
    return take(arrays, np.flatnonzero(~is_anomaly)), take(arrays, np.flatnonzero(is_anomaly))


def joined(first: Arrays, second: Arrays) -> dict[str, Array]:
    """The samples of both, in the rule's order."""
    return in_order({name: np.concatenate([first[name], second[name]]) for name in first})


def kinds_of_samples(labels: Array, wrong: Callable[[str, str, str], InvalidValue]) -> int:
    """2 where anomalies are labelled, 0 where none is.

    Args:
        labels: (n,) numbers.
        wrong: makes the error, of what is wrong, what was given and a way out.

    Raises:
        InvalidValue: they are not 0 and 1, or there are too few anomalies or too many.
    """
    is_other = ~np.isin(labels, (0, 1))
    if is_other.any():
        raise wrong(
            "labels of a reconstruction are 0 for normal samples and 1 for anomalies.",
            f"Found: {labels[is_other][0]}, in sample {int(np.argmax(is_other))}.",
            "Write them so, or leave the labels out: then every sample counts as normal.",
        )
    anomalies = int((labels == 1).sum())
    if anomalies == 1 or (anomalies and anomalies > len(labels) - LEAST_NORMAL):
        raise wrong(
            f"a reconstruction learns from {LEAST_NORMAL} normal samples or more, and is asked "
            "for no anomalies, or two or more.",
            f"Anomalies: {anomalies} of {len(labels)} samples.",
            "Leave the labels out (every sample then counts as normal), or add samples.",
        )
    return 2 if anomalies else 0
