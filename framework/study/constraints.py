"""Constraints: what a trial's file has to meet to be on the front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TOLERANCE = 1e-9
"""Differences up to this are rounding: 249/250 - 244/250 is above 0.02 in floating point, by 5e-18.

It is far below the weight of one sample (1e-8 in a split of 10^8), and below one byte."""


@dataclass(frozen=True)
class AtMost:
    """A constraint: `metric` is at most `limit`.

    A metric of the file, or `quality_drop` against the own baseline.
    """

    metric: str
    limit: float

    def violation(self, values: Mapping[str, float]) -> float:
        """Above 0 where the constraint is not met.

        At most 0 where it is, `limit` itself included.
        """
        return _beyond_rounding(values[self.metric] - self.limit)


@dataclass(frozen=True)
class AtLeast:
    """A constraint: `metric` is at least `limit`."""

    metric: str
    limit: float

    def violation(self, values: Mapping[str, float]) -> float:
        """Above 0 where the constraint is not met.

        At most 0 where it is, `limit` itself included.
        """
        return _beyond_rounding(self.limit - values[self.metric])


def feasible(metrics: Mapping[str, float]) -> bool:
    """Whether a run meets every constraint of its study.

    Args:
        metrics: of the run, as stored; earlier versions stored rounding as a violation.
    """
    return metrics.get("constraint_violation", 0.0) <= TOLERANCE


def _beyond_rounding(excess: float) -> float:
    return 0.0 if 0 < excess <= TOLERANCE else excess
