"""tfmot's pruning wrapper under a schedule of variables, so that one traced net serves all trials of a study."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.contracts import Stage
from framework.nn.backend import keras, quiet, tf

with quiet(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorflow_model_optimization.python.core.sparsity.keras import pruning_schedule, pruning_wrapper

Key = tuple[str, int]
KERNELS = frozenset({"Conv1D", "Conv2D", "Dense"})  # tfmot accepts DepthwiseConv2D too and then does not prune it
UPDATES = 20  # mask updates along the ramp; each sorts all weights of a layer, so one every step would dominate
RAMP_SHARE = 0.6  # of the training: masks then stand still while the net recovers


def kernels(stage: Stage) -> dict[Key, tuple[int, ...]]:
    """The weights that can be pruned, and their shapes: kernels of dense and convolution layers."""
    named = {layer["config"]["name"] for layer in json.loads(stage.graph)["layers"] if layer["class_name"] in KERNELS}
    return {key: value.shape for key, value in stage.weights.items() if key[0] in named and key[1] == 0}


def ramp(total_steps: int) -> tuple[int, int]:
    """(step of the last mask update, steps between updates) for a training of `total_steps`."""
    end = max(1, round(total_steps * RAMP_SHARE))
    return end, max(1, end // UPDATES)


@dataclass(frozen=True)
class MagnitudeWrap:
    """Prunes the kernels of `layers` by magnitude (tfmot), a schedule of its own for each.

    Dynamic variables: `end_step`, `frequency`, `initial/LAYER` and `final/LAYER` (sparsities, 0 to below 1).
    """

    layers: tuple[str, ...]

    @property
    def key(self) -> str:
        """Its static part."""
        return f"magnitude({','.join(self.layers)})"

    def build(self, model: Any) -> tuple[Any, Mapping[str, Any]]:
        """The model with each of `layers` wrapped, and the variables."""
        clock = {name: tf.Variable(1, dtype=tf.int64, trainable=False) for name in ("end_step", "frequency")}
        schedules = {name: Polynomial(clock) for name in self.layers}

        def wrap(layer: Any) -> Any:
            if layer.name not in schedules:
                return layer
            return pruning_wrapper.PruneLowMagnitude(layer, pruning_schedule=schedules[layer.name])

        wrapped = keras.models.clone_model(model, clone_function=wrap)
        for name in self.layers:  # what tfmot's callback UpdatePruningStep does; -1 would be refused
            wrapped.get_layer(f"prune_low_magnitude_{name}").pruning_step.assign(0)
        dynamic = dict(clock)
        for name, schedule in schedules.items():
            dynamic |= {f"initial/{name}": schedule.initial, f"final/{name}": schedule.final}
        return wrapped, dynamic


class Polynomial(pruning_schedule.PruningSchedule):
    """Cubic rise of the sparsity; the last update falls on the end step (Zhu & Gupta 2017, arXiv:1710.01878).

    Args:
        clock: `end_step` and `frequency`, in steps, shared by all layers of a net.
    """

    def __init__(self, clock: Mapping[str, Any]) -> None:
        self.clock = clock
        self.initial, self.final = (tf.Variable(0.0, trainable=False) for _ in range(2))

    def __call__(self, step: Any) -> tuple[Any, Any]:
        """(whether to update the mask in this step, sparsity)."""
        end, frequency = self.clock["end_step"], self.clock["frequency"]
        done = tf.cast(step, tf.float32) / tf.cast(end, tf.float32)
        sparsity = self.final + (self.initial - self.final) * tf.pow(1.0 - tf.minimum(done, 1.0), 3)
        due = tf.logical_and(step <= end, tf.equal(tf.math.floormod(end - step, frequency), 0))
        return due, sparsity

    def get_config(self) -> dict[str, Any]:
        """For tfmot."""
        return {}
