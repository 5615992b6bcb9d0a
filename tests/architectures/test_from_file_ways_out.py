"""What a refusal of a saved net says to do is done, and then the net is read."""

import warnings

import numpy as np
import pytest
from nets_support import CATALOG

from framework import nn
from framework.contracts import DataInfo
from framework.errors import InvalidStudy

GREY = DataInfo(task="classes", classes=10, inputs={"image": (8, 8, 1)})
STEPS = DataInfo(task="classes", classes=10, inputs={"sequence": (6, 3)})


def sequence(*layers, shape=(8, 8, 1)):
    keras = nn.backend.keras
    return keras.Sequential([keras.Input(shape), *layers])


def with_lambda(layers):
    parts = [layers.Flatten(), layers.Dense(10, activation="softmax")]
    return sequence(layers.Lambda(lambda x: x / 2, name="half"), *parts), sequence(*parts)


def with_resizing(layers):
    parts = [layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(10, activation="softmax")]
    return (
        sequence(layers.Resizing(6, 6, name="small"), *parts),
        sequence(*parts, shape=(6, 6, 1)),
    )


def with_sequences(layers):
    ends = [layers.GlobalAveragePooling1D(), layers.Dense(10, activation="softmax")]
    both = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")
    last = layers.Bidirectional(layers.LSTM(4))
    return (
        sequence(both, *ends, shape=(6, 3)),
        sequence(last, layers.Dense(10, activation="softmax"), shape=(6, 3)),
    )


def with_operator(layers):
    keras = nn.backend.keras
    inputs = keras.Input((8, 8, 1))
    x = layers.Flatten()(inputs)
    y = layers.Dense(64, name="gate")(x)
    head = layers.Dense(10, activation="softmax")
    other = keras.Input((8, 8, 1))
    flat = layers.Flatten()(other)
    product = layers.Multiply()([flat, layers.Dense(64, name="gate")(flat)])
    return (
        keras.Model(inputs, head(x / y)),
        keras.Model(other, layers.Dense(10, activation="softmax")(product)),
    )


def with_channels_first(layers):
    def ends():
        return [layers.GlobalAveragePooling2D(), layers.Dense(10, activation="softmax")]

    first = layers.Conv2D(3, 3, data_format="channels_first", name="front")
    pooled = layers.GlobalAveragePooling2D(data_format="channels_first")
    return (
        sequence(first, pooled, ends()[1], shape=(1, 8, 8)),
        sequence(layers.Conv2D(3, 3), *ends()),
    )


def with_a_mask(layers):
    def parts():
        return [layers.LSTM(4), layers.Dense(10, activation="softmax")]

    return (
        sequence(layers.Masking(), *parts(), shape=(6, 3)),
        sequence(*parts(), shape=(6, 3)),
    )


def with_relu(layers):
    head = layers.Dense(10, activation="softmax")
    return (
        sequence(layers.LSTM(4, activation="relu", name="gates"), head, shape=(6, 3)),
        sequence(layers.LSTM(4), layers.Dense(10, activation="softmax"), shape=(6, 3)),
    )


WITHOUT = "set its weights with new.set_weights("
CASES = {
    "Lambda": (with_lambda, ["'half' is a Lambda", "to the data beforehand", WITHOUT]),
    "another size": (with_resizing, ["'small' (Resizing)", "keras.Input((6, 6,", WITHOUT]),
    "an operator": (with_operator, ["(divide) of two layers is none", "Multiply", WITHOUT]),
    "channels first": (
        with_channels_first,
        ["'front' has data_format='channels_first'", "keras.Input((height, width, ", WITHOUT],
    ),
    "a mask": (with_a_mask, ["a mask, from a Masking layer", "Build the net without it", WITHOUT]),
    "other settings": (with_relu, ["'gates' has activation='relu'", "as they are by default"]),
    "both directions": (with_sequences, ["'both' is a Bidirectional", "return_sequences=False"]),
}


def read(path, info):
    net = CATALOG.architectures.build("from_file", {"path": str(path)})
    return net.input_shapes(info)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_the_way_out_of_a_refusal_works(case, kind, tmp_path):
    nets, words = CASES[case]
    old, new = nets(nn.backend.keras.layers)
    if WITHOUT in words:
        new.set_weights(old.get_weights())
    for name, model in (("old", old), ("new", new)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # .h5 is called legacy
            model.save(tmp_path / f"{name}.{kind}")
    info = STEPS if old.input_shape == (None, 6, 3) else GREY
    with pytest.raises(InvalidStudy) as caught:
        read(tmp_path / f"old.{kind}", info)
    for word in words:
        assert word in str(caught.value)
    (shape,) = read(tmp_path / f"new.{kind}", info).values()
    assert shape == new.input_shape[1:]
    saved = nn.saved.load(tmp_path / f"new.{kind}").weights
    assert sorted(value.size for value in saved.values()) == sorted(
        np.size(value) for value in new.get_weights()
    )
