"""What is said of two methods, in words, and how many seeds more would say it.

All pairs of methods on one net are one family (Holm). A verdict is asked for after 3, 5, 10 and 20
seeds, and each of the four times spends a quarter of the level, whether or not somebody looked: so
one may add seeds until it is decided, and the same runs give the same words. Any other number of
seeds spends a twentieth.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import special

from framework.report.statistics.comparison import Difference
from framework.report.statistics.intervals import BELOW_RESOLUTION

LEVEL = 0.05
LOOKS = (3, 5, 10, 20)  # seeds after which a verdict is asked for
BETWEEN_LOOKS = 20  # the share of the level of any other number is one in so many
BETTER, EQUAL, UNDECIDED = "better", "equal in practice", "undecided"
TOO_SMALL = "different, too small to matter"
NO_VERDICT = "no verdict"
# within these a difference does not matter: of a share or R2 itself, of what is counted or timed
# the difference of logarithms
REGIONS = {
    "accuracy": 0.005,
    "r2": 0.01,
    "bytes": math.log(1.02),
    "latency": math.log(1.05),
}
MOST_SEEDS = 1000
LIKELY = 0.8  # of the interval of the standard deviation behind a range of seeds
Pair = TypeVar("Pair", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is said of a pair.

    Args:
        word: `better`, `different, too small to matter`, `equal in practice`, `undecided` or
            `no verdict`.
        low, high: the interval of the difference at the level that looks and pairs leave; None
            without a verdict.
        confidence: of that interval.
        level: that Holm's steps leave the pair, of all looks together; None without a verdict.
        why: there is no verdict, in words; empty where there is one.
    """

    word: str
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    level: float | None = None
    why: str = ""


def share_of(seeds: int) -> float:
    """What of the level a verdict from this many seeds may spend."""
    return 1 / len(LOOKS) if seeds in LOOKS else 1 / BETWEEN_LOOKS


def verdicts(
    differences: Mapping[Pair, Difference],
    *,
    region: float,
    level: float = LEVEL,
    resolution: float = 0.0,
) -> dict[Pair, Verdict]:
    """A verdict for each pair of methods on one net.

    Args:
        differences: pair -> first minus second.
        region: above 0; differences within +- region do not matter.
        level: of the family and of all looks together, between 0 and 1.
        resolution: as of `intervals.summary`, of one difference.

    Source: Holm 1979, doi:10.2307/4615733; intervals are those of its steps.
    """
    answers, apart, within = {}, {}, {}
    for pair, one in differences.items():
        why = why_not(one, resolution)
        if why:
            answers[pair] = Verdict(word=NO_VERDICT, why=why)
            continue
        # to be held against a share of the level is the same as a p that is so much larger
        apart[pair] = one.p_zero / share_of(one.seeds)
        within[pair] = one.p_equal(region) / share_of(one.seeds)
    levels_apart, levels_within = holm(apart, level), holm(within, level)
    for pair, left in levels_apart.items():
        word = _word(different=apart[pair] <= left, same=within[pair] <= levels_within[pair])
        spent = left * share_of(differences[pair].seeds)
        low, high = differences[pair].interval(1 - spent)
        answers[pair] = Verdict(word=word, low=low, high=high, confidence=1 - spent, level=left)
    return {pair: answers[pair] for pair in differences}


def why_not(one: Difference, resolution: float) -> str:
    """Why there is no verdict; empty where there is one."""
    if one.seeds < LOOKS[0]:
        return f"fewer than {LOOKS[0]} seeds"
    return BELOW_RESOLUTION if one.deviation < resolution else ""


def holm(p_values: Mapping[Pair, float], level: float) -> dict[Pair, float]:
    """The level that each is held against, by Holm's steps.

    Those after the first that is not rejected have its level, so that none of them is either.
    """
    levels, reached, stopped = {}, level, False
    for rank, pair in enumerate(sorted(p_values, key=p_values.__getitem__)):
        if not stopped:
            reached = level / (len(p_values) - rank)
            stopped = p_values[pair] > reached
        levels[pair] = reached
    return levels


def further_seeds(one: Difference, *, region: float, level: float) -> tuple[int, int] | None:
    """How many seeds more would decide, if the difference stayed what it is.

    Args:
        one: undecided.
        region: as of `verdicts`.
        level: of its verdict.

    Returns:
        From and to, over an 80 % interval of the standard deviation; None where that is beyond a
        thousand seeds.
    """
    outside = (1 - LIKELY) / 2
    counts = np.arange(one.seeds + 1, MOST_SEEDS + 1)
    levels = level * np.where(np.isin(counts, LOOKS), 1 / len(LOOKS), 1 / BETWEEN_LOOKS)
    degrees = one.degrees / (one.seeds - 1) * (counts - 1)
    further = []
    for share in (1 - outside, outside):
        # the standard deviation at an end of its interval, by chi-square
        scale = (one.degrees / special.chdtri(one.degrees, 1 - share)) ** 0.5
        error = scale * one.error * (one.seeds / counts) ** 0.5
        apart = special.stdtrit(degrees, 1 - levels / 2) * error < abs(one.mean)
        within = special.stdtrit(degrees, 1 - levels) * error < region - abs(one.mean)
        enough = counts[apart | within]
        if not enough.size:
            return None
        further.append(int(enough[0]) - one.seeds)
    return further[0], further[1]


def _word(*, different: bool, same: bool) -> str:
    if different:
        return TOO_SMALL if same else BETTER
    return EQUAL if same else UNDECIDED
