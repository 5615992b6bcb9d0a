"""The nets of the introductory texts: each preset is built, counted, trained a few steps, exported
and compared."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from nets_support import CATALOG

from framework import Train, nn
from framework.contracts import DataInfo, Samples
from framework.nn import training
from framework.nn.tflite import converter, interpreter

GREY = DataInfo(task="classes", classes=10, inputs={"image": (28, 28, 1)})
COLOUR = DataInfo(task="classes", classes=10, inputs={"image": (64, 64, 3)})
SERIES = DataInfo(task="regression", classes=0, inputs={"sequence": (30, 1)})
TEXT = DataInfo(task="classes", classes=10, inputs={"text": (64,)}, tokens={"text": 100})
ASKED = DataInfo(
    task="binary",
    classes=2,
    inputs={"image": (28, 28, 3), "question": (16,)},
    tokens={"question": 100},
)
VOICE = DataInfo(task="binary", classes=2, inputs={"image": (28, 28, 3), "audio": (49, 32, 1)})
FRAMES = DataInfo(task="reconstruction", classes=2, inputs={"sequence": (640,)})
FEW = 4  # samples
# attention, dense layers, two norms
BLOCK = 4 * (512 * 512 + 512) + 512 * 2048 + 2048 + 2048 * 512 + 512 + 4 * 512
# four convolutions on 224x224x3, dense layer
SIGHT = 448 + 4_640 + 18_496 + 73_856 + (14 * 14 * 128 + 1) * 64

PRESETS = [  # architecture, preset, data set, parameters
    ("autoencoder", "mlperf_tiny", FRAMES, 269_992),
    ("cnn", "tutorial", COLOUR, 1_969_738),
    ("lenet5", "tutorial", GREY, 184_586),
    # convolution, weighing, convolution, weighing, hidden layer, head
    ("squeezenet_se", "tutorial", GREY, 320 + 162 + 18_496 + 580 + 204_928 + 1_290),
    ("lstm", "tutorial", SERIES, 4 * 50 * (1 + 50 + 1) + 50 + 1),
    ("transformer", "tutorial", TEXT, (100 + 64) * 512 + 2 * BLOCK + 2 * 512 + 512 * 10 + 10),
    # question: embedding, LSTM, dense layer; voice: LSTM, dense layer; then where both meet, and
    # the head
    (
        "image_text",
        "tutorial",
        ASKED,
        SIGHT + 100 * 32 + 4 * 64 * (32 + 64 + 1) + 65 * 64 + (64 + 64 + 1) * 64 + 65,
    ),
    (
        "image_audio",
        "tutorial",
        VOICE,
        SIGHT + 4 * 50 * (32 + 50 + 1) + 51 * 50 + (64 + 50 + 1) * 64 + 65,
    ),
]


@dataclass(frozen=True)
class Net:
    """A preset before training, on made-up samples of its shapes."""

    stage: object
    info: DataInfo
    samples: Samples
    parameters: int


@pytest.fixture(scope="module", params=PRESETS, ids=lambda row: "-".join(row[:2]))
def net(request):
    name, preset, info, parameters = request.param
    cls = CATALOG.architectures.get(name)
    plugin = CATALOG.architectures.build(name, cls.with_preset({"preset": preset}))
    info = replace(info, inputs=plugin.input_shapes(info))
    return Net(nn.graph.initial_stage(plugin, info, seed=0), info, made_up(info), parameters)


def made_up(info):
    """Random inputs: numbers in 0 to 1, and tokens other than the one that fills up."""
    random = np.random.default_rng(0)
    inputs = {
        name: random.integers(1, info.tokens[name], (FEW, *shape)).astype(np.int32)
        if name in info.tokens
        else random.uniform(0, 1, (FEW, *shape)).astype(np.float32)
        for name, shape in info.inputs.items()
    }
    kind = np.int64 if info.task == "classes" else np.float32
    return Samples(inputs, (np.arange(FEW) % 2).astype(kind))


def test_the_table_has_every_preset_there_is():
    known = {
        (name, preset)
        for name in CATALOG.architectures.names()
        for preset in CATALOG.architectures.get(name).presets
    }
    assert {row[:2] for row in PRESETS} == known


def test_it_has_the_parameters_of_the_text(net):
    assert sum(value.size for value in net.stage.weights.values()) == net.parameters


def test_it_trains_and_its_file_agrees_with_it(net):
    fit = training.fit.Fit(
        info=net.info,
        samples=net.samples,
        validation=net.samples,
        train=Train(batch_size=2, learning_rate=1e-4),
        epochs=1,
        warmup_epochs=0,
        seed=0,
    )
    trained = training.fit.fit(net.stage, fit)
    moved = [
        key
        for key, value in trained.weights.items()
        if not np.array_equal(value, net.stage.weights[key])
    ]
    assert len(moved) > len(trained.weights) / 2
    # `predict` would run a whole batch, which is much for large pictures
    model = nn.graph.build(trained.graph)
    nn.graph.write_weights(model, trained.weights)
    answers = model(dict(net.samples.inputs), training=False).numpy()
    converter.check_agreement(
        answers, interpreter.outputs(converter.to_tflite(trained), net.samples)
    )
