"""Whether "on the front with 80 %" is right in 80 % of the cases, over a distribution of fronts.

The fronts: eight sizes that halve; nothing is lost down to a size drawn evenly from all of them,
and 0.2 to 5 points (evenly on a log scale) with each halving beyond; each configuration is a normal
0.2 points off that curve. The noise of a training is 2 to 20 samples of 1 000, evenly on a log
scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.simulate.coverage import DIRECTIONS, SEEDS, SIZES, TRUTH, measured_front
from benchmarks.simulate.outcomes import Outcome, Size
from framework.report.statistics.fronts import memberships
from framework.results.fronts import on_front

MEMBERSHIP = "on the front"
EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
DRAWS = 200


def outcomes(size: Size) -> Iterator[Outcome]:
    """For each number of seeds, and each bin of what is said, how often it is true."""
    for seeds in SEEDS:
        generator = np.random.default_rng(seeds)
        said, true = [], []
        for _ in range(size.simulations):
            qualities = _front(generator)
            samples = float(np.exp(generator.uniform(np.log(2), np.log(20))))
            points = measured_front(generator, qualities, samples=samples, seeds=seeds)
            said.extend(memberships(points, directions=DIRECTIONS, draws=DRAWS))
            true.extend(on_front(np.stack([SIZES, qualities], axis=1).tolist(), DIRECTIONS))
        yield from _bins(np.array(said), np.array(true), seeds)


def _front(generator: np.random.Generator) -> Any:
    """The accuracies of a true front, (configurations,)."""
    steps_beyond = np.clip(np.arange(len(SIZES)) - generator.integers(len(SIZES)), 0, None)
    loss = np.exp(generator.uniform(np.log(0.002), np.log(0.05)))
    return TRUTH - loss * steps_beyond + 0.002 * generator.standard_normal(len(SIZES))


def _bins(said: Any, true: Any, seeds: int) -> Iterator[Outcome]:
    bins = np.digitize(said, EDGES[1:-1])
    for index, (low, high) in enumerate(pairwise(EDGES)):
        inside = bins == index
        # held to nothing: where it is not calibrated no report shows it
        yield Outcome(
            what=MEMBERSHIP,
            case=f"said {100 * low:.0f} to {100 * high:.0f} %",
            column=f"{seeds} seeds",
            rate=float(true[inside].mean()) if inside.any() else None,
            said=float(inside.mean()),
        )
