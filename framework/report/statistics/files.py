"""Two given files on the same samples: whether one errs more often than the other."""

from __future__ import annotations

from collections.abc import Sequence

from scipy import stats


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """The p of the exact test that two files err equally often, 0 to 1.

    It speaks of these two files and of no method: of two nets of one configuration under two seeds
    it rejects far more often than its level.

    Args:
        first, second: (samples,), whether each answer is right, in one order.

    Source: McNemar 1947, doi:10.1007/BF02295996, with the binomial distribution.
    """
    only_first = sum(right and not other for right, other in zip(first, second, strict=True))
    only_second = sum(right and not other for right, other in zip(second, first, strict=True))
    changed = only_first + only_second
    return float(stats.binomtest(only_first, changed).pvalue) if changed else 1.0
