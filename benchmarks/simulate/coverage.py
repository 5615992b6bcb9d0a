"""How often 95 % intervals hold the truth: of a mean, of a difference, of a hypervolume."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.simulate.outcomes import COVERAGE, SAMPLE, SPLIT, Outcome, Size, covered
from framework.report.statistics.comparison import difference
from framework.report.statistics.fronts import volume_of
from framework.report.statistics.intervals import resolution_of, summary
from framework.results.fronts import Direction, hypervolume

MEAN, MEAN_SHOWN = "mean", "mean, as a report shows it"
DIFFERENCE, VOLUME = "difference", "hypervolume"
TRUTH, ABOVE_CHANCE = 0.95, 0.85
SEEDS = (3, 5)
DEVIATIONS = (2.0, 5.0, 20.0)  # samples
COARSE = (0.3, 1.0, 2.0)
COLLAPSES = 0.2  # of the trainings
# eight sizes that halve, as logarithms, and the accuracies of two true fronts
SIZES = -np.arange(8.0)
FRONTS = {
    "steep": 0.95 - 0.4 / (1 + np.exp(-3 * (np.arange(8) - 6))),
    "flat": 0.95 - 0.001 * np.arange(8),
}
REFERENCE = (0.0, 0.5)
DIRECTIONS: tuple[Direction, Direction] = ("min", "max")
UNEVEN = np.array([2, 2, 5, 20])  # samples: on the flank of a front some settings are noisier


def outcomes(size: Size) -> Iterator[Outcome]:
    """All of them."""
    for seeds in SEEDS:
        generator = np.random.default_rng(seeds)
        yield from _means(generator, (size.simulations, seeds))
        yield from _differences(generator, size.simulations, seeds)
        for name in FRONTS:
            for samples in DEVIATIONS:
                yield _volume(generator, name, size, samples=samples, seeds=seeds)


# --- one configuration ----------------------------------------------------------------------------


def _means(generator: np.random.Generator, shape: tuple[int, int]) -> Iterator[Outcome]:
    for samples in DEVIATIONS:
        values = _trainings(generator, samples, shape)
        # a flag keeps the wider intervals, so that those alone would hold the truth too often
        case = f"normal, {samples:g} samples"
        yield _mean(MEAN, case, values, flagged=False)
        yield _mean(MEAN_SHOWN, case, values)
    for samples in COARSE:
        rounded = np.round(_trainings(generator, samples, shape) / SAMPLE) * SAMPLE
        yield _mean(MEAN_SHOWN, f"rounded to samples, {samples:g} samples", rounded)
    # the truth is the mean of both kinds of trainings
    fallen = generator.random(shape) < COLLAPSES
    values = np.where(fallen, TRUTH - ABOVE_CHANCE, _trainings(generator, 5, shape))
    case = "one training in five collapses to chance"
    yield _mean(MEAN_SHOWN, case, values, truth=TRUTH - COLLAPSES * ABOVE_CHANCE)


def _trainings(generator: np.random.Generator, samples: float, shape: tuple[int, int]) -> Any:
    return TRUTH + samples * SAMPLE * generator.standard_normal(shape)


def _mean(
    what: str, case: str, tries: Any, *, truth: float = TRUTH, flagged: bool = True
) -> Outcome:
    """Of intervals that a flag may forbid, which are shown beside, or of all, which are held."""
    interval = partial(summary, resolution=resolution_of(SPLIT), above_chance=ABOVE_CHANCE)
    summaries = list(map(interval if flagged else summary, tries))
    rate, said = covered([(one.low, one.high) for one in summaries], truth)
    return Outcome(
        what=what,
        case=case,
        column=f"{tries.shape[1]} seeds",
        rate=rate,
        said=said,
        limits=None if flagged else COVERAGE,
    )


# --- two methods ----------------------------------------------------------------------------------


def _differences(generator: np.random.Generator, tries: int, seeds: int) -> Iterator[Outcome]:
    """By the settings, and by what a seed moves in all of them at once.

    That effect is in standard deviations of one difference.
    """
    for settings in (1, 4, 8):
        for effect in (0.0, 0.5, 1.0):
            spread = np.full(settings, 5)
            case = f"{settings} settings, effect of the seed {effect:g}"
            yield _difference(generator, case, spread, effect, (tries, seeds))
    case = "4 settings, of 2, 2, 5 and 20 samples"
    yield _difference(generator, case, UNEVEN, 0.0, (tries, seeds))


def _difference(
    generator: np.random.Generator,
    case: str,
    spread: Any,
    effect: float,
    shape: tuple[int, int],
) -> Outcome:
    tries, seeds = shape
    truth = 3 * SAMPLE
    alone = generator.standard_normal((tries, len(spread), seeds))
    common = effect * generator.standard_normal((tries, 1, seeds))
    tables = truth + SAMPLE * spread[:, None] * (alone + common)
    rate, said = covered([difference(table).interval() for table in tables], truth)
    column = f"{seeds} seeds"
    return Outcome(what=DIFFERENCE, case=case, column=column, rate=rate, said=said, limits=COVERAGE)


# --- fronts ---------------------------------------------------------------------------------------


def _volume(
    generator: np.random.Generator, name: str, size: Size, *, samples: float, seeds: int
) -> Outcome:
    truth = hypervolume(np.stack([SIZES, FRONTS[name]], axis=1), REFERENCE, DIRECTIONS)
    volumes = []
    for _ in range(size.simulations):
        # one at a time, as a report has them
        points = measured_front(generator, FRONTS[name], samples=samples, seeds=seeds)
        volumes.append(
            volume_of(points, reference=REFERENCE, directions=DIRECTIONS, draws=size.draws)
        )
    rate, said = covered([(one.low, one.high) for one in volumes], truth)
    return Outcome(
        what=VOLUME,
        case=f"{name} front, {samples:g} samples",
        column=f"{seeds} seeds",
        rate=rate,
        said=said,
        limits=COVERAGE,
    )


def measured_front(
    generator: np.random.Generator, qualities: Any, *, samples: float, seeds: int
) -> Any:
    """What trainings give of a true front: (configurations, seeds, 2)."""
    sizes = np.repeat(SIZES[:, None], seeds, axis=1)
    noise = samples * SAMPLE * generator.standard_normal(sizes.shape)
    return np.stack([sizes, qualities[:, None] + noise], axis=2)
