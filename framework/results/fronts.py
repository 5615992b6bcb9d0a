"""Pareto front and hypervolume, for the study loop and for reports."""

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


def hypervolume(
    points: Sequence[Sequence[float]], directions: Sequence[Direction], reference: Sequence[float]
) -> float:
    """The volume that the points dominate, up to the reference point.

    Args:
        points: (n, objectives), finite; points that do not beat the reference add nothing.
        directions: `max` or `min` per objective.
        reference: the worst value of each objective.

    Returns:
        At least 0, in the product of the objectives' units.
    """
    if not points:
        return 0.0
    return float(
        moocore.hypervolume(
            np.asarray(points, dtype=float),
            ref=np.asarray(reference, dtype=float),
            maximise=_maximised(directions),
        )
    )


def _maximised(directions: Sequence[Direction]) -> list[bool]:
    return [direction == "max" for direction in directions]
