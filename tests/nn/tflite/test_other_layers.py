"""Layers that nets of one's own have: every number of theirs is in the file, counted once, in
whatever format, and every strategy's way of training takes them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import sequence_nets
from sequence_nets import finished, keras_layers

from framework import nn
from framework.contracts import Export, Stage
from framework.errors import NotDeployable, SqueezelabError
from framework.nn import compression, tflite, training
from framework.nn.tflite import converter, interpreter


def pictures() -> Any:
    layers = keras_layers()
    inputs = layers.Input((6, 6, 3), name="image")
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="grown")(inputs)
    x = layers.PReLU(shared_axes=[1, 2], name="slopes")(x)
    x = layers.GroupNormalization(2, epsilon=1e-3, name="groups")(x)
    x = layers.Cropping2D(2, name="cut")(layers.UpSampling2D(2, name="doubled")(x))
    y = layers.Conv2D(4, 1, name="conv")(layers.ELU(0.5, name="elu")(x))
    most, least = layers.Maximum(name="most")([x, y]), layers.Minimum(name="least")([x, y])
    x = layers.MaxPooling2D(4, name="pool")(layers.Concatenate(name="both")([most, least]))
    return finished(inputs, layers.Flatten(name="flat")(x))


def slopes_behind_relu() -> Any:
    """Where nothing is below zero the converter has no one operation for a PReLU."""
    layers = keras_layers()
    inputs = layers.Input((4, 4, 2), name="image")
    x = layers.Conv2D(3, 1, activation="relu", name="conv")(inputs)
    x = layers.PReLU(shared_axes=[1, 2], name="slopes")(x)
    x = layers.PReLU(name="slopes_1")(layers.Dense(3, activation="relu", name="dense")(x))
    return finished(inputs, layers.Flatten(name="flat")(x))


def steps() -> Any:
    layers = keras_layers()
    inputs = layers.Input((5, 4), name="sequence")
    x = layers.Conv1DTranspose(6, 2, strides=2, name="grown")(inputs)
    x = layers.AdditiveAttention(name="mix")([x, x])
    x = layers.Cropping1D(1, name="cut")(layers.UpSampling1D(2, name="doubled")(x))
    x = layers.UnitNormalization(name="unit")(x)
    x = layers.Dot(axes=(1, 1), name="dot")([x, x])
    x = layers.PReLU(name="slopes")(layers.Dense(3, name="dense")(x))
    x = layers.RepeatVector(3, name="again")(layers.Flatten(name="flat")(x))
    return finished(inputs, layers.GlobalMaxPooling1D(name="largest")(x))


def volumes() -> Any:
    layers = keras_layers()
    inputs = layers.Input((4, 4, 4, 2), name="volume")
    x = layers.Cropping3D(1, name="cut")(layers.ZeroPadding3D(1, name="edge")(inputs))
    x = layers.UpSampling3D(2, name="doubled")(layers.Dense(3, name="dense")(x))
    both = [
        layers.GlobalAveragePooling3D(name="mean")(x),
        layers.GlobalMaxPooling3D(name="most")(x),
    ]
    return finished(inputs, layers.Concatenate(name="both")(both))


def recurrent() -> Any:
    layers = keras_layers()
    inputs = layers.Input((5, 4), name="sequence")
    x = layers.GRU(3, return_sequences=True, go_backwards=True, name="gated")(inputs)
    x = layers.GRU(4, name="gated_1")(layers.SimpleRNN(5, return_sequences=True, name="plain")(x))
    return finished(inputs, x)


# net -> multiply-accumulates in which a weight takes part. A transposed convolution multiplies each
# input by its whole kernel; a slope is one for each output; the first of the steps has no state.
MACS: dict[Callable[[], Any], int] = {
    pictures: 36 * (9 * 3 * 4) + 12 * 12 * 4 + 20 * 20 * (4 * 4) + 5 * 5 * 8 * 4,
    slopes_behind_relu: 16 * 2 * 3 + 16 * 3 + 16 * 3 * 3 + 16 * 3 + 48 * 4,
    steps: 5 * (2 * 4 * 6) + 6 * 6 * 3 + 6 * 3 + 18 * 4,
    volumes: 4**3 * 2 * 3 + 6 * 4,
    recurrent: 5 * 9 * 4 + 4 * 9 * 3 + 5 * 5 * 3 + 4 * 5 * 5 + 5 * 12 * 5 + 4 * 12 * 4 + 4 * 4,
}
# and how far a probability may be off, on average: in 8 bits much where a mean is put beside a
# maximum, which share one scale
FORMATS = {"float32": 1e-5, "int8": 0.1}


@dataclass(frozen=True)
class Filed:
    """A net and its file."""

    stage: Stage
    samples: Any
    file: bytes
    weights: tuple[Any, ...]


@cache
def filed(net: Callable[[], Any], form: Any) -> Filed:
    # whatever was built before: these are the same nets in any order of tests
    nn.backend.keras.utils.set_random_seed(0)
    model = net()
    stage = replace(sequence_nets.staged(model), export=Export(form))
    samples = sequence_nets.samples_for(model)
    file = converter.to_tflite(stage, samples)
    return Filed(stage, samples, file, tflite.weights.read_weights(file, stage))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("net", MACS)
def test_every_number_is_in_the_file_and_it_answers_like_the_net(net, form):
    one = filed(net, form)
    assert {weight.key for weight in one.weights} == {
        f"{layer}/{position}" for layer, position in one.stage.weights
    }
    assert sum(weight.values.size for weight in one.weights) == sum(
        value.size for value in one.stage.weights.values()
    )
    assert sum(weight.values.size * weight.uses for weight in one.weights) == MACS[net]
    answers = interpreter.outputs(one.file, one.samples)
    said = converter.predict(one.stage, one.samples)
    assert np.abs(answers - said).mean() < FORMATS[form]
    if form == "float32":
        converter.check_agreement(said, answers)
    if form == "int8":
        assert not any(weight.values.dtype == np.float32 for weight in one.weights)


@pytest.mark.parametrize("net", [pictures, pytest.param(recurrent, marks=pytest.mark.slow)])
def test_magnitude_pruning_8_bits_and_grids_take_their_kernels(net):
    stage, samples = filed(net, "float32").stage, filed(net, "float32").samples
    kernels = compression.pruning.kernels(stage)
    names = {
        "pictures": {"grown", "conv", "head"},
        "recurrent": {"gated", "plain", "gated_1", "head"},
    }
    assert {layer for layer, _ in kernels} == names[net.__name__]
    layers = tuple(sorted({layer for layer, _ in kernels}))
    grids = compression.learned_step.groups(stage, "per_channel")
    shares = {f"{when}/{layer}": 0.5 for layer in layers for when in ("initial", "final")}
    starts = compression.learned_step.starts(stage, grids, 3)
    wraps = {
        compression.pruning.MagnitudeWrap(layers): {"end_step": 1, "frequency": 1} | shares,
        compression.qat.QatWrap(): compression.qat.dynamic_of(
            compression.qat.ranges(stage, samples)
        ),
    }
    grid = compression.learned_step.GridWrap("per_channel", grids, 3)
    for wrap, dynamic in [*wraps.items(), (grid, grid.dynamic(starts))]:
        asked = {"epochs": 1, "seed": 0, "wrap": wrap, "dynamic": dynamic}
        trained = training.fit.fit(stage, sequence_nets.training_of(net(), **asked))
        for key in kernels:
            changed = not np.array_equal(trained.weights[key], stage.weights[key])
            assert changed, (wrap, key)
        if isinstance(wrap, compression.pruning.MagnitudeWrap):
            for key in kernels:
                assert (trained.weights[key] == 0).mean() >= 0.4, key


def test_volumes_are_convolved_in_float_and_refused_in_8_bits():
    layers = keras_layers()
    inputs = layers.Input((3, 3, 3, 2), name="volume")
    x = layers.Conv3D(4, 2, name="conv")(inputs)
    x = layers.Conv3DTranspose(3, 2, strides=2, name="grown")(x)
    model = finished(inputs, layers.GlobalAveragePooling3D(name="mean")(x))
    stage, samples = sequence_nets.staged(model), sequence_nets.samples_for(model)
    file = converter.to_tflite(stage)
    weights = {weight.name: weight for weight in tflite.weights.read_weights(file, stage)}
    assert sum(weight.values.size for weight in weights.values()) == model.count_params()
    assert weights["conv/kernel"].rows.shape == (4, 16)
    assert weights["grown/kernel"].rows.shape == (3, 32)
    assert weights["conv/kernel"].uses == weights["grown/kernel"].uses == 8
    converter.check_agreement(converter.predict(stage, samples), interpreter.outputs(file, samples))
    with pytest.raises(NotDeployable, match="no 8-bit operation") as refused:
        converter.to_tflite(replace(stage, export=Export("int8")), samples)
    assert 'format="float16"' in refused.value.todo
    assert converter.to_tflite(replace(stage, export=Export("float16")))


def test_a_recurrent_layer_that_would_be_a_loop_is_refused():
    layers = keras_layers()
    inputs = layers.Input((5, 4), name="sequence")
    masked = layers.GRU(3, name="gated")(layers.Masking(name="mask")(inputs))
    old = layers.GRU(3, reset_after=False, name="gated")(inputs)
    for x, why in ((masked, "a mask"), (old, "reset_after=False")):
        with pytest.raises(SqueezelabError, match="without a loop") as refused:
            nn.graph.to_graph(finished(inputs, x))
        assert why in refused.value.given
