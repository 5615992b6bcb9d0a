"""tfmot's pruning wrapper under a schedule of variables: one traced net serves a whole study."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

from framework.contracts.job import Wrap
from framework.contracts.net import Stage, WeightKey
from framework.nn import graph
from framework.nn.backend import keras, tf
from framework.nn.compression.tfmot import pruning_schedule, pruning_wrapper
from framework.nn.compression.wrapper import attribute
from framework.nn.layers import having
from framework.nn.net_weights import Net, roles

PRUNABLE = having("prunable")
# mask updates along the ramp; each sorts all weights of a layer, so one every step would dominate
UPDATES = 20
RAMP_SHARE = 0.6  # of the training: masks do not change any more while the net recovers


def kernels(stage: Stage, kinds: frozenset[str] = PRUNABLE) -> dict[WeightKey, tuple[int, ...]]:
    """The weights that can be pruned, and their shapes.

    Kernels of dense, convolution, recurrent and attention layers: both kernels of an LSTM are among
    them, and the four of keras's MultiHeadAttention.

    Args:
        kinds: classes of layers; all that can be pruned by default.
    """
    net_weights, shapes = Net(stage).weights, {}
    for key, value in stage.weights.items():
        # none for those of a batch normalisation: they have no role
        weight = net_weights.get(key)
        if weight and weight.kind in kinds and weight.role.endswith("kernel"):
            shapes[key] = value.shape
    return shapes


def shares(
    proportions: Callable[[dict[WeightKey, tuple[int, ...]], float], dict[WeightKey, float]],
    shapes: Mapping[WeightKey, tuple[int, ...]],
    sparsity: float,
) -> dict[str, float]:
    """Layer -> sparsity.

    tfmot has one schedule for all kernels of a layer, so they share one matrix here as well.

    Args:
        proportions: `masks.uniform` or `masks.erk`.
        shapes: of the kernels to be pruned.
        sparsity: of all of them together, 0 to 1.
    """
    layers: dict[str, dict[int, tuple[int, ...]]] = {}
    for (layer, position), shape in shapes.items():
        layers.setdefault(layer, {})[position] = shape
    whole = {}
    for layer, parts in layers.items():
        whole[WeightKey(layer, 0)] = stacked([parts[position] for position in sorted(parts)])
    return {layer: share for (layer, _), share in proportions(whole, sparsity).items()}


def stacked(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of the kernels of one layer upon one another.

    Of an LSTM (inputs + units, 4 x units).
    """
    if len(shapes) == 1:
        return shapes[0]
    sizes = list(map(math.prod, shapes))
    columns = math.prod(shapes[0][1:])
    # kernels of attention need not have one width; one that divides them all then takes its place
    columns = columns if sum(sizes) % columns == 0 else math.gcd(*sizes)
    return sum(sizes) // columns, columns


def ramp(total_steps: int) -> tuple[int, int]:
    """(step of the last mask update, steps between updates) for a training of `total_steps`."""
    end = max(1, round(total_steps * RAMP_SHARE))
    return end, max(1, end // UPDATES)


@dataclass(frozen=True)
class MagnitudeWrap(Wrap):
    """Prunes the kernels of `layers` by magnitude (tfmot), each under its own schedule.

    Dynamic variables: `end_step`, `frequency`, `initial/LAYER` and `final/LAYER` (sparsities, 0 to
    below 1).
    """

    layers: tuple[str, ...]

    @property
    def key(self) -> str:
        """Its static part."""
        return f"magnitude({','.join(self.layers)})"

    def build(self, model: Any) -> tuple[Any, Mapping[str, Any]]:
        """The model with each of `layers` wrapped, and the variables."""
        configs = graph.layers_by_name(graph.to_graph(model))
        clock = {"end_step": _step_variable(), "frequency": _step_variable()}
        schedules = {name: Polynomial(clock) for name in self.layers}

        def wrap(layer: Any) -> Any:
            if layer.name not in schedules:
                return layer
            # tfmot's own list of weights lacks some layers
            layer.get_prunable_weights = partial(_kernels_of, layer, configs[layer.name])
            return pruning_wrapper.PruneLowMagnitude(layer, pruning_schedule=schedules[layer.name])

        wrapped = keras.models.clone_model(model, clone_function=wrap)
        # what tfmot's callback UpdatePruningStep does; -1 would be refused
        for name in self.layers:
            wrapped.get_layer(f"prune_low_magnitude_{name}").pruning_step.assign(0)
        dynamic = dict(clock)
        for name, schedule in schedules.items():
            dynamic |= {f"initial/{name}": schedule.initial, f"final/{name}": schedule.final}
        return wrapped, dynamic


def _kernels_of(layer: Any, config: dict[str, Any]) -> list[Any]:
    """The variables of a layer that are kernels."""
    kernel_roles = [role for role in roles(config) if role.endswith("kernel")]
    paths = [attribute(config["class_name"], role) for role in kernel_roles]
    return [attrgetter(path)(layer) for path in paths]


def _step_variable() -> Any:
    return tf.Variable(1, dtype=tf.int64, trainable=False)


class Polynomial(pruning_schedule.PruningSchedule):
    """Cubic rise of the sparsity.

    The last update falls on the end step (Zhu & Gupta 2017, arXiv:1710.01878).

    Args:
        clock: `end_step` and `frequency`, in steps, shared by all layers of a net.
    """

    def __init__(self, clock: Mapping[str, Any]) -> None:
        self.clock = clock
        self.initial = tf.Variable(0.0, trainable=False)
        self.final = tf.Variable(0.0, trainable=False)

    def __call__(self, step: Any) -> tuple[Any, Any]:
        """(whether to update the mask in this step, sparsity)."""
        end, frequency = self.clock["end_step"], self.clock["frequency"]
        done = tf.cast(step, tf.float32) / tf.cast(end, tf.float32)
        sparsity = self.final + (self.initial - self.final) * tf.pow(1.0 - tf.minimum(done, 1.0), 3)
        # counted back from the end, so that the last update has the full sparsity
        due = tf.logical_and(step <= end, tf.equal(tf.math.floormod(end - step, frequency), 0))
        return due, sparsity

    def get_config(self) -> dict[str, Any]:
        """For tfmot."""
        return {}
