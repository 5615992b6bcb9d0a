"""What nets for sequences, and for pictures with a question or a sound, share.

Encoders and how two are fused.

Functions take and give keras tensors; every layer is named after what it belongs to, so that a net
may have several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framework import nn
from framework.contracts import DataInfo, Head
from framework.errors import InvalidStudy

PICTURE = "image"
FUSIONS = ("concatenate", "multiply", "gated")


def sequence_input(info: DataInfo) -> str:
    """The name of the one input that is not a picture.

    Raises:
        InvalidStudy: there is none, or more than one.
    """
    names = sorted(set(info.inputs) - {PICTURE})
    if len(names) != 1:
        raise InvalidStudy(
            "The net reads one sequence: of numbers, of tokens or of the frames of a sound.",
            given=f"The data set has: {', '.join(sorted(info.inputs))}.",
            todo="Choose another architecture or data set: make list.",
        )
    return names[0]


def question_input(info: DataInfo) -> str:
    """The name of the one input that is text.

    Raises:
        InvalidStudy: there is none, or more than one.
    """
    if len(info.tokens) != 1:
        raise InvalidStudy(
            "The net reads one text beside the picture.",
            given=f"The data set has: {', '.join(sorted(info.inputs))}; text: "
            f"{', '.join(sorted(info.tokens)) or '-'}.",
            todo="Choose another architecture or data set: make list.",
        )
    return next(iter(info.tokens))


def read(info: DataInfo, name: str) -> Any:
    """The Input layer called `name`."""
    kind = "int32" if name in info.tokens else "float32"
    return nn.backend.keras.layers.Input(info.inputs[name], dtype=kind, name=name)


def steps(inputs: Any, info: DataInfo, name: str, *, width: int) -> Any:
    """(steps, features) of any sequence.

    Tokens are embedded in `width` numbers, frames of a sound are flattened.
    """
    layers = nn.backend.keras.layers
    if name in info.tokens:
        return layers.Embedding(info.tokens[name], width, name=f"{name}_embedding")(inputs)
    shape = info.inputs[name]
    if len(shape) == 2:
        return inputs
    if len(shape) == 3:
        return layers.Reshape((shape[0], shape[1] * shape[2]), name=f"{name}_frames")(inputs)
    raise InvalidStudy(
        f"The input {name!r} is no sequence.",
        given=f"Its shape: {shape}.",
        todo="Numbers come as (steps, features), sounds as (frames, bins, 1); name text inputs in "
        "`tokens`.",
    )


def recurrent(x: Any, *, units: int, count: int = 1, name: str = "lstm") -> Any:
    """`count` LSTM layers on one another; the last state of the last one, (units,)."""
    layers = nn.backend.keras.layers
    for number in range(1, count + 1):
        # Keras's own defaults throughout: they are what the converter turns into one fused
        # operation.
        x = layers.LSTM(units, return_sequences=number < count, name=f"{name}_{number}")(x)
    return x


def recurrent_features(x: Any, *, units: int, name: str) -> Any:
    """An LSTM and a dense layer behind it: (units,), for a net in which something else joins.

    In 8 bits all that is concatenated has one scale. Without the dense layer that would be the
    scale of the LSTM's state too, which lies within -1 and 1: next to features of a picture it
    would be left with a handful of values.
    """
    return dense(recurrent(x, units=units, name=name), units, name=f"{name}_features")


def convolutions(x: Any, *, filters: int, blocks: int, units: int, name: str) -> Any:
    """Blocks of a 3x3 convolution and pooling, filters doubled in each, then a dense layer.

    Flattened, not averaged: where something is in a picture, or at which frequency, is what is
    asked for.
    """
    layers = nn.backend.keras.layers
    for block in range(1, blocks + 1):
        options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
        x = layers.Conv2D(filters * 2 ** (block - 1), 3, name=f"{name}_conv_{block}", **options)(x)
        # padded, so that a side of one pixel is left one
        x = layers.MaxPooling2D(padding="same", name=f"{name}_pool_{block}")(x)
    return dense(layers.Flatten(name=f"{name}_flatten")(x), units, name=f"{name}_features")


def dense(x: Any, units: int, *, name: str) -> Any:
    """A dense layer with ReLU."""
    options = {"activation": "relu", "kernel_initializer": "he_normal"}
    return nn.backend.keras.layers.Dense(units, name=name, **options)(x)


def dropped(x: Any, share: float, *, name: str = "dropout") -> Any:
    """`x` with a share left out in training; no layer at 0."""
    return nn.backend.keras.layers.Dropout(share, name=name)(x) if share else x


def fused(first: Any, second: Any, *, fusion: str, units: int) -> Any:
    """Two vectors made one.

    Args:
        fusion: `concatenate`; `multiply`: both squashed to (units,) and multiplied (Antol et al.
            2015, arXiv:1505.00468); `gated`: a gate chooses between the two, unit by unit (Arevalo
            et al. 2017, arXiv:1702.01992).
        units: of the result, except for `concatenate`.
    """
    layers = nn.backend.keras.layers
    if fusion == "concatenate":
        return layers.Concatenate(name="fused")([first, second])
    one = layers.Dense(units, activation="tanh", name="first_squashed")(first)
    other = layers.Dense(units, activation="tanh", name="second_squashed")(second)
    if fusion == "multiply":
        return layers.Multiply(name="fused")([one, other])
    both = layers.Concatenate(name="both")([first, second])
    gate = layers.Dense(units, activation="sigmoid", name="gate")(both)
    # 1 - gate as a layer: an operator on tensors is on no allow-list
    complement = layers.Rescaling(-1.0, offset=1.0, name="gate_rest")(gate)
    parts = [
        layers.Multiply(name="first_gated")([gate, one]),
        layers.Multiply(name="second_gated")([complement, other]),
    ]
    return layers.Add(name="fused")(parts)


def fused_net(
    info: DataInfo, encode: Callable[[Any, str], Any], *, fusion: str, units: int, dropout: float
) -> Any:
    """The net that encodes its inputs, fuses them where they are two, and ends in the head.

    Args:
        info: with the one or two inputs that the net reads.
        encode: (an input, its name) -> (features,).
        fusion: as in `fused`.
        units: of what is fused, and of the hidden layer behind it.
        dropout: share of the hidden layer left out in training.
    """
    inputs = {name: read(info, name) for name in info.inputs}
    parts = [encode(x, name) for name, x in inputs.items()]
    x = parts[0] if len(parts) == 1 else fused(*parts, fusion=fusion, units=units)
    x = dropped(dense(x, units, name="hidden"), dropout)
    return nn.backend.keras.Model(list(inputs.values()), output_layer(x, info))


def output_layer(x: Any, info: DataInfo) -> Any:
    """The output layer of the data set's task."""
    head = Head.of(info)
    return nn.backend.keras.layers.Dense(head.units, activation=head.activation, name="head")(x)
