"""Weights of recurrent, attention and text nets in the exported file, in every number format."""

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from sequence_nets import HEADS, NETS, WIDTH, finished, keras_layers, samples_for, staged, untrained

from framework import nn
from framework.contracts import Export, Stage
from framework.errors import NotDeployable
from framework.nn import tflite
from framework.nn.tflite import interpreter
from framework.nn.tflite.flatbuffer import FlatFile

FORMATS = {
    "float32": Export(),
    "float16": Export("float16"),
    "dynamic": Export("dynamic"),
    "int8": Export("int8"),
    "int8 per tensor": Export("int8", "per_tensor"),
}


@dataclass(frozen=True)
class Filed:
    """A net and its file."""

    net: str
    format: str
    stage: Stage
    samples: Any
    file: bytes
    weights: tuple


@functools.cache
def made(net, form):
    model = NETS[net].build()
    stage, samples = replace(staged(model), export=FORMATS[form]), samples_for(model)
    file = tflite.converter.to_tflite(stage, samples)
    return Filed(net, form, stage, samples, file, tflite.weights.read_weights(file, stage))


@pytest.fixture(params=[(net, form) for net in NETS for form in FORMATS], ids=" ".join)
def filed(request):
    return made(*request.param)


def numbers(file, weights):
    """(numbers that the tensors of one weight stand for, sorted; largest step of rounding)."""
    constants = [FlatFile(file).constant(weight.tensor) for weight in weights]
    return np.sort(np.concatenate([one.numbers.ravel() for one in constants])), max(
        one.step for one in constants
    )


def of(weights, layer, position):
    return [weight for weight in weights if weight.key == f"{layer}/{position}"]


def test_every_weight_lies_there_with_its_values(filed):
    factor = (WIDTH // HEADS) ** -0.5  # heads of 4 in both nets
    for (layer, position), value in filed.stage.weights.items():
        expected = value * factor if (layer, position) in NETS[filed.net].scaled else value
        found, step = numbers(filed.file, of(filed.weights, layer, position))
        tolerance = 0 if filed.format == "float32" and expected is value else 0.51 * step + 1e-7
        assert np.abs(found - np.sort(expected.ravel())).max() <= tolerance, (layer, position)


def test_sizes_and_operations_are_those_of_the_textbook(filed):
    assert sum(weight.values.size for weight in filed.weights) == sum(
        v.size for v in filed.stage.weights.values()
    )
    assert sum(weight.values.size * weight.uses for weight in filed.weights) == NETS[filed.net].macs
    assert tflite.weights.products(filed.file) == NETS[filed.net].products
    assert len({weight.name for weight in filed.weights}) == len(filed.weights)


def test_it_holds_the_numbers_it_was_asked_for(filed):
    kinds = {weight.name: weight.values.dtype for weight in filed.weights}
    vectors = {"bias", "gamma", "beta"}
    for weight in filed.weights:
        asked = {"float32": np.float32, "float16": np.float16, "dynamic": np.float32}.get(
            filed.format, np.int8
        )
        if weight.role.rpartition("_")[2] not in vectors:  # all are too small for `dynamic`
            assert kinds[weight.name] == asked, weight.name
    if filed.format.startswith("int8"):
        assert not {np.dtype("float32"), np.dtype("float16")} & set(kinds.values())


def test_the_file_answers_like_its_net(filed):
    net, answers = (
        tflite.converter.predict(filed.stage, filed.samples),
        interpreter.outputs(filed.file, filed.samples),
    )
    if filed.format == "float32":
        tflite.converter.check_agreement(net, answers)
    assert np.abs(net - answers).max() < (0.03 if filed.format.startswith("int8") else 1e-3)
    sure = np.diff(np.sort(net, axis=1)[:, -2:], axis=1)[:, 0] > 0.03
    assert (net.argmax(axis=1) == answers.argmax(axis=1))[sure].all()


def test_answers_do_not_depend_on_the_samples_before(filed):
    """A recurrent operation keeps its state from one run to the next."""
    turned = {name: value[::-1] for name, value in filed.samples.inputs.items()}
    backwards = interpreter.outputs(filed.file, replace(filed.samples, inputs=turned))
    assert np.array_equal(backwards[::-1], interpreter.outputs(filed.file, filed.samples))


@pytest.mark.parametrize("form", FORMATS)
def test_a_gate_has_its_own_tensor(form):
    filed = made("recurrent", form)
    for name, units in (("first", 6), ("second", 7)):
        for position, role in enumerate(("kernel", "recurrent_kernel", "bias")):
            found = of(filed.weights, name, position)
            assert [(weight.role, weight.part) for weight in found] == [
                (role, gate) for gate in ("input", "forget", "cell", "output")
            ]
            assert {weight.uses for weight in found} == {0 if role == "bias" else 10}
            gates = np.split(filed.stage.weights[name, position], 4, axis=-1)
            for weight, gate in zip(found, gates, strict=True):
                stored = FlatFile(filed.file).constant(weight.tensor)
                assert np.abs(stored.numbers - gate.T).max() <= 0.51 * stored.step + 1e-7
                assert len(stored.numbers) == units


# --- what the converter does to a net -------------------------------------------------------------


def read(stage):
    return tflite.weights.read_weights(tflite.converter.to_tflite(stage), stage)


def steps_to_head(*built):
    """A net of layers over a sequence, one after another."""
    layers = keras_layers()
    inputs = x = layers.Input((5, 6), name="sequence")
    for layer in built:
        x = layer(x)
    return finished(
        inputs, layers.GlobalAveragePooling1D(name="mean")(x) if len(x.shape) == 3 else x
    )


def counted(stage):
    return {weight.name: weight.values.size for weight in read(stage)}


@pytest.mark.parametrize("shaken", [True, False])
def test_a_normalisation_before_dense_layers_alone_is_folded_and_not_counted(shaken):
    layers = keras_layers()
    parts = [
        layers.LayerNormalization(name="norm"),
        layers.Dropout(0.5, name="off"),
        layers.Dense(3, name="dense"),
    ]
    model = steps_to_head(*parts)
    stage = staged(model) if shaken else untrained(model)
    sizes = {"dense/kernel": 18, "dense/bias": 3, "head/kernel": 12, "head/bias": 4}
    assert counted(stage) == sizes
    norm = {key: value for key, value in stage.weights.items() if key[0] == "norm"}
    kernel = next(weight for weight in read(stage) if weight.name == "dense/kernel")
    folded = stage.weights["dense", 0] * norm["norm", 0][:, None]
    assert np.allclose(kernel.values.T, folded, atol=1e-6)


@pytest.mark.parametrize("shaken", [True, False])
@pytest.mark.parametrize("epsilon", [1e-3, 1e-6])
def test_a_normalisation_read_by_others_is_counted_even_where_it_changes_nothing(epsilon, shaken):
    layers = keras_layers()
    model = steps_to_head(
        layers.LayerNormalization(epsilon=epsilon, name="norm"), layers.Flatten(name="flat")
    )
    stage = staged(model) if shaken else untrained(model)
    found = {weight.name: weight for weight in read(stage)}
    assert {name: found[name].values.size for name in ("norm/gamma", "norm/beta")} == {
        "norm/gamma": 6,
        "norm/beta": 6,
    }
    for position, role in enumerate(("gamma", "beta")):
        weight = found[f"norm/{role}"]
        assert not shaken or weight.tensor >= 0
        assert np.array_equal(weight.values, stage.weights["norm", position])
        assert (weight.position, weight.uses) == (position, 0)


def test_a_layer_used_twice_is_counted_once_and_works_twice():
    layers = keras_layers()
    inputs = layers.Input((5, 6), name="sequence")
    twice, other = layers.Dense(6, name="dense"), layers.Dense(6, name="dense_1")
    x = layers.Concatenate(name="both")(
        [twice(layers.ReLU(name="relu")(inputs)), other(twice(inputs))]
    )
    stage = staged(finished(inputs, layers.GlobalMaxPooling1D(name="most")(x)))
    weights = {weight.name: weight for weight in read(stage)}
    assert set(weights) == {
        f"{layer}/{role}" for layer in ("dense", "dense_1", "head") for role in ("kernel", "bias")
    }
    assert {name: weight.uses for name, weight in weights.items() if weight.uses} == {
        "dense/kernel": 2 * 5,
        "dense_1/kernel": 5,
        "head/kernel": 1,
    }
    for layer in ("dense", "dense_1"):
        assert np.array_equal(weights[f"{layer}/kernel"].values.T, stage.weights[layer, 0])


def test_layers_are_told_apart_whatever_they_are_called():
    """A name within another's, a name of another with a number, one of another case."""
    layers = keras_layers()
    names = ("a", "a/b", "a_1", "A", "net", "MatMul", "bias")
    stage = staged(
        steps_to_head(*(layers.Dense(6, activation="relu", name=name) for name in names))
    )
    weights = {weight.name: weight for weight in read(stage)}
    for name in names:
        assert np.array_equal(weights[f"{name}/kernel"].values.T, stage.weights[name, 0]), name
        assert np.array_equal(weights[f"{name}/bias"].values, stage.weights[name, 1]), name


def test_what_a_configuration_says_is_no_parameter():
    """Factors of Rescaling, positions, a mask."""
    layers = keras_layers()
    inputs = layers.Input((5, 6), name="sequence")
    x = layers.Rescaling([1.0, 2, 3, 4, 5, 6], offset=[6.0, 5, 4, 3, 2, 1], name="standardised")(
        inputs
    )
    x = layers.Conv1D(3, 2, name="conv")(x)
    x = layers.Attention(name="mix")([x, x], use_causal_mask=True)
    model = finished(inputs, layers.Flatten(name="flat")(x))
    stage = staged(model)
    file = tflite.converter.to_tflite(stage)
    assert (
        sum(weight.values.size for weight in tflite.weights.read_weights(file, stage))
        == model.count_params()
    )
    assert tflite.weights.products(file) == 2 * 4 * 4 * 3


def test_attention_that_learns_its_scale_has_one_more_parameter():
    layers = keras_layers()
    inputs = layers.Input((5, 6), name="sequence")
    x = layers.Attention(use_scale=True, name="mix")([inputs, inputs])
    model = finished(inputs, layers.GlobalAveragePooling1D(name="mean")(x))
    for stage in (staged(model), untrained(model)):
        assert counted(stage) == {"mix/scale": 1, "head/kernel": 24, "head/bias": 4}


def test_a_factor_behind_the_last_layer_is_folded_into_it():
    """As where a net's answer is turned back into the unit of its labels."""
    layers = keras_layers()
    inputs = layers.Input((6,), name="sequence")
    x = layers.Dense(3, activation="relu", name="hidden")(inputs)
    x = layers.Rescaling(3.0, offset=1.0, name="unit")(layers.Dense(1, name="head")(x))
    stage = staged(nn.backend.keras.Model(inputs, x))
    found = {weight.name: weight.values for weight in read(stage)}
    assert {name: value.size for name, value in found.items()} == {
        "hidden/kernel": 18, "hidden/bias": 3, "head/kernel": 3, "head/bias": 1
    }  # fmt: skip
    assert np.allclose(found["head/kernel"].T, 3 * stage.weights["head", 0], atol=1e-6)


def test_dynamic_quantizes_an_lstm_as_a_whole_or_not_at_all():
    def kinds(features):
        layers = keras_layers()
        inputs = layers.Input((3, features), name="sequence")
        model = finished(inputs, layers.LSTM(32, name="lstm")(inputs))
        weights = read(replace(staged(model), export=Export("dynamic")))
        return {
            weight.role: (weight.values.dtype.name, weight.scales)
            for weight in weights
            if weight.layer == "lstm"
        }

    assert kinds(32) == {
        "kernel": ("int8", 1),
        "recurrent_kernel": ("int8", 1),
        "bias": ("float32", 0),
    }
    assert {kind for kind, _ in kinds(31).values()} == {"float32"}  # gates of 992 values


def test_zeros_of_an_8_bit_table_are_zeros_of_the_net():
    """Tables and normalisations are stored around a zero point that is not 0."""
    layers = keras_layers()
    inputs = layers.Input((9,), dtype="int32", name="text")
    x = layers.Embedding(13, 6, name="table")(inputs)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(layers.ReLU(name="relu")(x))
    model = finished(inputs, layers.GlobalAveragePooling1D(name="mean")(x))
    stage = staged(model)
    table = np.random.default_rng(0).uniform(0.5, 1, (13, 6)).astype(np.float32)
    table[::2] = 0
    stage = replace(
        stage.with_weights({**stage.weights, ("table", 0): table}), export=Export("int8")
    )
    file = tflite.converter.to_tflite(stage, samples_for(model))
    (found,) = of(tflite.weights.read_weights(file, stage), "table", 0)
    assert found.values.dtype == np.int8
    assert np.array_equal(found.values == 0, table == 0)


def test_a_net_that_is_not_in_the_file_is_noticed():
    layers = keras_layers()
    one, other = (staged(steps_to_head(layers.LSTM(units, name="lstm"))) for units in (4, 3))
    with pytest.raises(NotDeployable, match="belongs to no"):
        tflite.weights.read_weights(tflite.converter.to_tflite(one), other)


def test_a_recurrent_file_is_timed():
    filed = made("recurrent", "int8")
    found = tflite.latency.compare(filed.file, filed.file, filed.samples)
    assert found.speedup.low <= found.speedup.value <= found.speedup.high
    assert found.latency_us.value > 0
