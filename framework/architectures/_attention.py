"""Multi-head attention of plain layers: strategies and the converter find its kernels."""

from __future__ import annotations

import math
from typing import Any

from framework import nn
from framework.architectures import _encoders as encoders


def placed(x: Any, inputs: Any, *, dropout: float = 0.0, name: str) -> Any:
    """(steps, width) with a learned vector for each position added.

    Args:
        x: tokens embedded, or projected steps.
        inputs: what `x` comes from, (tokens,) or (steps, features): 0, 1, 2 ... is made from it,
            because a net has no constants but its layers' own.
        dropout: share of the sum left out in training.
    """
    layers = nn.backend.keras.layers
    length, width = x.shape[1:]
    if len(inputs.shape) == 3:
        # one number a step, as tokens have: with channels first, pooling is over the features
        inputs = layers.GlobalAveragePooling1D(data_format="channels_first", name=f"{name}_steps")(
            inputs
        )
    # times 0: only the number of steps comes from the input
    numbers = layers.Rescaling(
        0, offset=list(range(length)), dtype="int32", name=f"{name}_positions"
    )(inputs)
    places = layers.Embedding(length, width, name=f"{name}_places")(numbers)
    return encoders.dropped(
        layers.Add(name=f"{name}_placed")([x, places]), dropout, name=f"{name}_dropout"
    )


def block(x: Any, *, heads: int, hidden: int, dropout: float, name: str) -> Any:
    """One pre-norm Transformer block.

    Attention, then two dense layers, each added to what it was given.

    Args:
        x: (steps, width); `width` is a multiple of `heads`.
        heads: of the attention.
        hidden: units between the two dense layers.
        dropout: share of each branch left out in training.
    """
    layers = nn.backend.keras.layers
    width = x.shape[-1]
    seen = attention(
        normalised(x, name=f"{name}_attention_norm"), heads=heads, name=f"{name}_attention"
    )
    x = layers.Add(name=f"{name}_attended")(
        [x, encoders.dropped(seen, dropout, name=f"{name}_attention_dropout")]
    )
    deep = encoders.dense(normalised(x, name=f"{name}_dense_norm"), hidden, name=f"{name}_hidden")
    deep = layers.Dense(width, name=f"{name}_dense")(deep)
    return layers.Add(name=f"{name}_sum")(
        [x, encoders.dropped(deep, dropout, name=f"{name}_dropout")]
    )


def attention(x: Any, *, heads: int, name: str) -> Any:
    """Multi-head self-attention; (steps, width) -> (steps, width)."""
    layers = nn.backend.keras.layers
    length, width = x.shape[1:]

    def split(role: str) -> Any:
        part = layers.Dense(width, name=f"{name}_{role}")(x)
        part = layers.Reshape((length, heads, width // heads), name=f"{name}_{role}_split")(part)
        # heads in front: attention is over the last two axes, for each of them alone
        return layers.Permute((2, 1, 3), name=f"{name}_{role}_heads")(part)

    query, key, value = split("query"), split("key"), split("value")
    # keras's Attention does not divide by the root of the width, and takes the value before the key
    query = layers.Rescaling(1 / math.sqrt(width // heads), name=f"{name}_scaled")(query)
    seen = layers.Attention(name=f"{name}_mix")([query, value, key])
    seen = layers.Permute((2, 1, 3), name=f"{name}_joined")(seen)
    seen = layers.Reshape((length, width), name=f"{name}_merged")(seen)
    return layers.Dense(width, name=f"{name}_output")(seen)


def normalised(x: Any, *, name: str) -> Any:
    """Layer normalisation over the features of each step."""
    return nn.backend.keras.layers.LayerNormalization(epsilon=1e-6, name=name)(x)


def averaged(x: Any, *, name: str) -> Any:
    """The mean over the steps of what the last block leaves, normalised: (width,)."""
    x = normalised(x, name=f"{name}_norm")
    return nn.backend.keras.layers.GlobalAveragePooling1D(name=f"{name}_mean")(x)
