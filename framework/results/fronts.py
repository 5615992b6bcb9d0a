"""The Pareto front and what is measured of it, for the study loop and for reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

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


def hypervolume(points: Any, reference: Sequence[float], directions: Sequence[Direction]) -> float:
    """What the points dominate of the space up to a reference; points beyond it count nothing.

    Args:
        points: (n, objectives), finite, n at least 1.
        reference: one value per objective.
        directions: `max` or `min` per objective.
    """
    values = np.asarray(points, dtype=float)
    return float(moocore.hypervolume(values, ref=reference, maximise=_maximised(directions)))


def attained(
    points: Any, sets: Sequence[int], share: float, directions: Sequence[Direction]
) -> list[tuple[float, ...]]:
    """The front of what at least this share of the sets attains.

    Args:
        points: (n, objectives), finite.
        sets: (n,), which set each point belongs to, as its seed.
        share: above 0, at most 1.

    Returns:
        Its corners, in ascending order.

    Source: Grunert da Fonseca et al. 2001, doi:10.1007/3-540-44719-9_15.
    """
    # moocore's attainment knows no direction but less
    signs = np.where(_maximised(directions), -1.0, 1.0)
    turned = np.asarray(points, dtype=float) * signs
    corners = moocore.eaf(turned, np.asarray(sets), percentiles=[100 * share])[:, :-1] * signs
    return sorted(map(tuple, corners.tolist()))


def _maximised(directions: Sequence[Direction]) -> list[bool]:
    return [direction == "max" for direction in directions]
