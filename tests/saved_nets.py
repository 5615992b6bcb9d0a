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


NETS: dict[str, Callable[[Any], Any]] = {
    net.__name__: net for net in (lenet, rows, branches, words, pair)
}


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
