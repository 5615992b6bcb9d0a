"""One configuration under several seeds: mean, standard deviation, interval, and what forbids one.

± is over seeds, not over images: what another training of the same configuration would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

CONFIDENCE = 0.95
RESOLVED_SAMPLES = 2.0  # a spread of fewer samples of the split is that of rounding
# of what the dense net has above chance: where seeds differ by more, some have collapsed
COLLAPSE_SHARE = 1 / 3
BELOW_RESOLUTION = "below resolution"
SEEDS_DISAGREE = "seeds disagree"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Several seeds of one number.

    Args:
        mean: of the seeds.
        deviation: the sample standard deviation (n - 1); None of one seed.
        seeds: how many, n.
        low, high: Student's t interval of the mean; None of one seed and where a flag forbids it.
        flags: `below resolution`, `seeds disagree`: no interval and no verdict stands on these.
    """

    mean: float
    deviation: float | None
    seeds: int
    low: float | None = None
    high: float | None = None
    flags: tuple[str, ...] = ()


def summary(
    values: Sequence[float],
    *,
    resolution: float = 0.0,
    above_chance: float | None = None,
    confidence: float = CONFIDENCE,
) -> Summary:
    """Mean, standard deviation and interval of one configuration.

    Args:
        values: (n,), one a seed, finite, n at least 1.
        resolution: the least standard deviation that says something, in the unit of the values;
            `resolution_of` gives it. 0 where there is none.
        above_chance: what the dense net has above chance; None where nothing can collapse.
        confidence: of the interval, between 0 and 1.

    Source: Student's t; a percentile bootstrap of 3 or 5 values covers 0.73 or 0.84 in place of
        0.95.
    """
    seeds, mean = len(values), float(np.mean(values))
    if seeds < 2:
        return Summary(mean=mean, deviation=None, seeds=seeds)
    deviation = float(np.std(values, ddof=1))
    flags = flags_of(values, resolution=resolution, above_chance=above_chance)
    # half of a truth: the spread stands, so that a reader sees why there is no more
    if flags:
        return Summary(mean=mean, deviation=deviation, seeds=seeds, flags=flags)
    half = t_quantile(confidence, seeds - 1) * deviation / seeds**0.5
    return Summary(mean=mean, deviation=deviation, seeds=seeds, low=mean - half, high=mean + half)


def flags_of(
    values: Sequence[float], *, resolution: float = 0.0, above_chance: float | None = None
) -> tuple[str, ...]:
    """What forbids an interval; arguments as of `summary`, n at least 2."""
    flags = []
    if above_chance is not None and np.ptp(values) > COLLAPSE_SHARE * above_chance:
        flags.append(SEEDS_DISAGREE)
    if np.std(values, ddof=1) < resolution:
        flags.append(BELOW_RESOLUTION)
    return tuple(flags)


def resolution_of(samples: int) -> float:
    """The standard deviation of a share below which a split of this many samples only rounds."""
    return RESOLVED_SAMPLES / samples


def t_quantile(confidence: float, degrees: float) -> float:
    """Half the width of a two-sided interval, in standard errors."""
    return float(special.stdtrit(degrees, (1 + confidence) / 2))
