"""Nets as users save them: built with whichever keras is given, with weights of a seed, and saved
in every format.

As a program it does so with Keras 3 itself: `python saved_nets.py FOLDER DIGITS`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

FORMATS = ("keras", "h5")


def lenet(keras: Any) -> Any:
    """A small LeNet on pictures of digits, with all that a user leaves in: a regularizer, Dropout,
    an optimizer."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, activation="relu", kernel_regularizer="l2"),
            layers.MaxPooling2D(),
            layers.Conv2D(
                8,
                5,
                activation="relu",
                kernel_initializer="he_normal",
                kernel_constraint=keras.constraints.MaxNorm(9),
            ),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def rows(keras: Any) -> Any:
    """What every introduction begins with: 28x28 without channels, and logits."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10),
        ]
    )


def branches(keras: Any) -> Any:
    """A functional net of nearly every layer that is allowed."""
    layers = keras.layers
    inputs = keras.Input((16, 16, 3), name="my picture")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU(max_value=6)(layers.BatchNormalization()(x))
    y = layers.BatchNormalization(scale=False)(
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=1)(x)
    )
    x = layers.Concatenate()(
        [layers.Add()([x, y]), layers.Multiply()([x, y]), layers.Subtract()([x, y])]
    )
    x = layers.SpatialDropout2D(0.1)(layers.LeakyReLU(0.1)(x))
    x = layers.Permute((2, 1, 3))(layers.AveragePooling2D(2)(x))
    x = layers.Reshape((16, 12))(x)
    x = layers.Conv1D(8, 3, padding="causal", activation="gelu", name="conv.1d")(x)
    heads = layers.MultiHeadAttention(2, 3, name="heads")(x, x)
    heads = layers.MultiHeadAttention(2, 3, value_dim=5, name="more_heads")(
        query=heads, value=x, key=x, use_causal_mask=True
    )
    heads = layers.Attention(use_scale=True)([heads, x, x], use_causal_mask=True)
    heads = layers.Attention()([heads, x])
    x = layers.LayerNormalization()(layers.Average()([heads, x]))
    sums = [
        layers.GlobalAveragePooling1D()(x),
        layers.GlobalMaxPooling1D()(x),
        layers.LSTM(5)(layers.MaxPooling1D(2)(x)),
    ]
    x = layers.Dense(8, activation="silu" if keras.__version__.startswith("3") else "swish")(
        layers.Concatenate()(sums)
    )
    return keras.Model(inputs, layers.Softmax()(layers.Dense(4)(x)))


def words(keras: Any) -> Any:
    """Token numbers, 0 filling up short texts: the mean leaves those out."""
    layers = keras.layers
    inputs = keras.Input((7,), name="text")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(20, 4, mask_zero=True)(inputs))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def pair(keras: Any) -> Any:
    """A picture and a question."""
    layers = keras.layers
    image, question = (
        keras.Input((8, 8, 1), name="image"),
        keras.Input((5,), name="question", dtype="int32"),
    )
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, activation="relu")(image))
    read = layers.GlobalAveragePooling1D()(layers.Embedding(11, 3)(question))
    return keras.Model(
        [image, question], layers.Dense(3, activation="softmax")(layers.Concatenate()([seen, read]))
    )


def body(keras: Any, name: str) -> Any:
    """A model to be put into others, with batch normalisation and a model of its own."""
    layers = keras.layers
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, use_bias=False, name="conv")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    # Keras 2 cannot save two layers of one name within one model in `.h5`
    last = layers.Conv2D(4, 3, activation="relu", name="last")
    end = keras.Sequential([last, layers.GlobalMaxPooling2D(name="max")], name="end")
    return keras.Model(inputs, [end(x), layers.GlobalAveragePooling2D(name="mean")(x)], name=name)


def stacked(keras: Any) -> Any:
    """Sequences in a sequence, the first around a functional model, as Teachable Machine saves."""
    layers = keras.layers
    inner = body(keras, "body")
    first = keras.Sequential([keras.Model(inner.input, inner.output[0], name="first_output")])
    last = keras.Sequential(
        [keras.Input((4,)), layers.Dense(5, activation="relu"), layers.Dense(10, use_bias=False)]
    )
    return keras.Sequential(
        [keras.Input((8, 8, 1)), first, layers.Dropout(0.1), last, layers.Softmax()]
    )


def transfer(keras: Any) -> Any:
    """A model in a functional one, frozen, called as not in training; two of its outputs are read,
    and a layer outside has the name of one inside."""
    layers = keras.layers
    inner = body(keras, "base")
    inner.trainable = False
    inputs = keras.Input((8, 8, 1), name="image")
    one, other = inner(inputs, training=False)
    x = layers.Dense(6, activation="relu", name="conv")(layers.Concatenate()([one, other]))
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="head")(x))


def reused(keras: Any) -> Any:
    """A layer and a model that are used more than once each."""
    layers = keras.layers
    inputs = keras.Input((8, 8, 1), name="image")
    inner, dense = body(keras, "base"), layers.Dense(4, activation="tanh", name="shared")
    one, _ = inner(inputs)
    two, three = inner(layers.Rescaling(0.5, offset=0.1)(inputs))
    x = layers.Add()([dense(one), dense(two)])
    x = layers.Concatenate()([x, three])
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="shared_2")(x))


def operators(keras: Any) -> Any:
    """Operators between layers: of constants, of one tensor, and of two."""
    layers, keras_3 = keras.layers, keras.__version__.startswith("3")
    inputs = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, padding="same")((inputs * 2.0 - 1.0) / 1.5)
    y = layers.Conv2D(4, 3, padding="same")(1.0 - x) - np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    if keras_3:
        ops = keras.ops
        z = ops.concatenate([ops.relu6(x + y), ops.leaky_relu(x * y), -ops.sigmoid(x - y)], axis=-1)
        z = ops.transpose(ops.reshape(z, (-1, 64, 12)), (0, 2, 1))
        z = ops.softmax(ops.mean(z, axis=1), axis=-1) + ops.max(z, axis=1)
    else:
        import tensorflow as tf

        z = [tf.nn.relu6(x + y), tf.nn.leaky_relu(x * y), -tf.nn.sigmoid(x - y)]
        z = tf.transpose(tf.reshape(tf.concat(z, axis=-1), (-1, 64, 12)), (0, 2, 1))
        z = tf.nn.softmax(tf.reduce_mean(z, axis=1)) + tf.reduce_max(z, axis=1)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(z))


def rewritten(keras: Any) -> Any:
    """Layers that others stand for, and some that only training knows."""
    layers, keras_3 = keras.layers, keras.__version__.startswith("3")
    inputs = keras.Input((None, None, 3), name="image")
    x = layers.RandomFlip("horizontal")(layers.Resizing(8, 8)(inputs))
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.5, 1.0, 2.0])(x)
    x = layers.SeparableConv2D(4, 3, strides=2, padding="same", depth_multiplier=2)(x)
    x = layers.ELU()(layers.GaussianNoise(0.1)(x))
    x = layers.Conv2D(5, 1, activation=keras.activations.relu6 if keras_3 else relu6())(x)
    x = layers.Reshape((16, 5))(x)
    padding = "same" if keras_3 else "causal"
    x = layers.SeparableConv1D(6, 3, padding=padding, activation="relu")(x)
    x = layers.DepthwiseConv1D(3, strides=2, padding="same", depth_multiplier=2)(x)
    x = layers.TimeDistributed(layers.Dense(7, activation="relu"))(x)
    x = layers.Bidirectional(layers.LSTM(4, recurrent_dropout=0.1), merge_mode="concat")(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def relu6() -> Any:
    """The function, as people give it to layers of Keras 2."""
    import tensorflow as tf

    return tf.nn.relu6


def residual(keras: Any, inputs: Any) -> Any:
    """A few layers with two ways through them; the same names wherever they are."""
    layers = keras.layers
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="first")(inputs)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="second")(x)
    return layers.GlobalAveragePooling2D(name="mean")(layers.Add(name="sum")([x, y]))


def on_model(keras: Any, *, flat: bool = False) -> Any:
    """A new head on a model that is a layer, or on its layers."""
    inputs, layers = keras.Input((8, 8, 1), name="image"), keras.layers
    inner = keras.Input((8, 8, 1), name="inner")
    base = keras.Model(inner, residual(keras, inner), name="base")
    features = residual(keras, inputs) if flat else base(inputs)
    x = layers.Dense(6, activation="relu", name="hidden")(features)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="head")(x))


def of_sequences(keras: Any, *, flat: bool = False) -> Any:
    """A sequence whose body and head are sequences, or one of all their layers."""
    layers = keras.layers
    first = [
        layers.Conv2D(4, 3, activation="relu", name="first"),
        layers.BatchNormalization(name="norm"),
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flat"),
    ]
    last = [
        layers.Dense(6, activation="relu", name="hidden"),
        layers.Dense(10, activation="softmax", name="head"),
    ]
    parts = [*first, *last] if flat else [keras.Sequential(first), keras.Sequential(last)]
    return keras.Sequential([keras.Input((8, 8, 1), name="image"), *parts])


TWINS: dict[str, Callable[[Any], Any]] = {  # a net with models in it, and the same without
    "on_model": on_model,
    "on_model_flat": partial(on_model, flat=True),
    "of_sequences": of_sequences,
    "of_sequences_flat": partial(of_sequences, flat=True),
}
NETS: dict[str, Callable[[Any], Any]] = {
    net.__name__: net
    for net in (
        lenet, rows, branches, words, pair, stacked, transfer, reused, operators, rewritten,
    )
}  # fmt: skip


def samples(name: str) -> dict[str, Any]:
    """Inputs of a net, by the name of the data set's input."""
    random = np.random.default_rng(1)

    def pictures(*shape: int) -> Any:
        return random.uniform(0, 1, (6, *shape)).astype(np.float32)

    def tokens(length: int, count: int) -> Any:
        return random.integers(0, count, (6, length)).astype(np.int32)

    return {
        "lenet": lambda: {"image": pictures(28, 28, 1)},
        "rows": lambda: {"image": pictures(28, 28, 1)},
        "branches": lambda: {"image": pictures(16, 16, 3)},
        "words": lambda: {"text": tokens(7, 3)},
        "stacked": lambda: {"image": pictures(8, 8, 1)},
        "transfer": lambda: {"image": pictures(8, 8, 1)},
        "reused": lambda: {"image": pictures(8, 8, 1)},
        "operators": lambda: {"image": pictures(8, 8, 1)},
        "rewritten": lambda: {"image": pictures(8, 8, 3)},
        "pair": lambda: {"image": pictures(8, 8, 1), "question": tokens(5, 11)},
    }[name]()


def fill(model: Any, seed: int = 0) -> Any:
    """Weights of a seed, biases and moving averages too."""
    random = np.random.default_rng(seed)

    def values(shape: tuple[int, ...]) -> Any:
        if len(shape) == 1:  # biases, scales, moving averages
            return random.uniform(0.05, 0.5, shape)
        return random.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape)

    model.set_weights([values(value.shape) for value in model.get_weights()])
    return model


def answers(name: str, model: Any) -> Any:
    """What the net itself says to its samples, with pixels as it was trained on them."""
    given = samples(name)
    arrays = [255 * value if name == "branches" else value for value in given.values()]
    arrays = [value[..., 0] if name == "rows" else value for value in arrays]
    return np.asarray(model(arrays if len(arrays) > 1 else arrays[0], training=False))


def train(model: Any, digits: Path) -> Any:
    """The net after a few epochs on the digits of this file, and what it then answers to
    `validation`."""
    with np.load(digits) as data:
        model.fit(data["images"], data["labels"], epochs=6, batch_size=32, verbose=0)
        return np.asarray(model(data["validation"], training=False))


def save_all(keras: Any, folder: Path, digits: Path) -> None:
    """Every net in every format with its answers beside it, and a LeNet trained on digits as
    `trained`."""
    keras.utils.set_random_seed(0)
    trained = lenet(keras)
    nets = {"trained": (trained, train(trained, digits))}
    for name, build in NETS.items():
        model = fill(build(keras))
        nets[name] = (model, answers(name, model))
    for name, build in TWINS.items():
        nets[name] = (fill(build(keras)), np.empty(0))
    for name, (model, said) in nets.items():
        np.save(folder / f"{name}.npy", said)
        for kind in FORMATS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # .h5 is called legacy
                model.save(folder / f"{name}.{kind}")


def save_by_keras_3(folder: Path, digits: Path) -> None:
    """The same by Keras 3, which needs a process of its own."""
    named = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    command = [sys.executable, __file__, str(folder), str(digits)]
    done = subprocess.run(
        command,
        env=named | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    import keras

    assert keras.__version__.startswith("3")
    save_all(keras, Path(sys.argv[1]), Path(sys.argv[2]))
