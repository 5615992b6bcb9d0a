"""Where an 8-bit file has a tensor of activations.

At the output of which layers, and before which activations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.nn.allowed import readers
from framework.nn.net_weights import KERNEL_FIRST, SILENT

Layers = Mapping[str, Any]
MOVING = SILENT | {
    "Flatten", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "InputLayer", "MaxPooling1D",
    "MaxPooling2D", "Permute", "Reshape", "ZeroPadding1D", "ZeroPadding2D",
}  # fmt: skip
"""Layers that move values and make none: what they give has the scale of what they are given."""
FUSED_ACTIVATIONS = frozenset({"linear", "relu", "relu6"})
CLIPPED = frozenset({"BatchNormalization", "Add", "Multiply", "Subtract"}) | KERNEL_FIRST
"""Layers that a ReLU behind them is fused with."""
ENDS = {"sigmoid": (0.0, 255 / 256), "softmax": (0.0, 255 / 256), "tanh": (-1.0, 127 / 128)}
"""Activations whose answers have one scale in every file."""


@dataclass(frozen=True)
class Place:
    """Where activations are rounded at one layer.

    Args:
        inner: between what the layer calculates and its activation.
        output: at its output.
        ends: of the output, where the file has the same ones always.
    """

    inner: bool = False
    output: bool = True
    ends: tuple[float, float] | None = None


def places(layers: Layers, outputs: frozenset[str]) -> dict[str, Place]:
    """Layer -> where its activations are rounded, of those where they are.

    A layer and what the converter fuses it with have one place, at the end; what is concatenated
    has the scale of the whole. Integers are not rounded, and neither are the probabilities that the
    net answers.

    Args:
        layers: name -> a layer of a functional configuration.
        outputs: the layers that answer.
    """
    read_by = readers(layers)
    whole = _integers(layers, read_by)
    found = {}
    for name, layer in layers.items():
        if layer["class_name"] in MOVING | {"Embedding"} or name in whole:
            continue
        place = _place(
            layer,
            answers=name in outputs,
            goes_on=name not in outputs and _goes_on(name, layers, read_by),
        )
        if place.inner or place.output:
            found[name] = place
    return found


def _place(layer: Any, *, answers: bool, goes_on: bool) -> Place:
    activation = _activation(layer)
    ends = ENDS.get(activation)
    inner = (
        ends is not None and "activation" in layer["config"] and layer["class_name"] in KERNEL_FIRST
    )
    probabilities = answers and activation in ("sigmoid", "softmax")
    return Place(inner=inner, output=not (goes_on or probabilities), ends=ends)


def _activation(layer: Any) -> str:
    """What a layer's answer went through last.

    Empty for a recurrent layer, whose state it does not bound alone.
    """
    kind, config = layer["class_name"], layer["config"]
    if kind == "Softmax":
        return "softmax"
    return str(config.get("activation", "")) if kind in KERNEL_FIRST | {"Activation"} else ""


def _goes_on(name: str, layers: Layers, read_by: Mapping[str, set[str]]) -> bool:
    """Whether the converter gives this layer's answer no scale of its own."""
    next_ones = _read_next(name, layers, read_by)
    if next_ones and all(layers[reader]["class_name"] == "Concatenate" for reader in next_ones):
        return True
    if len(next_ones) != 1:
        return False
    layer, reader = layers[name], layers[next(iter(next_ones))]
    if _activation(layer) not in ("", "linear"):
        return False
    if reader["class_name"] == "BatchNormalization":
        return layer["class_name"] in KERNEL_FIRST
    return layer["class_name"] in CLIPPED and _is_relu(reader)


def _read_next(name: str, layers: Layers, read_by: Mapping[str, set[str]]) -> set[str]:
    """The layers that read it, with those that leave no trace looked through."""
    found: set[str] = set()
    for reader in read_by[name]:
        silent = layers[reader]["class_name"] in SILENT
        found |= _read_next(reader, layers, read_by) if silent else {reader}
    return found


def _is_relu(layer: Any) -> bool:
    config = layer["config"]
    if layer["class_name"] == "Activation":
        return config["activation"] in FUSED_ACTIVATIONS
    settings = (config.get("negative_slope"), config.get("threshold"), config.get("max_value"))
    return layer["class_name"] == "ReLU" and not any(settings[:2]) and settings[2] in (None, 6)


def _integers(layers: Layers, read_by: Mapping[str, set[str]]) -> set[str]:
    """The layers that answer whole numbers: of a text, and of the positions in it."""
    found = {
        name
        for name, layer in layers.items()
        if str(layer["config"].get("dtype")).startswith("int")
    }
    waiting = list(found)
    while waiting:
        moved = {
            name for name in read_by[waiting.pop()] if layers[name]["class_name"] in MOVING
        } - found
        found |= moved
        waiting += moved
    return found
