"""A net as a value, between two steps of a chain: its graph, its weights, its promises, what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Weights = Mapping[tuple[str, int], Array]
"""(layer name, position among the layer's weights) -> read-only float32 array."""


@dataclass(frozen=True)
class Mask:
    """A promise of a stage: the zeros of this weight stay zero.

    Args:
        weight: (layer, position).
        zeros: boolean array of the weight's shape, true where it is zero.
    """

    weight: tuple[str, int]
    zeros: Array


Keep = Mask


@dataclass(frozen=True)
class Export:
    """The number format of the exported file.

    Args:
        format: `float32`; `float16`: weights in half precision; `dynamic`: 8-bit weights, float activations; `int8`:
            8-bit weights and activations, the ranges of activations from the calibration split.
        scales: of 8-bit weights: one for each output channel, or one for each tensor.
        samples: of the calibration split that `int8` looks at; all of it if there are fewer.
    """

    format: Literal["float32", "float16", "dynamic", "int8"] = "float32"
    scales: Literal["per_channel", "per_tensor"] = "per_channel"
    samples: int = 200

    @property
    def bits(self) -> int:
        """Bits asked of each weight."""
        return {"float32": 32, "float16": 16, "dynamic": 8, "int8": 8}[self.format]


@dataclass(frozen=True)
class Step:
    """What one strategy did: its name and knobs, what was asked, what was reached, and the price.

    Args:
        asked: `layer/position` -> zeros asked for (magnitude pruning), or whatever the strategy promises.
        reached: the same as counted in the stage.
        epochs: epochs of training spent.
        seconds: wall time inside `fit`.
    """

    strategy: str
    knobs: Mapping[str, Any]
    asked: Mapping[str, float] = field(default_factory=dict)
    reached: Mapping[str, float] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Stage:
    """A net as a value, between two steps of a chain.

    Args:
        graph: JSON of a keras functional configuration; only layer classes of the allow-list.
        weights: (layer, position) -> read-only array.
        keeps: what later steps must hold; checked after every step and in the file.
        export: number format of the exported file.
        steps: what was done so far.
    """

    graph: str
    weights: Weights
    keeps: tuple[Keep, ...] = ()
    export: Export = Export()
    steps: tuple[Step, ...] = ()

    def with_weights(self, weights: Weights) -> Stage:
        """The same graph with other weights, made read-only."""
        fixed = {key: np.array(value, copy=True) for key, value in weights.items()}
        for value in fixed.values():
            value.flags.writeable = False
        return replace(self, weights=fixed)

    def with_step(self, step: Step, *, keeps: tuple[Keep, ...] = ()) -> Stage:
        """The same net with one more step on record; a new promise replaces the old one on the same weight."""
        renewed = {keep.weight for keep in keeps}
        old = tuple(keep for keep in self.keeps if keep.weight not in renewed)
        return replace(self, steps=(*self.steps, step), keeps=old + keeps)
