"""Small nets of every kind of layer that reads a sequence, and what the textbook says of their
sizes.

No two layers of a net have kernels of one shape where that can be helped: shapes then tell them
apart.
"""

import math
from dataclasses import dataclass

import numpy as np

from framework import Train, nn
from framework.contracts import DataInfo, Samples, Stage
from tests.nets_support import fit_with

CLASSES = 4
TOKENS = 13
WIDTH, HEADS = 8, 2


def keras_layers():
    return nn.backend.keras.layers


def finished(inputs, x):
    head = keras_layers().Dense(CLASSES, activation="softmax", name="head")
    return nn.backend.keras.Model(inputs, head(x))


def recurrent():
    """A convolution and two LSTM layers over steps of numbers."""
    layers = keras_layers()
    inputs = layers.Input((11, 3), name="sequence")
    x = layers.Conv1D(5, 2, activation="relu", name="conv")(inputs)
    x = layers.LSTM(6, return_sequences=True, name="first")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    return finished(inputs, layers.LSTM(7, name="second")(x))


def attention():
    """A Transformer block composed of plain layers, over tokens and their positions."""
    layers, norm = keras_layers(), {"epsilon": 1e-6}
    inputs = layers.Input((9,), dtype="int32", name="text")
    places = layers.Rescaling(0, offset=list(range(9)), dtype="int32", name="positions")(inputs)
    x = layers.Add(name="embedded")(
        [
            layers.Embedding(TOKENS, WIDTH, name="tokens")(inputs),
            layers.Embedding(9, WIDTH, name="places")(places),
        ]
    )
    seen = layers.LayerNormalization(name="attention_norm", **norm)(x)

    def split(name):
        part = layers.Reshape((9, HEADS, WIDTH // HEADS), name=f"{name}_split")(
            layers.Dense(WIDTH, name=name)(seen)
        )
        return layers.Permute((2, 1, 3), name=f"{name}_heads")(part)

    query, key, value = (split(name) for name in ("query", "key", "value"))
    query = layers.Rescaling(1 / math.sqrt(WIDTH // HEADS), name="scaled")(query)
    mixed = layers.Permute((2, 1, 3), name="joined")(
        layers.Attention(name="mix")([query, value, key])
    )
    merged = layers.Dropout(0.3, name="dropout")(layers.Reshape((9, WIDTH), name="merged")(mixed))
    x = layers.Add(name="attended")([x, layers.Dense(WIDTH, name="output")(merged)])
    deep = layers.Dense(10, activation="relu", name="hidden")(
        layers.LayerNormalization(name="dense_norm", **norm)(x)
    )
    x = layers.Add(name="sum")([x, layers.Dense(WIDTH, name="dense")(deep)])
    x = layers.LayerNormalization(name="last_norm")(x)
    return finished(inputs, layers.GlobalAveragePooling1D(name="mean")(x))


def keras_attention():
    """Keras's own multi-head attention, over steps of numbers."""
    layers = keras_layers()
    inputs = layers.Input((7, 12), name="sequence")
    seen = layers.MultiHeadAttention(3, 4, value_dim=5, dropout=0.2, name="attention")(
        inputs, inputs
    )
    x = layers.LayerNormalization(name="norm")(layers.Add(name="attended")([inputs, seen]))
    return finished(inputs, layers.GlobalAveragePooling1D(name="mean")(x))


def mixed():
    """One layer of each kind that has state of its own besides its weights, or weights unlike a
    kernel and a bias."""
    layers = keras_layers()
    inputs = layers.Input((7,), dtype="int32", name="text")
    x = layers.SpatialDropout1D(0.2, name="spatial_dropout")(
        layers.Embedding(TOKENS, WIDTH, name="tokens")(inputs)
    )
    seen = layers.MultiHeadAttention(2, 4, dropout=0.3, name="attention")(x, x)
    x = layers.LayerNormalization(name="norm")(layers.Add(name="attended")([x, seen]))
    x = layers.Add(name="mixed")(
        [x, layers.Attention(dropout=0.2, use_scale=True, name="mix")([x, x])]
    )
    x = layers.LSTM(5, dropout=0.2, name="lstm")(x)
    return finished(inputs, layers.Dropout(0.3, name="dropout")(x))


@dataclass(frozen=True)
class Known:
    """What is known of a net.

    Args:
        macs: multiply-accumulates in which a weight takes part.
        products: those in which none does.
        scaled: weights that the converter multiplies by 1 / sqrt(size of a head).
    """

    build: object
    macs: int
    products: int
    scaled: tuple[tuple[str, int], ...] = ()


def lstm_macs(steps, features, units):
    return steps * 4 * units * (features + units)


NETS = {
    "recurrent": Known(
        recurrent,
        macs=10 * 2 * 3 * 5 + lstm_macs(10, 5, 6) + lstm_macs(10, 6, 7) + 7 * CLASSES,
        products=0,
    ),
    "attention": Known(
        attention,
        macs=9 * (4 * WIDTH * WIDTH + 2 * WIDTH * 10) + WIDTH * CLASSES,
        products=2 * 9 * 9 * WIDTH,
        scaled=(("query", 0), ("query", 1)),
    ),
    "keras_attention": Known(
        keras_attention,
        macs=7 * (2 * 12 * 12 + 2 * 12 * 15) + 12 * CLASSES,
        products=7 * 7 * 3 * (4 + 5),
        scaled=(("attention", 0), ("attention", 1)),
    ),
}


def staged(model):
    """The net with weights as of a trained one: no scale is 1, no bias 0."""
    random = np.random.default_rng(0)
    weights = nn.graph.read_weights(model)
    shaken = {
        key: (value + random.normal(0, 0.1, value.shape)).astype(np.float32)
        for key, value in weights.items()
    }
    return Stage(graph=nn.graph.to_graph(model), weights={}).with_weights(shaken)


def untrained(model):
    return Stage(graph=nn.graph.to_graph(model), weights={}).with_weights(
        nn.graph.read_weights(model)
    )


def samples_for(model, count=40):
    """Every token appears: the ranges of an 8-bit table come from the tokens seen."""
    random = np.random.default_rng(1)
    inputs = {}
    for item in model.inputs:
        shape = (count, *item.shape[1:])
        numbers = np.arange(math.prod(shape)).reshape(shape) % TOKENS
        value = (
            numbers.astype(np.int32)
            if item.dtype.is_integer
            else random.normal(0, 1, shape).astype(np.float32)
        )
        inputs[item.name] = value
    return Samples(inputs, np.arange(count) % CLASSES)


def info_for(model):
    shapes = {item.name: tuple(item.shape[1:]) for item in model.inputs}
    tokens = {item.name: TOKENS for item in model.inputs if item.dtype.is_integer}
    return DataInfo(task="classes", classes=CLASSES, inputs=shapes, tokens=tokens)


def training_of(model, **changes):
    """A training of `Fit`'s fields and, for what it lacks, of `Train`'s.

    10 samples a step, 4 steps an epoch.
    """
    samples = samples_for(model)
    asked = {
        "info": info_for(model),
        "samples": samples,
        "validation": samples,
        "epochs": 1,
        "warmup_epochs": 0,
        "seed": 0,
    }
    return fit_with(asked, Train(batch_size=10, learning_rate=0.01), changes)
