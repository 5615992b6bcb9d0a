"""A net as a value, between two steps of a chain.

Its graph, its weights, its constraints, what was done to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class WeightKey(NamedTuple):
    """Which weight of a net; a plain pair of its parts is equal to it.

    Args:
        layer: the layer's name.
        position: among the layer's weights, 0-based, as keras orders them.
    """

    layer: str
    position: int

    def __str__(self) -> str:
        """`layer/position`, as in files, tables and messages."""
        return f"{self.layer}/{self.position}"

    @classmethod
    def of(cls, text: str) -> Self:
        """The weight that `str` wrote; a layer's name may hold a slash.

        Raises:
            ValueError: it is something else.
        """
        layer, _, position = text.rpartition("/")
        return cls(layer, int(position))


Weights = Mapping[WeightKey, Array]
"""Weight -> read-only float32 array."""


@dataclass(frozen=True)
class Mask:
    """A constraint of a stage: the zeros of this weight stay zero.

    Args:
        weight: (layer, position).
        zeros: boolean array of the weight's shape, true where it is zero.
    """

    weight: WeightKey
    zeros: Array


@dataclass(frozen=True)
class Codebook:
    """A constraint of a stage: values of this weight that are equal stay equal.

    Args:
        weight: (layer, position).
        indices: int32 array of the weight's shape; values with one index are equal.
        size: how many distinct values there are at most; indices are below it.
    """

    weight: WeightKey
    indices: Array
    size: int


@dataclass(frozen=True)
class Bits:
    """A constraint of a stage: this weight is on a grid of few levels, and is not trained any more.

    Args:
        weight: (layer, position).
        bits: the levels of one output channel are at most 2**bits.
        channels: how many of the last axes tell output channels apart; 0 where the whole weight has
            one grid.
    """

    weight: WeightKey
    bits: int
    channels: int = 1


Keep = Mask | Codebook | Bits


def levels_at_most(values: Array, channels: int) -> int:
    """How many different values one output channel has at most; `channels` as in `Bits`."""
    count = int(np.prod(values.shape[values.ndim - channels :]))
    return max(len(np.unique(channel)) for channel in values.reshape(-1, count).T)


@dataclass(frozen=True)
class Remask:
    """Masks that change while a net trains.

    Args:
        steps: optimizer steps, counted from 1, after which they change.
        update: (step, the net as it is) -> weight -> its new zeros, for weights whose `Mask` the
            net keeps.
    """

    steps: frozenset[int]
    update: Callable[[int, Stage], Mapping[WeightKey, Array]]


@dataclass(frozen=True)
class Export:
    """The number format of the exported file.

    Args:
        format: `float32`; `float16`: weights in half precision; `dynamic`: 8-bit weights, float
            activations; `int8`: 8-bit weights and activations, the ranges of activations from the
            calibration split.
        scales: of 8-bit weights: one for each output channel, or one for each tensor.
        samples: of the calibration split that `int8` looks at; all of it if there are fewer.
        sparse: kernels of zero blocks are stored as the blocks that are left, where the runtime
            then multiplies faster. That is in `float32` only: for fewer bits it has no such code,
            or computes wrong outputs, and they stay whole.
    """

    format: Literal["float32", "float16", "dynamic", "int8"] = "float32"
    scales: Literal["per_channel", "per_tensor"] = "per_channel"
    samples: int = 200
    sparse: bool = False

    @property
    def bits(self) -> int:
        """Bits asked of each weight."""
        return {"float32": 32, "float16": 16, "dynamic": 8, "int8": 8}[self.format]


@dataclass(frozen=True)
class Step:
    """What one strategy did.

    A strategy states what it asked; the trial fills in name and knobs, counts what was reached,
    measures the price.

    Args:
        asked: `layer/position` -> what the strategy asked of each weight that it touches.
        reached: the same as counted in the stage.
        epochs: epochs of training spent.
        seconds: wall time inside `fit`.
        unit: what is asked for: `zeros`, `clusters` (distinct values of a weight) or `bits` (of one
            value).
    """

    strategy: str = ""
    knobs: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, float] = field(default_factory=dict)
    reached: Mapping[str, float] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0
    unit: Literal["zeros", "clusters", "bits"] = "zeros"


@dataclass(frozen=True)
class Stage:
    """A net as a value, between two steps of a chain.

    Args:
        graph: JSON of a keras functional configuration; only layer classes of the allow-list.
        weights: (layer, position) -> read-only array.
        keeps: constraints that later steps enforce; checked after every step and in the file.
        export: number format of the exported file.
        steps: what was done so far.
    """

    graph: str
    weights: Weights
    keeps: tuple[Keep, ...] = ()
    export: Export = Export()
    steps: tuple[Step, ...] = ()

    def with_weights(self, weights: Weights) -> Stage:
        """The same graph with other weights, made read-only.

        In the order that they have here, and without a -0.0.

        Whoever trained or stored them, a weight has its place by the net: ties and random draws
        never depend on where it came from. A mask times a negative weight is -0.0, which equals 0
        and has other bytes: compressors would see noise.
        """
        fixed = {}
        for key in dict.fromkeys((*self.weights, *weights)):
            if key in weights:
                value = np.asarray(weights[key])
                # -0.0 + 0.0 is 0.0, a zero of the same type keeps the type, and the sum is a copy
                fixed[key] = np.asarray(value + np.zeros((), value.dtype))
                fixed[key].flags.writeable = False
        return replace(self, weights=fixed)

    def asking(
        self,
        asked: Mapping[WeightKey, float],
        *,
        unit: Literal["zeros", "clusters", "bits"] = "zeros",
        keeps: tuple[Keep, ...] = (),
    ) -> Stage:
        """The same net with what a strategy asked of its weights, and constraints from now on.

        Args:
            asked: weight -> zeros, distinct values, or bits of one value. Where one threshold for
                the whole net decides, what it gave each weight.
        """
        step = Step(asked={str(WeightKey(*key)): value for key, value in asked.items()}, unit=unit)
        return replace(self.keeping(keeps), steps=(*self.steps, step))

    def keeping(self, keeps: tuple[Keep, ...]) -> Stage:
        """The same net with more constraints.

        A new one replaces the old one of its kind on the same weight.
        """
        renewed = {(type(keep), keep.weight) for keep in keeps}
        old = tuple(keep for keep in self.keeps if (type(keep), keep.weight) not in renewed)
        return replace(self, keeps=old + keeps)

    @property
    def masks(self) -> dict[WeightKey, Array]:
        """Weight -> its zeros that stay, of all weights that have any."""
        return {keep.weight: keep.zeros for keep in self.keeps if isinstance(keep, Mask)}
