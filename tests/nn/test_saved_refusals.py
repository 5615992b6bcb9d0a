"""Refusals of saved nets that are met nowhere else: models and wires that keras does not write,
arrays that are not the layers', operators that are no layers; ways out are files that are read."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from saved_files import ARRAYS, call, layer, model, refused, tensor, write_keras

from framework.nn import saved
from framework.nn.saved import file as saved_file
from framework.nn.saved import models, rebuilt
from framework.nn.saved.file import Unusable

HEAD = layer("Dense", "y", "o", units=3)


@pytest.fixture
def write(tmp_path):
    return partial(write_keras, tmp_path / "net.keras")


def inner(name, *layers, output="d"):
    """A model of one input as a layer of another."""
    described = model(*layers, output=output)
    described |= {"module": "keras.src.models.functional", "registered_name": "Functional"}
    return described | {"name": name}


def operator(kind, *given, **keywords):
    described = {"module": "keras.src.ops.numpy", "class_name": kind, "registered_name": kind}
    return described | {"name": "o", "config": {"name": "o"}} | call(*given, **keywords)


def flat(name, *sources):
    return layer("Flatten", name, *sources)


TWO = {"layers/dense/vars/0": np.ones((4, 3)), "layers/dense/vars/1": np.zeros(3)}
MODELS = {
    "two layers of one name": (
        model(flat("y", "x"), layer("Dense", "y", "x", units=3)),
        "one name",
    ),
    "an empty sequence": (
        {"class_name": "Sequential", "config": {"layers": []}},
        "sequence without layers",
    ),
    "fed by nothing": (model(flat("y") | call([])), "depends on none of its inputs"),
    "a model with one input too many": (
        model(
            inner("m", flat("d", "x")) | call([tensor("x"), tensor("x")]),
            layer("Dense", "y", "m", units=3),
        ),
        "is given 2 inputs of 1",
    ),
    "the name that a layer in a model gets": (
        model(
            inner("m", flat("d", "x")) | call(tensor("x")),
            flat("m/d", "m"),
            flat("d", "m/d"),
            layer("Dense", "y", "d", units=3),
        ),
        "Two of its layers have one name",
    ),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_model_that_keras_does_not_write_is_refused(case, write):
    config, said = MODELS[case]
    refused(write(config), said, "Save the whole model again in keras: model.save('model.keras')")
    assert saved.load(write())


def test_a_model_of_too_many_layers_is_refused(write, monkeypatch):
    monkeypatch.setattr(models, "MOST_LAYERS", 1)
    refused(write(), "It has 2 layers; at most 1 are read.")
    monkeypatch.undo()
    assert saved.load(write(model(layer("Dense", "y", "x", units=3))))


def test_a_configuration_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(saved_file, "MOST_CONFIG_BYTES", 80)
    with pytest.raises(Unusable, match="configuration has more than 80 bytes"):
        saved_file._config(b"{}" + b" " * 90)
    assert saved_file._config(b"{}") == {}


def separable(kind, **config):
    config = {"kernel_size": [3], "use_bias": False} | config
    return model(layer(kind, "o", "x", **config), HEAD)


KERNEL = "layers/{}/vars/{}"
LAYERS = {
    "one array too many": (
        model(),
        ARRAYS | {KERNEL.format("dense", 2): np.ones(3)},
        "3 arrays of 2",
    ),
    "half of a separable convolution": (
        separable("SeparableConv2D", filters=2),
        {KERNEL.format("separable_conv2d", 0): np.ones((3, 3, 1, 1))},
        "has 1 arrays of 2",
    ),
    "kernels of pictures on steps": (
        separable("SeparableConv1D", filters=2),
        {KERNEL.format("separable_conv1d", n): np.ones((3, 3, 1, 1)) for n in (0, 1)},
        "kernels of another shape",
    ),
    "a kernel of pictures on steps": (
        separable("DepthwiseConv1D"),
        {KERNEL.format("depthwise_conv1d", 0): np.ones((3, 3, 1, 1))},
        "kernels of another shape",
    ),
    "a mean that is none": (
        model(layer("Normalization", "o", "x", mean=[], variance=[1.0]), HEAD),
        {},
        "has a mean that is none",
    ),
    "another axis": (
        model(layer("Normalization", "o", "x", axis=[1, 2], mean=0.0, variance=1.0), HEAD),
        {},
        "normalizes along axis [1, 2], or back",
    ),
    "a layer that is not known": (
        model(
            layer("TimeDistributed", "o", "x", layer=layer("GaussianNoise", "n", stddev=0.1)), HEAD
        ),
        {},
        "'o' is a TimeDistributed, which is not on the list",
    ),
}


@pytest.mark.parametrize("case", LAYERS)
def test_arrays_and_settings_that_are_not_the_layers_are_refused(case, write):
    config, arrays, said = LAYERS[case]
    refused(write(config, arrays if case == "one array too many" else ARRAYS | arrays), said)


def test_what_a_normalization_can_be_is_read(write):
    """The way out of another axis: along the last one."""
    config = model(layer("Normalization", "o", "x", axis=-1, mean=[1.0], variance=[4.0]), HEAD)
    layer_read = saved.load(write(config)).layers[1]
    assert layer_read.kind == "Rescaling"
    assert dict(layer_read.options) == {"scale": 0.5, "offset": -0.5}


OPERATORS = {
    "maximum of a number": ("of a layer and a constant", ("Maximum", tensor("x"), 2.0), {}),
    "relu of a number": ("is not of one layer", ("Relu", 2.0), {}),
    "another number of samples": ("not (-1, ...)", ("Reshape", tensor("x")), {"newshape": [2, 2]}),
    "samples elsewhere": ("not begin with 0", ("Transpose", tensor("x")), {"axes": [1, 0]}),
    "whole numbers": ("is to int32", ("Cast", tensor("x")), {"dtype": "int32"}),
}


@pytest.mark.parametrize("case", OPERATORS)
def test_an_operator_that_no_layer_is_is_refused(case, write):
    said, (kind, *given), keywords = OPERATORS[case]
    path = write(model(operator(kind, *given, **keywords), HEAD))
    refused(path, said, "new.set_weights(old.get_weights())")


def test_two_layers_that_are_written_out_under_one_name_are_refused():
    with pytest.raises(Unusable, match="Two of its layers have one name"):
        saved.net._safe_names(["conv/depthwise", "conv/depthwise"])


def test_what_a_layer_would_pass_on_is_bounded():
    class Dense:
        """As keras's, as far as it is looked at."""

        def __init__(self, side):
            self.name, self.input = "up", SimpleNamespace(shape=(None, side))
            self.output = SimpleNamespace(shape=(None, side, side, 1))

    with pytest.raises(Unusable, match=r"passes on \[1000000, 1000000, 1\] numbers"):
        rebuilt._check_output(Dense(10**6))
    rebuilt._check_output(Dense(10))
    with pytest.raises(Unusable, match="Weight 0 of layer 'y' is None in the file"):
        rebuilt._check_stored({("y", 0): (4, 3)}, {})
