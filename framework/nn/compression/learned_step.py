"""Weights on a grid of few levels: whole multiples of a step, -L to L.

Steps are learned (Esser et al. 2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.contracts.job import Wrap
from framework.contracts.net import Array, Stage, WeightKey, Weights
from framework.nn.backend import tf
from framework.nn.compression.qat import sharing, sharing_kind
from framework.nn.compression.tfmot import quantizers
from framework.nn.compression.wrapper import reweighted
from framework.nn.net_weights import Net, matrices

# steps that `best_step` tries, as shares of the one that reaches the largest weight
TRIED = np.linspace(1.0, 0.1, 91)


def levels_of(bits: int) -> int:
    """The largest multiple L of a grid of 2**bits - 1 levels; 1 for two bits, which is ternary."""
    return int(2 ** (bits - 1) - 1)


def snapped(values: Array, step: Array, largest: int) -> Array:
    """The nearest point of the grid for each value.

    Args:
        step: above 0, of a shape that can be broadcast over the values.
        largest: the largest multiple.
    """
    multiples = np.clip(np.rint(values / step), -largest, largest)
    return np.asarray(multiples * step, np.float32)


def best_step(values: Array, axes: tuple[int, ...], largest: int) -> Array:
    """The step of the least squared error for each group of values.

    Args:
        values: any shape.
        axes: over which values share a step.

    Returns:
        Float32, the shape of the values with 1 along `axes`; 1 where a group is all zero.
    """
    whole = np.abs(values).max(axis=axes, keepdims=True) / largest
    # a group of zeros has no best step, and a step of 0 would divide by it
    whole = np.where(whole > np.finfo(np.float32).tiny, whole, 1.0)
    steps = np.stack([(whole * share).astype(np.float32) for share in TRIED])
    errors = np.stack([_squared_error(values, step, axes, largest) for step in steps])
    chosen = np.take_along_axis(steps, errors.argmin(axis=0)[None], axis=0)
    return np.asarray(chosen[0], np.float32)


def _squared_error(values: Array, step: Array, axes: tuple[int, ...], largest: int) -> Array:
    """Of each group, when its values are snapped to the grid."""
    differences = values - snapped(values, step, largest)
    return np.asarray((differences**2).sum(axes, keepdims=True))


@dataclass(frozen=True)
class Group:
    """How the values of one weight share steps.

    Args:
        shape: to give the weight.
        axes: of that shape, over which values share a step.
        channels: how many of the weight's last axes number its grids, as in `Bits`.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    channels: int

    @property
    def size(self) -> int:
        """How many values share one step."""
        return math.prod(self.shape[axis] for axis in self.axes)

    @property
    def step_shape(self) -> tuple[int, ...]:
        """Of the steps: they can be broadcast over `shape`."""
        shape = list(self.shape)
        for axis in self.axes:
            shape[axis] = 1
        return tuple(shape)


def groups(stage: Stage, scales: str) -> dict[WeightKey, Group]:
    """How the values of each kernel and table share steps: by output channel, or all of them.

    The gates of an LSTM are separate in both cases, as in the file; a table of embeddings has one
    step.
    """
    weights, shared = Net(stage).weights, {}
    for key in matrices(stage):
        kind = sharing_kind(weights[key].kind, weights[key].role)
        shape = weights[key].values.shape
        # `Bits` numbers grids by the last axes, and here the output channels are no such
        reshaped, axes = sharing(kind, shape, "per_tensor" if kind == "transposed" else scales)
        # `sharing` has one scale for each gate, as the 8-bit file; here each column is a channel
        if kind == "LSTM" and scales == "per_channel":
            axes = (0,)
        # of the weight as the net has it, (inputs, 4 x units), and not of its shape by gates
        channels = 1 if kind == "LSTM" else len(shape) - len(axes)
        shared[key] = Group(reshaped, axes, channels)
    return shared


def starts(stage: Stage, shared: Mapping[WeightKey, Group], largest: int) -> dict[WeightKey, Array]:
    """The best step of each group, before any training."""
    steps = {}
    for key, group in shared.items():
        steps[key] = best_step(stage.weights[key].reshape(group.shape), group.axes, largest)
    return steps


def on_grid(
    weights: Weights,
    shared: Mapping[WeightKey, Group],
    steps: Mapping[WeightKey, Array],
    largest: int,
) -> Weights:
    """All weights, those of `shared` on their grids."""
    placed = dict(weights)
    for key, group in shared.items():
        values = weights[key].reshape(group.shape)
        placed[key] = snapped(values, steps[key], largest).reshape(weights[key].shape)
    return placed


@dataclass(frozen=True)
class GridWrap(Wrap):
    """Weights count as the nearest point of their grid.

    The gradient passes through the rounding, and moves the steps.

    Dynamic variables: `largest` (multiple of the grid), and for each weight `start/LAYER/POSITION`
    (its steps at the beginning) and `growth/LAYER/POSITION` (the logarithm of what they have grown
    by).

    Args:
        scales: as in `groups`.
        shared: the groups of the net, as from `groups`.
        largest: multiple of the grid; not static.
    """

    scales: str
    shared: Mapping[WeightKey, Group]
    largest: int = 1

    @property
    def key(self) -> str:
        """Its static part."""
        return f"grid({self.scales})"

    def build(self, model: Any) -> tuple[Any, Mapping[str, Any]]:
        """The model with its weights on grids, and the variables."""
        largest = tf.Variable(1.0, trainable=False)
        grids = {key: Grid(group, largest) for key, group in self.shared.items()}
        # first: a grid has no variables until its layer is wrapped
        wrapped = reweighted(model, grids)
        dynamic = {"largest": largest}
        for key, grid in grids.items():
            dynamic |= {_name("start", key): grid.start, _name("growth", key): grid.growth}
        return wrapped, dynamic

    def dynamic(self, steps: Mapping[WeightKey, Array]) -> dict[str, Any]:
        """The values of the variables at the beginning."""
        begin, growth = {}, {}
        for key, step in steps.items():
            begin[_name("start", key)] = step
            growth[_name("growth", key)] = np.zeros_like(step)
        return {"largest": float(self.largest)} | begin | growth

    def finish(self, weights: Weights, dynamic: Mapping[str, Array]) -> Weights:
        """The weights on their grids."""
        steps = {}
        for key in self.shared:
            growth = np.exp(dynamic[_name("growth", key)])
            steps[key] = (dynamic[_name("start", key)] * growth).astype(np.float32)
        return on_grid(weights, self.shared, steps, self.largest)


class Grid(quantizers.Quantizer):
    """One weight on its grid."""

    start: Any
    growth: Any

    def __init__(self, group: Group, largest: Any) -> None:
        self.group, self.largest = group, largest

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Steps, and how they grow."""
        shape = self.group.step_shape
        self.start = layer.add_weight(
            f"{name}_step", shape=shape, initializer="ones", trainable=False
        )
        self.growth = layer.add_weight(f"{name}_growth", shape=shape, initializer="zeros")
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The nearest points, in training or not."""
        values = tf.reshape(inputs, self.group.shape)
        # of the steps' gradient, as the paper balances it
        scale = tf.math.rsqrt(float(self.group.size) * self.largest)
        # the value of `growth`, with that share of its gradient
        growth = scale * self.growth + tf.stop_gradient((1 - scale) * self.growth)
        step = self.start * tf.exp(growth)
        multiples = tf.clip_by_value(values / step, -self.largest, self.largest)
        # the gradient passes through the rounding
        rounded = multiples + tf.stop_gradient(tf.round(multiples) - multiples)
        return tf.reshape(rounded * step, inputs.shape)

    def get_config(self) -> dict[str, Any]:
        """For tfmot."""
        return {}


def _name(what: str, key: WeightKey) -> str:
    return f"{what}/{WeightKey(*key)}"
