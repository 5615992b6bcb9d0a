"""Parameter and operation counts that the literature states, and shapes worked out by hand."""

from dataclasses import replace

import pytest
from nets_support import CATALOG, exported, fixed

from framework import nn
from framework.contracts import DataInfo
from framework.errors import InvalidStudy
from framework.nn import tflite
from framework.nn.tflite import converter
from framework.study import Use

IMAGENET = DataInfo(task="classes", classes=1000, inputs={"image": (224, 224, 3)})
GREY = DataInfo(task="classes", classes=10, inputs={"image": (28, 28, 1)})
COLOUR = DataInfo(task="classes", classes=10, inputs={"image": (32, 32, 3)})
FRAMES = DataInfo(task="reconstruction", classes=0, inputs={"sequence": (640, 1)})
WORDS = DataInfo(task="classes", classes=12, inputs={"audio": (49, 10, 1)})


def built(name, info=GREY, **knobs):
    kind = CATALOG.architectures.get(name)
    plugin = CATALOG.architectures.build(name, kind.with_preset(knobs))
    return plugin.build(replace(info, inputs=plugin.input_shapes(info)))


def in_file(name, info):
    """Parameters of the exported file, where batch normalisation is folded into convolutions."""
    plugin = CATALOG.architectures.build(name, {})
    stage = nn.graph.initial_stage(plugin, replace(info, inputs=plugin.input_shapes(info)), seed=0)
    return sum(
        weight.values.size
        for weight in tflite.weights.read_weights(converter.to_tflite(stage), stage)
    )


@pytest.mark.parametrize(
    ("name", "knobs", "info", "parameters"),
    [
        ("lenet_300_100", {}, GREY, 266_610),
        ("lenet5", {}, GREY, 431_080),
        ("mlp", {"units": 512}, GREY, 784 * 512 + 512 + 512 * 513 + 512 * 10 + 10),
        ("squeezenet", {"version": "1.0"}, IMAGENET, 1_248_424),
        ("squeezenet", {"version": "1.1"}, IMAGENET, 1_235_496),
        ("resnet8", {}, COLOUR, 78_666),
        ("ds_cnn", {}, WORDS, 24_908),
        ("autoencoder", {"preset": "mlperf_tiny"}, FRAMES, 269_992),
    ],
)
def test_parameters_are_those_of_the_literature(name, knobs, info, parameters):
    assert built(name, info, **knobs).count_params() == parameters


@pytest.mark.parametrize(
    ("name", "info", "parameters"), [("resnet8", COLOUR, 77_706), ("ds_cnn", WORDS, 22_604)]
)
def test_the_file_has_fewer_because_batch_normalisation_is_folded(name, info, parameters):
    assert in_file(name, info) == parameters


def fires(model):
    return [layer for layer in model.layers if type(layer).__name__ == "Concatenate"]


@pytest.mark.parametrize("version", ["1.0", "1.1", "small"])
def test_squeezenet_has_all_eight_fire_modules(version):
    info = GREY if version == "small" else IMAGENET
    model = built("squeezenet", info, version=version)
    assert [layer.output_shape[-1] for layer in fires(model)] == [
        128,
        128,
        256,
        256,
        384,
        384,
        512,
        512,
    ]
    thin = [model.get_layer(f"fire{module}_squeeze").filters for module in range(2, 10)]
    assert thin == [16, 16, 32, 32, 48, 48, 64, 64]
    assert not any(
        type(layer).__name__ in ("Dense", "BatchNormalization") for layer in model.layers
    )


def test_pooling_rounds_up_as_in_the_authors_files():
    model = built("squeezenet", IMAGENET, version="1.0")
    sides = {
        name: model.get_layer(name).output_shape[1]
        for name in ("conv1", "pool1", "pool4", "pool8", "conv10")
    }
    assert sides == {"conv1": 109, "pool1": 54, "pool4": 27, "pool8": 13, "conv10": 13}


def test_the_knobs_of_squeezenet_say_how_wide_it_is():
    model = built("squeezenet", width=0.5, squeeze=0.25, share_3x3=0.75)
    layers = [model.get_layer(f"fire9_{part}") for part in ("squeeze", "expand1x1", "expand3x3")]
    assert [layer.filters for layer in layers] == [64, 64, 192]


def test_bypasses_are_those_of_the_paper():
    def sums(bypass):
        model = built("squeezenet", bypass=bypass)
        names = [layer.name for layer in model.layers]
        return (
            [int(name[4]) for name in names if name.endswith("_sum")],
            [int(name[4]) for name in names if name.endswith("_bypass")],
        )

    assert sums("none") == ([], [])
    assert sums("simple") == ([3, 5, 7, 9], [])
    assert sums("complex") == ([2, 3, 4, 5, 6, 7, 8, 9], [2, 4, 6, 8])


@pytest.mark.parametrize(
    "name", [name for name in CATALOG.architectures.names() if name != "from_file"]
)
def test_dropout_is_a_knob_and_off_by_default(name):
    info = CATALOG.datasets.build(CATALOG.architectures.get(name).made_for, {}).info
    plain, dropped = (built(name, info, **knobs) for knobs in ({}, {"dropout": 0.4}))
    assert not any(type(layer).__name__ == "Dropout" for layer in plain.layers)
    assert {layer.rate for layer in dropped.layers if type(layer).__name__ == "Dropout"} == {0.4}


def test_the_dense_net_reads_numbers_in_any_shape_and_no_text():
    table = DataInfo(task="regression", classes=0, inputs={"sequence": (5, 1)})
    net = built("mlp", table, units=4, layers=3)
    assert [layer.name for layer in net.layers[2:]] == ["hidden_1", "hidden_2", "hidden_3", "head"]
    assert net.count_params() == (5 * 4 + 4) + 2 * (4 * 4 + 4) + 4 + 1
    text = DataInfo(task="classes", classes=2, inputs={"text": (9,)}, tokens={"text": 50})
    with pytest.raises(InvalidStudy, match=r"one input of numbers.*\n.*text: text.*\n.*lstm"):
        built("mlp", text)
    for name in ("lstm", "transformer"):  # the way out
        assert CATALOG.architectures.build(name, {}).input_shapes(text) == text.inputs
    two = replace(table, inputs={"image": (8, 8, 1), "sequence": (5, 1)})
    with pytest.raises(InvalidStudy, match="one input of numbers"):
        built("mlp", two)


def test_squeeze_and_excitation_stands_behind_each_block_and_can_be_left_out():
    def kinds(**knobs):
        return [type(layer).__name__ for layer in built("squeezenet_se", **knobs).layers]

    order = [
        kind
        for kind in kinds()
        if kind in ("Conv2D", "Concatenate", "Multiply", "MaxPooling2D", "Dense")
    ]
    weighed = ["Dense", "Dense", "Multiply", "MaxPooling2D"]
    fire = ["Conv2D", "Conv2D", "Conv2D", "Concatenate", *weighed]
    assert order == ["Conv2D", *weighed, *fire, *fire, "Dense", "Dense"]
    assert kinds(se=False).count("Multiply") == 0
    assert kinds(se=False).count("Dense") == 2


def test_the_weighing_of_channels_has_the_units_that_the_reduction_says():
    model = built("squeezenet_se", blocks=1, filters=64, reduction=8)
    assert [model.get_layer(f"se_1_{part}").units for part in ("reduce", "weights")] == [8, 64]


@pytest.mark.parametrize("name", ["cnn", "squeezenet_se"])
def test_a_picture_too_small_for_its_blocks_is_refused_before_anything_is_built(name):
    with pytest.raises(InvalidStudy, match="5 blocks on 28x28"):
        built(name, blocks=5, padding="valid")
    assert built(name, blocks=5, padding="valid", side=94).layers


def test_batch_normalisation_of_the_cnn_stands_between_convolution_and_activation():
    kinds = [type(layer).__name__ for layer in built("cnn", blocks=2, batch_norm=True).layers[1:9]]
    assert kinds == ["Conv2D", "BatchNormalization", "Activation", "MaxPooling2D"] * 2


def test_resnet_grows_by_stacks_and_blocks():
    model = built("resnet8", COLOUR, stacks=2, blocks=3)
    sums = {
        layer.name: layer.output_shape[1:]
        for layer in model.layers
        if type(layer).__name__ == "Add"
    }
    assert list(sums.values()) == [(32, 32, 16)] * 3 + [(16, 16, 32)] * 3


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("lenet_300_100", 784 * 300 + 300 * 100 + 100 * 10),
        ("lenet5", 24 * 24 * 5 * 5 * 20 + 8 * 8 * 5 * 5 * 20 * 50 + 800 * 500 + 500 * 10),
    ],
)
def test_operations_of_the_file_are_those_worked_out_by_hand(name, macs, lab):
    assert macs in (266_200, 2_293_000)
    stage = lab.initial(fixed(Use(name)))
    weights = tflite.weights.read_weights(converter.to_tflite(stage), stage)
    counted = CATALOG.metrics.build("macs_dense", {}).measure(exported(weights=weights))
    assert counted == macs
