"""The front of each method: its hypervolume, what seeds attain, and readings between points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from framework.report.frame import object_frame
from framework.report.grid import Cell, Grid
from framework.report.kinds.methods import by_method
from framework.report.statistics.fronts import Front, Volume, attainment, volume_of
from framework.report.statistics.readings import NOT_REACHED, Reading, quality_at, size_at
from framework.report.tables import percent, ratio
from framework.results.fronts import Direction, hypervolume

if TYPE_CHECKING:
    from framework.report.kinds.compare_tables import Side
    from framework.report.kinds.configurations import Configuration

LOSS = 0.01  # of accuracy (1 point) or R2, at which a size is read
SMALLER = 4.0  # times, at which a quality is read
DIRECTIONS: tuple[Direction, Direction] = ("min", "max")


@dataclass(frozen=True, kw_only=True)
class MethodFront:
    """What is said of all settings of one method together.

    Args:
        seeds: that all of its settings have.
        volume: dominated, in octaves of the size below the dense net's times quality above chance;
            without interval where there is one seed.
        size: how many times smaller than the dense net at a loss of 1 point; None: not reached.
        quality: at a quarter of the dense net's size; None: not reached.
        surfaces: what the best seed, half of them and all attain, (size, quality).
    """

    method: str
    seeds: int
    volume: float
    interval: Volume | None
    size: Reading | None
    quality: Reading | None
    surfaces: Mapping[str, Front]


def fronts_of(side: Side) -> list[MethodFront]:
    """Of each method that has finished; none where the dense net has no size or quality."""
    dense = (side.net.dense.values(side.size), side.net.dense.values(side.net.quality))
    if not all(dense) or side.net.above_chance is None:
        return []
    dense_size, dense_quality = (mean(values.values()) for values in dense)
    answers = []
    for method, settings in by_method(side.names).items():
        points = _points(side, list(settings.values()))
        if points.size:
            chance = dense_quality - side.net.above_chance
            answers.append(_front(method, points, dense_size, dense_quality, chance))
    return answers


def _points(side: Side, configurations: Sequence[Configuration]) -> Any:
    """(configurations, seeds, 2), of the seeds that all of them have."""
    values = []
    for one in configurations:
        sizes, qualities = one.values(side.size), one.values(side.net.quality)
        # a net that is pruned to nothing has no logarithm
        both = {seed: (size, qualities[seed]) for seed, size in sizes.items() if size > 0}
        values.append(both)
    seeds = sorted(set.intersection(*map(set, values)))
    return np.array([[both[seed] for seed in seeds] for both in values], dtype=float)


def _front(
    method: str, points: Any, dense_size: float, dense_quality: float, chance: float
) -> MethodFront:
    octaves = np.stack([np.log2(points[:, :, 0] / dense_size), points[:, :, 1]], axis=2)
    reference = (0.0, chance)
    means = [tuple(one) for one in points.mean(axis=1).tolist()]
    several = points.shape[1] > 1
    interval = None
    if several:
        interval = volume_of(octaves, reference=reference, directions=DIRECTIONS)
    return MethodFront(
        method=method,
        seeds=points.shape[1],
        volume=hypervolume(octaves.mean(axis=1), reference, DIRECTIONS),
        interval=interval,
        size=size_at(means, dense_quality - LOSS),
        quality=quality_at(means, dense_size / SMALLER),
        # (seeds, configurations, 2)
        surfaces=attainment(points.swapaxes(0, 1).tolist(), DIRECTIONS) if several else {},
    )


def fronts_grid(side: Side, fronts: Sequence[MethodFront]) -> Grid:
    """A line for each method."""
    share = side.net.quality == "val_accuracy"
    loss = "1 point below dense" if share else f"{LOSS:g} below dense"
    # a point is a hundredth of accuracy; R2 has no such word
    heads = ["method", "n", "hypervolume", f"smaller by, {loss}", f"quality at 1/{SMALLER:g}"]
    dense_size = mean(side.net.dense.values(side.size).values()) if fronts else math.nan
    rows = []
    for one in fronts:
        volume = f"{one.volume:.3f}"
        if one.interval is not None:
            volume += f" ({one.interval.low:.3f} to {one.interval.high:.3f})"
        smaller = NOT_REACHED if one.size is None else ratio(dense_size / one.size.value)
        quality = NOT_REACHED
        if one.quality is not None:
            quality = percent(one.quality.value) if share else f"{one.quality.value:.4f}"
        cells = (one.method, str(one.seeds), volume, smaller, quality)
        rows.append(list(map(Cell, cells)))
    return Grid(heads=heads, rows=rows)


def attainment_frame(fronts: Mapping[str, Sequence[MethodFront]]) -> pd.DataFrame:
    """The corners of what seeds attain.

    Args:
        fronts: by net.

    Returns:
        (corners, columns), dtype object.
    """
    columns = ["net", "method", "seeds", "attained_by", "size", "quality"]
    return object_frame(list(_corners(fronts)), columns)


def _corners(fronts: Mapping[str, Sequence[MethodFront]]) -> Iterator[dict[str, Any]]:
    for net, methods in fronts.items():
        for one in methods:
            head = {"net": net, "method": one.method, "seeds": one.seeds}
            for share, corners in one.surfaces.items():
                for size, quality in corners:
                    yield head | {"attained_by": share, "size": size, "quality": quality}
