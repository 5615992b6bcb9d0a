"""The exported file: its weights where they belong, its answers those of the net."""

from dataclasses import replace

import numpy as np
import pytest
from nets_support import (
    INFO,
    Tiny,
    digest,
    masked,
    tiny_fit,
    tiny_samples,
    tiny_stage,
    zeros_in_file,
)

from framework import nn
from framework.contracts import Head
from framework.errors import NotDeployable
from framework.nn import tflite, training
from framework.nn.tflite import interpreter

SURE = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)


def test_file_and_net_may_differ_by_rounding():
    tflite.converter.check_agreement(SURE, SURE + 9e-5)


def test_answers_of_a_regression_may_differ_by_a_share_of_the_largest():
    prices = np.array([[250_000.0], [1_000.0], [-3.0]], np.float32)
    tflite.converter.check_agreement(prices, prices + 20)
    for wrong in (prices + 30, prices * np.inf, prices * np.nan):
        with pytest.raises(NotDeployable, match="differently"):
            tflite.converter.check_agreement(prices, wrong)
    with pytest.raises(NotDeployable, match="differently"):
        tflite.converter.check_agreement(prices * np.inf, prices)
    with pytest.raises(NotDeployable, match="differently"):
        # of small answers as of probabilities
        tflite.converter.check_agreement(prices / 1e6, prices / 1e6 + 2e-4)


@pytest.mark.parametrize("wrong", [SURE + 2e-4, SURE * np.nan, SURE + np.inf, SURE[:, ::-1]])
def test_a_file_that_answers_differently_is_not_deployable(wrong):
    with pytest.raises(NotDeployable, match="differently"):
        tflite.converter.check_agreement(SURE, wrong)


def test_a_net_that_answers_nothing_is_not_deployable():
    with pytest.raises(NotDeployable):
        tflite.converter.check_agreement(SURE * np.nan, SURE)


def test_of_two_equal_outputs_either_may_win():
    tie = np.array([[0.50001, 0.49999]], np.float32)
    tflite.converter.check_agreement(tie, tie[:, ::-1])


def test_bytes_that_are_no_file_are_not_deployable():
    with pytest.raises(NotDeployable, match="does not load"):
        interpreter.outputs(b"nothing of the kind", tiny_samples(1))


def test_one_traced_net_exports_each_set_of_weights_as_its_own():
    one, two = tiny_stage(seed=1), tiny_stage(seed=2)
    built = tflite.converter.nets.built
    files = [tflite.converter.to_tflite(stage) for stage in (one, two, one)]
    assert tflite.converter.nets.built <= built + 1
    assert files[0] == files[2] != files[1]
    for stage, file in zip((one, two), files, strict=False):
        samples = tiny_samples(7)
        tflite.converter.check_agreement(
            tflite.converter.predict(stage, samples), interpreter.outputs(file, samples)
        )


def test_predictions_do_not_depend_on_how_many_are_asked_at_once():
    stage, samples = tiny_stage(), tiny_samples(tflite.converter.BATCH + 3)
    whole = tflite.converter.predict(stage, samples)
    few = {name: value[-2:] for name, value in samples.inputs.items()}
    assert whole.shape == (tflite.converter.BATCH + 3, 3)
    assert whole[-2:] == pytest.approx(
        tflite.converter.predict(stage, replace(samples, inputs=few, labels=samples.labels[-2:]))
    )


def test_zeros_of_a_net_are_zeros_of_its_file():
    stage = masked(tiny_stage(), 0.75)
    assert zeros_in_file(tflite.converter.to_tflite(stage), stage) == {
        "conv/0": 27,
        "hidden/0": 384,
        "head/0": 18,
    }


def test_batch_normalisation_is_folded_into_the_layer_before_it():
    """The file has a bias for the convolution, which has none in the net, and nothing of the four
    of the norm."""
    stage = training.fit.fit(tiny_stage(batch_norm=True), tiny_fit(learning_rate=0.01))
    file = tflite.converter.to_tflite(stage)
    weights = {
        (weight.layer, weight.role): weight for weight in tflite.weights.read_weights(file, stage)
    }
    shapes = {key: weight.values.size for key, weight in weights.items()}
    assert shapes == {
        ("conv", "kernel"): 36,
        ("conv", "bias"): 4,
        ("hidden", "kernel"): 512,
        ("hidden", "bias"): 8,
        ("head", "kernel"): 24,
        ("head", "bias"): 3,
    }


class Loose(Tiny):
    """A batch normalisation after an activation: the converter keeps its factor and offset."""

    def build(self, info):
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["image"], name="image")
        x = layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
        x = layers.BatchNormalization(name="norm")(x) if self.batch_norm else x
        x = layers.Conv2D(head.units, 3, padding="same", name="last")(
            layers.Activation("relu", name="relu")(x)
        )
        return nn.backend.keras.Model(inputs, layers.GlobalAveragePooling2D(name="average")(x))


def test_no_parameter_of_a_file_goes_uncounted():
    stage, other = (
        nn.graph.initial_stage(Loose(batch_norm=kept), INFO, seed=0) for kept in (True, False)
    )
    stage = stage.with_weights({key: value + 0.5 for key, value in stage.weights.items()})
    file = tflite.converter.to_tflite(stage)
    found = tflite.weights.read_weights(file, stage)
    assert sum(weight.values.size for weight in found if weight.layer == "norm") == 2 * 4
    # of a net without it no layer explains the two
    with pytest.raises(NotDeployable, match="belongs to no layer"):
        tflite.weights.read_weights(file, other)


def test_a_bias_of_zeros_is_counted_though_the_file_may_share_it():
    stage = tiny_stage()
    assert not any(value.any() for (_, position), value in stage.weights.items() if position)
    weights = tflite.weights.read_weights(tflite.converter.to_tflite(stage), stage)
    assert sum(weight.values.size for weight in weights if weight.role == "bias") == 4 + 8 + 3


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_nets_of_other_tasks_export(task):
    info = replace(INFO, task=task, classes=0)
    stage, samples = tiny_stage(info), tiny_samples(9, info=info)
    outputs = interpreter.outputs(tflite.converter.to_tflite(stage), samples)
    assert outputs.shape == (9, 1)
    tflite.converter.check_agreement(tflite.converter.predict(stage, samples), outputs)


def test_export_leaves_the_stage_as_it_is():
    stage = tiny_stage()
    before = digest(stage)
    tflite.converter.to_tflite(stage)
    assert digest(stage) == before
