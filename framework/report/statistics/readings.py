"""What size a quality takes, and what quality a size gives, read between measured points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from framework.results.fronts import on_front

Point = tuple[float, float]
NOT_REACHED = "not reached"


@dataclass(frozen=True)
class Reading:
    """A value between two measured points of a front.

    Args:
        value: size or quality, in its unit.
        between: the (size, quality) of the measured points below and above; the same one twice
            where it was measured.
        bound: all that was measured is better than asked, so that the answer is this or better.
    """

    value: float
    between: tuple[Point, Point]
    bound: bool = False


def size_at(points: Sequence[Point], quality: float) -> Reading | None:
    """The size that this quality takes, linear in the logarithm of the size.

    Args:
        points: (n, 2), size above 0 and quality of one method; those that others beat do not count.
        quality: more is better.

    Returns:
        None where nothing that was measured is as good: it is not reached.
    """
    front = _front(points)
    smallest = front[0]
    if smallest[1] > quality:
        return Reading(smallest[0], (smallest, smallest), bound=True)
    between = _neighbours(front, quality, axis=1)
    if between is None:
        return None
    (small, low), (large, high) = between
    share = (quality - low) / (high - low) if high > low else 0.0
    return Reading(float(small * (large / small) ** share), between)


def quality_at(points: Sequence[Point], size: float) -> Reading | None:
    """The quality that this size gives; arguments and answer as of `size_at`."""
    front = _front(points)
    best = front[-1]
    if best[0] < size:
        return Reading(best[1], (best, best), bound=True)
    between = _neighbours(front, size, axis=0)
    if between is None:
        return None
    (small, low), (large, high) = between
    share = np.log(size / small) / np.log(large / small) if large > small else 0.0
    return Reading(float(low + share * (high - low)), between)


def _front(points: Sequence[Point]) -> list[Point]:
    """In ascending order of both: the larger of a front is the better."""
    best = on_front(points, ["min", "max"])
    return sorted({point for point, kept in zip(points, best, strict=True) if kept})


def _neighbours(front: Sequence[Point], wanted: float, *, axis: int) -> tuple[Point, Point] | None:
    below = [point for point in front if point[axis] <= wanted]
    above = [point for point in front if point[axis] >= wanted]
    return (below[-1], above[0]) if below and above else None
