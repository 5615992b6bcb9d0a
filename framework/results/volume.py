"""The hypervolume of a study's trials: one number, which grows with each that improves the front.

The product over the objectives of what is won: of a cost the halvings (octaves) below the dense
net, of quality what is above chance. A comparison of methods has the same definition.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from framework.results.fronts import Direction, hypervolume
from framework.results.quantities import costs
from framework.results.record import CHANCE_ACCURACY, drop_of, quality_of


@dataclass(frozen=True)
class Axis:
    """One objective, and where winning begins.

    Args:
        direction: `max` or `min`.
        reference: the value that wins nothing; of a cost the dense net's.
        in_octaves: it is a cost, whose halvings count.
    """

    name: str
    direction: Direction
    reference: float
    in_octaves: bool

    @property
    def text(self) -> str:
        """What is counted, in words."""
        if self.in_octaves:
            return f"halvings of {self.name} below the dense net"
        return f"{self.name} {'below' if self.direction == 'min' else 'above'} chance"

    def place(self, value: float) -> float:
        """Where a value lies; infinitely far for a cost of nothing, which has no logarithm."""
        if not self.in_octaves:
            return value
        return math.log2(value / self.reference) if value > 0 else math.nan

    @property
    def end(self) -> float:
        """Where the reference lies."""
        return 0.0 if self.in_octaves else self.reference


def axes_of(
    objectives: Mapping[str, Direction], dense: Mapping[str, float], task: str
) -> tuple[Axis, ...]:
    """The objectives with their references; none where one of them has no reference.

    Args:
        objectives: name -> direction.
        dense: metrics of the dense net's own run.
        task: as of a data set.
    """
    quality = dense.get(quality_of(task), math.nan)
    chance = dense.get(CHANCE_ACCURACY, 0.0)
    natural = {quality_of(task): chance, drop_of(task): quality - chance}
    paid = costs(objectives)
    axes = []
    for name, direction in objectives.items():
        is_cost = name in paid
        reference = dense.get(name, math.nan) if is_cost else natural.get(name, math.nan)
        if not math.isfinite(reference) or (is_cost and reference <= 0):
            return ()
        axes.append(Axis(name, direction, reference, is_cost))
    return tuple(axes)


def volume_of(points: Iterable[Mapping[str, float]], axes: tuple[Axis, ...]) -> float:
    """The hypervolume of some trials.

    Args:
        points: metrics of each; those that lack an objective count nothing.
        axes: at least one.
    """
    places = []
    for metrics in points:
        place = [axis.place(metrics.get(axis.name, math.nan)) for axis in axes]
        if all(map(math.isfinite, place)):
            places.append(place)
    if not places:
        return 0.0
    directions = [axis.direction for axis in axes]
    return hypervolume(places, [axis.end for axis in axes], directions)


def meaning(axes: Iterable[Axis]) -> str:
    """What the number is, as a sentence for whoever sees it first."""
    return (
        f"Hypervolume is what the front wins, and grows with each trial that improves it: "
        f"{' x '.join(axis.text for axis in axes)}."
    )
