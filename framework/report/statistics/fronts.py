"""A front of means over seeds: its hypervolume with an interval, who is on it, what is attained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.report.statistics.intervals import CONFIDENCE
from framework.results.fronts import Direction, attained, hypervolume, on_front

DRAWS = 1000
BAND_SEEDS = 20  # with fewer, shares of seeds are best, median and worst, and no band
Front = list[tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class Volume:
    """The hypervolume of a front of means, in the product of the objectives' units."""

    value: float
    low: float
    high: float


def volume_of(
    points: Any,
    *,
    reference: Sequence[float],
    directions: Sequence[Direction],
    confidence: float = CONFIDENCE,
    draws: int = DRAWS,
) -> Volume:
    """The hypervolume of the means, with a basic (reflected) interval.

    Args:
        points: (configurations, seeds, objectives), finite; at least 1 and 2 of them.
        reference: one value per objective, that of nothing won.
        directions: `max` or `min` per objective.
        confidence: of the interval, between 0 and 1.
        draws: of the means, by which the interval is found.

    Source: Davison and Hinkley 1997, Bootstrap Methods, 5.2: what the front of noisy means is too
        large by is taken off by the reflection. The percentile interval covers 0.69 of 3 seeds.
    """
    points = np.asarray(points, dtype=float)
    value = hypervolume(points.mean(axis=1), reference, directions)
    volumes = [hypervolume(one, reference, directions) for one in drawn_means(points, draws)]
    outside = (1 - confidence) / 2
    low, high = np.quantile(volumes, [outside, 1 - outside])
    return Volume(value=value, low=2 * value - float(high), high=2 * value - float(low))


def memberships(points: Any, *, directions: Sequence[Direction], draws: int = DRAWS) -> list[float]:
    """The share of draws of the means in which each configuration is on the front.

    Args:
        points: (configurations, seeds, objectives), as of `volume_of`.

    Returns:
        (configurations,), each 0 to 1.
    """
    points = np.asarray(points, dtype=float)
    counts = np.zeros(len(points))
    for means in drawn_means(points, draws):
        counts += on_front(means.tolist(), directions)
    return list(map(float, counts / draws))


def drawn_means(points: Any, draws: int) -> Any:
    """Means as other seeds might have given them.

    Normal about the means that were measured, with the covariance of all configurations pooled and
    itself uncertain: few seeds of one configuration say too little of its own.

    Args:
        points: (configurations, seeds, objectives), finite; at least 1 and 2 of them.

    Returns:
        (draws, configurations, objectives); the same for the same points.
    """
    configurations, seeds, objectives = points.shape
    means = points.mean(axis=1)
    residuals = (points - means[:, None]).reshape(-1, objectives)
    degrees = configurations * (seeds - 1)
    covariance = residuals.T @ residuals / degrees
    generator = np.random.default_rng(0)
    # the root by the eigenvectors: an objective that no seed changes has no variance
    values, vectors = np.linalg.eigh(covariance / seeds)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    noise = generator.standard_normal((draws, configurations, objectives)) @ root.T
    scale = np.sqrt(degrees / generator.chisquare(degrees, size=draws))
    return means + noise * scale[:, None, None]


def attainment(
    fronts: Sequence[Sequence[Sequence[float]]], directions: Sequence[Direction]
) -> Mapping[str, Front]:
    """What the best seed, half of the seeds and every seed attain.

    Args:
        fronts: for each seed the points of its configurations, (n, objectives), finite.

    Returns:
        `best`, `median` and `worst`; from 20 seeds on the band `5 %` to `95 %` and `median`.
    """
    points: list[Sequence[float]] = []
    sets: list[int] = []
    for seed, of_seed in enumerate(fronts):
        points.extend(of_seed)
        sets.extend([seed] * len(of_seed))
    shares = {"best": 1 / len(fronts), "median": 0.5, "worst": 1.0}
    if len(fronts) >= BAND_SEEDS:
        shares = {"5 %": 0.05, "median": 0.5, "95 %": 0.95}
    return {name: attained(points, sets, share, directions) for name, share in shares.items()}
