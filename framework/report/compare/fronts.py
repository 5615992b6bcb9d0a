"""The front of each method: its hypervolume, what seeds attain, and readings between points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from framework.report.compare.methods import by_method
from framework.report.frame import object_frame
from framework.report.statistics.fronts import Front, Volume, attainment, volume_of
from framework.report.statistics.readings import NOT_REACHED, Reading, quality_at, size_at
from framework.report.tables.numbers import percent, ratio
from framework.report.tables.table import Cell, Head, Table, words
from framework.report.tables.text import shortened
from framework.results.fronts import Direction, hypervolume

if TYPE_CHECKING:
    from framework.report.compare.configurations import Configuration
    from framework.report.compare.tables import Side

LOSS = 0.01  # of accuracy (1 point) or R2, at which a size is read
SMALLER = 4.0  # times, at which a quality is read
DIRECTIONS: tuple[Direction, Direction] = ("min", "max")


@dataclass(frozen=True, kw_only=True)
class MethodFront:
    """What is said of all settings of one method together, by their means.

    Args:
        seeds: that all of its settings have.
        volume: dominated, in octaves of the size below the dense net's times quality above chance.
        interval: of the volume; None of fewer than two seeds.
        size: how many times smaller than the dense net at a loss of 1 point; None: not reached.
        quality: at a quarter of the dense net's size; None: not reached.
        surfaces: what the best seed, half of them and all attain, (size, quality); of two or more.
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
    whole = tuple(mean(values.values()) for values in dense)
    answers = []
    for method, settings in by_method(side.names).items():
        measured = list(filter(None, (_measured(side, one) for one in settings.values())))
        if measured:
            answers.append(_front(method, measured, whole, whole[1] - side.net.above_chance))
    return answers


def _measured(side: Side, one: Configuration) -> dict[int, tuple[float, ...]]:
    """Seed -> (size, quality); empty for what is beyond a constraint of its study."""
    if one.beyond:
        return {}
    sizes, qualities = one.values(side.size), one.values(side.net.quality)
    # a net that is pruned to nothing has no logarithm
    positive = {seed: size for seed, size in sizes.items() if size > 0 and seed in qualities}
    return {seed: (size, qualities[seed]) for seed, size in positive.items()}


def _front(
    method: str,
    measured: Sequence[Mapping[int, tuple[float, ...]]],
    dense: tuple[float, ...],
    chance: float,
) -> MethodFront:
    means = [tuple(map(mean, zip(*one.values(), strict=True))) for one in measured]
    reference = (0.0, chance)
    # an interval and what seeds attain need all settings of each seed
    seeds = sorted(set.intersection(*map(set, measured)))
    interval, surfaces = None, {}
    if len(seeds) > 1:
        points = np.array([[one[seed] for seed in seeds] for one in measured])
        octaves = _octaves(points, dense[0])
        interval = volume_of(octaves, reference=reference, directions=DIRECTIONS)
        # (seeds, configurations, 2)
        surfaces = dict(attainment(points.swapaxes(0, 1).tolist(), DIRECTIONS))
    volume = hypervolume(_octaves(np.array(means), dense[0]), reference, DIRECTIONS)
    return MethodFront(
        method=method,
        seeds=len(seeds),
        volume=volume if interval is None else interval.value,
        interval=interval,
        size=size_at(means, dense[1] - LOSS),
        quality=quality_at(means, dense[0] / SMALLER),
        surfaces=surfaces,
    )


def _octaves(points: Any, dense_size: float) -> Any:
    """The same points with the logarithm of their size, 0 for that of the dense net."""
    sizes, qualities = np.moveaxis(points, -1, 0)
    return np.stack([np.log2(sizes / dense_size), qualities], axis=-1)


def fronts_table(side: Side, fronts: Sequence[MethodFront], *, name: str = "fronts") -> Table:
    """A line for each method."""
    share = side.net.quality == "val_accuracy"
    loss = "1 point below dense" if share else f"{LOSS:g} below dense"
    # a point is a hundredth of accuracy; R2 has no such word
    titles = {"n": "", "hypervolume": "", f"smaller by, {loss}": "Smaller by"}
    titles[f"quality at 1/{SMALLER:g}"] = f"At 1/{SMALLER:g}"
    heads = [words("method")]
    heads += [Head(name=title, text=title, short=short) for title, short in titles.items()]
    notes = [
        f"Smaller by: {loss}. At 1/{SMALLER:g}: quality at that part of the dense net's size",
        "Read between measured points, or not reached",
    ]
    dense_size = mean(side.net.dense.values(side.size).values()) if fronts else math.nan
    rows = []
    for one in fronts:
        volume = f"{one.volume:.3f}"
        if one.interval is not None:
            volume += f" ({one.interval.low:.3f} to {one.interval.high:.3f})"
        smaller, quality = NOT_REACHED, NOT_REACHED
        if one.size is not None:
            smaller = _bound(one.size) + ratio(dense_size / one.size.value)
        if one.quality is not None:
            text = percent(one.quality.value) if share else f"{one.quality.value:.4f}"
            quality = _bound(one.quality) + text
        cells = (one.method, str(one.seeds), volume, smaller, quality)
        rows.append(list(map(Cell, cells)))
    caption = (
        f"{shortened(side.net.name, 48)}: the front of each method, of means over n seeds; "
        f"intervals of the hypervolume are 95 %."
    )
    return Table(name=name, caption=caption, heads=heads, rows=rows, notes=notes)


def _bound(reading: Reading) -> str:
    """Before a reading that is no more than a bound."""
    return "at least " if reading.bound else ""


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
