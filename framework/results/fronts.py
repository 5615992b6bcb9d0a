"""The Pareto front, for the study loop and for reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import moocore
import numpy as np

Direction = Literal["max", "min"]


def on_front(points: Sequence[Sequence[float]], directions: Sequence[Direction]) -> list[bool]:
    """Which points no other point beats; exact duplicates of a point on the front are on it too.

    Args:
        points: (n, objectives), finite.
        directions: `max` or `min` per objective.

    Returns:
        n booleans.
    """
    if not points:
        return []
    values = np.asarray(points, dtype=float)
    nondominated = moocore.is_nondominated(
        values, maximise=_maximised(directions), keep_weakly=True
    )
    return list(map(bool, nondominated))  # numpy's booleans are neither `is True` nor JSON


def _maximised(directions: Sequence[Direction]) -> list[bool]:
    return [direction == "max" for direction in directions]
