"""One figure of the simulation, and what it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SIMULATIONS = 1000
SPLIT = 1000  # samples, of which an accuracy is a share
SAMPLE = 1 / SPLIT
COVERAGE = (0.90, 0.98)  # of an interval that says 95 %
WRONG = (0.0, 0.07)  # of a verdict that says 5 %


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is simulated.

    Args:
        simulations: of each case, at least 1.
        draws: of the means, of which a hypervolume's interval is made.
    """

    simulations: int = SIMULATIONS
    draws: int = 500


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How often something was right, or wrong.

    Args:
        what: the table that it belongs to.
        case: its row: the noise, the number of settings or methods.
        column: the number of seeds, or how was asked.
        rate: how often the interval held the truth, or the verdict was wrong, 0 to 1; None where
            nothing was said at all.
        said: how often there was an interval or a verdict at all, 0 to 1.
        limits: within which the rate has to be; None where it is shown beside and held to nothing.
    """

    what: str
    case: str
    column: str
    rate: float | None
    said: float
    limits: tuple[float, float] | None = None

    @property
    def broken(self) -> bool:
        """Whether it is held to limits and outside of them."""
        if self.limits is None:
            return False
        return self.rate is None or not self.limits[0] <= self.rate <= self.limits[1]


def covered(intervals: Any, truth: float) -> tuple[float | None, float]:
    """How many of the intervals hold the truth, and how many tries have one.

    Args:
        intervals: (tries,) pairs of numbers, or of None where there is no interval.
    """
    shown = [(low, high) for low, high in intervals if low is not None]
    hits = sum(low <= truth <= high for low, high in shown)
    return hits / len(shown) if shown else None, len(shown) / len(intervals)
