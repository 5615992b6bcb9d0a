"""Where an 8-bit file has a tensor of activations.

At the output of which layers, and before which activations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.nn.allowed import readers
from framework.nn.layers import LAYERS, having
from framework.nn.net_weights import read_next

Layers = Mapping[str, Any]
MOVING = having("moves")
"""Layers that move values and make none: their outputs have the scale of their inputs."""
FUSED_ACTIVATIONS = frozenset({"linear", "relu", "relu6"})
KERNEL_FIRST = having("kernel")
ENDS = {"sigmoid": (0.0, 255 / 256), "softmax": (0.0, 255 / 256), "tanh": (-1.0, 127 / 128)}
"""Activations whose outputs have one scale in every file."""


@dataclass(frozen=True)
class Place:
    """Where activations are rounded at one layer.

    Args:
        inner: between what the layer calculates and its activation.
        output: at its output.
        ends: of the output, where every file has the same ones.
    """

    inner: bool = False
    output: bool = True
    ends: tuple[float, float] | None = None


def places(layers: Layers, outputs: frozenset[str]) -> dict[str, Place]:
    """Layer -> where its activations are rounded, of those where they are.

    A layer and what the converter fuses it with have one place, at the end; what is concatenated
    has the scale of the whole. Integers are not rounded, and neither are probabilities that are the
    net's outputs.

    Args:
        layers: name -> a layer of a functional configuration.
        outputs: the layers whose outputs are the net's.
    """
    read_by = readers(layers)
    integers = _integers(layers, read_by)
    rounded = {}
    for name, layer in layers.items():
        # what these give has the scale of another place, or of a table's weights
        if layer["class_name"] in MOVING | {"Embedding"} or name in integers:
            continue
        is_output = name in outputs
        fused = not is_output and _is_fused(name, layers, read_by)
        place = _place(layer, is_output=is_output, fused=fused)
        if place.inner or place.output:
            rounded[name] = place
    return rounded


def _place(layer: Any, *, is_output: bool, fused: bool) -> Place:
    activation = _activation(layer)
    ends = ENDS.get(activation)
    # the converter fuses other activations with the layer, and has no tensor between
    has_inner = "activation" in layer["config"] and layer["class_name"] in KERNEL_FIRST
    probabilities = is_output and activation in ("sigmoid", "softmax")
    inner = ends is not None and has_inner
    return Place(inner=inner, output=not (fused or probabilities), ends=ends)


def _activation(layer: Any) -> str:
    """What a layer's output went through last.

    Empty for a recurrent layer, whose state it does not bound alone.
    """
    kind, config = layer["class_name"], layer["config"]
    if kind == "Softmax":
        return "softmax"
    return str(config.get("activation", "")) if kind in KERNEL_FIRST | {"Activation"} else ""


def _is_fused(name: str, layers: Layers, read_by: Mapping[str, set[str]]) -> bool:
    """Whether the converter gives this layer's output no scale of its own."""
    next_ones = read_next(name, layers, read_by)
    if {layers[reader]["class_name"] for reader in next_ones} == {"Concatenate"}:
        return True
    # a second reader needs the tensor between, so the converter fuses with none
    if len(next_ones) != 1:
        return False
    layer, reader = layers[name], layers[next(iter(next_ones))]
    if _activation(layer) not in ("", "linear"):
        return False
    if reader["class_name"] == "BatchNormalization":
        return layer["class_name"] in KERNEL_FIRST
    return LAYERS[layer["class_name"]].takes_relu and _is_relu(reader)


def _is_relu(layer: Any) -> bool:
    config = layer["config"]
    if layer["class_name"] == "Activation":
        return config["activation"] in FUSED_ACTIVATIONS
    settings = (config.get("negative_slope"), config.get("threshold"), config.get("max_value"))
    return layer["class_name"] == "ReLU" and not any(settings[:2]) and settings[2] in (None, 6)


def _integers(layers: Layers, read_by: Mapping[str, set[str]]) -> set[str]:
    """The layers whose outputs are whole numbers: of a text, and of the positions in it."""
    moving, integers = set(), set()
    for name, layer in layers.items():
        if layer["class_name"] in MOVING:
            moving.add(name)
        if str(layer["config"].get("dtype")).startswith("int"):
            integers.add(name)
    waiting = list(integers)
    while waiting:
        # the configuration of one that moves them says float32 all the same
        moved = (read_by[waiting.pop()] & moving) - integers
        integers |= moved
        waiting += moved
    return integers
