"""Activations that Keras 2 has no word for, as layers behind the layer that has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from framework.nn.layers import LAYERS
from framework.nn.saved.options import activation_name
from framework.nn.saved.parts import Plain

LEAKY_SLOPE = 0.2  # what keras means by the word alone
LAYER_KINDS = frozenset({"ELU", "LeakyReLU", "ReLU", "Softmax"})  # given as an activation


def _gate(before: Plain) -> list[Plain]:
    """min(max(x + 3, 0), 6) / 6."""
    moved = before.then("moved", "Rescaling", scale=1.0, offset=3.0)
    clipped = moved.then("clipped", "ReLU", max_value=6.0)
    return [moved, clipped, clipped.then("sixth", "Rescaling", scale=1 / 6)]


def _gated(before: Plain) -> list[Plain]:
    """X times its gate."""
    gate = _gate(before)
    return [*gate, _product(before, gate[-1])]


def _mish(before: Plain) -> list[Plain]:
    """X * tanh(softplus(x))."""
    plus = before.then("softplus", "Activation", activation="softplus")
    gate = plus.then("tanh", "Activation", activation="tanh")
    return [plus, gate, _product(before, gate)]


def _product(before: Plain, gate: Plain) -> Plain:
    return Plain(f"{before.title}/gated", "Multiply", {}, (before.title, gate.title))


def _relu6(before: Plain) -> list[Plain]:
    return [before.then("relu6", "ReLU", max_value=6.0)]


def _leaky(before: Plain) -> list[Plain]:
    return [before.then("leaky_relu", "LeakyReLU", alpha=LEAKY_SLOPE)]


LAYERS_OF: Mapping[str, Callable[[Plain], list[Plain]]] = {
    "hard_silu": _gated,
    "hard_swish": _gated,
    "leaky_relu": _leaky,
    "mish": _mish,
    "relu6": _relu6,
}
# another function has the name in Keras 2, which the list of words has
KERAS_3_LAYERS_OF = {**LAYERS_OF, "hard_sigmoid": _gate}


def split(layer: Plain, *, keras_3: bool) -> list[Plain]:
    """The layer, and those behind it that its activation becomes."""
    given = layer.config.get("activation")
    apart = layer.kind == "Activation" or (layer.kind in LAYERS and LAYERS[layer.kind].kernel)
    if not apart or given is None:
        return [layer]
    linear = layer.changed(activation="linear")
    if isinstance(given, dict) and given.get("class_name") in LAYER_KINDS:
        config: dict[str, Any] = dict(given["config"])
        kind = str(given["class_name"])
        return [linear, linear.then(kind.lower(), kind, **config)]
    behind = (KERAS_3_LAYERS_OF if keras_3 else LAYERS_OF).get(activation_name(given))
    return [layer] if behind is None else [linear, *behind(linear)]
