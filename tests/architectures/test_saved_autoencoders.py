"""Saved nets that rebuild their input: their answer is the input again, in the data set's own
range and in a row, whatever they were trained on."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from nets_support import CATALOG

from framework import nn
from framework.contracts import DataInfo, Samples
from framework.errors import InvalidStudy
from framework.nn.tflite import converter

FRAMES = DataInfo(task="reconstruction", classes=0, inputs={"sequence": (12, 1)})
GREY = DataInfo(task="reconstruction", classes=0, inputs={"image": (8, 8, 1)})


def layer(name, *values, **options):
    return getattr(nn.backend.keras.layers, name)(*values, **options)


def saved(path, *layers):
    """A sequential net, and the same in a file."""
    net = nn.backend.keras.Sequential(list(layers))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # .h5 is called legacy
        net.save(path)
    return net


def answers(path, info, inputs, **knobs):
    """What the lab's net of a file answers to some inputs."""
    plugin = CATALOG.architectures.build("from_file", {"path": str(path)} | knobs)
    asked = replace(info, inputs=plugin.input_shapes(info))
    stage = nn.graph.initial_stage(plugin, asked, seed=0)
    return converter.predict(stage, Samples({asked.target: inputs}, np.zeros(len(inputs))))


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_rows_are_rebuilt_as_by_the_net_that_was_saved(shape, tmp_path):
    path = tmp_path / "net.h5"
    ends = layer("Flatten"), layer("Dense", 5, activation="relu"), layer("Dense", 12)
    net = saved(path, layer("Input", shape), *ends, layer("Reshape", shape))
    inputs = np.random.default_rng(0).normal(size=(6, 12, 1)).astype(np.float32)
    wanted = net(inputs.reshape(6, *shape)).numpy().reshape(6, 12)
    assert np.allclose(answers(path, FRAMES, inputs), wanted, atol=1e-5)


def outside(inner, factor, offset):
    """What a net answers in the range that it was trained on, in that of the data set."""
    return (inner - offset) / factor


@pytest.mark.parametrize(
    ("pixels", "factor", "offset"), [("unit", 1, 0), ("bytes", 255, 0), ("signed", 2, -1)]
)
def test_pictures_are_rebuilt_in_the_range_of_the_data_set(pixels, factor, offset, tmp_path):
    path = tmp_path / "net.keras"
    body = layer("Conv2D", 3, 3, padding="same", activation="relu"), layer("Conv2D", 1, 1)
    net = saved(path, layer("Input", (8, 8, 1)), *body)
    images = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype(np.float32)
    wanted = outside(net(images * factor + offset).numpy(), factor, offset).reshape(4, 64)
    assert np.allclose(answers(path, GREY, images, pixels=pixels), wanted, atol=1e-5)


@pytest.mark.parametrize("back", [False, True])
def test_a_net_that_scales_by_itself_rebuilds_what_it_has_scaled_or_its_input(back, tmp_path):
    path = tmp_path / "net.keras"
    body = [layer("Rescaling", 1 / 255), layer("Conv2D", 1, 3, padding="same")]
    body += [layer("Rescaling", 255.0)] if back else []
    net = saved(path, layer("Input", (8, 8, 1)), *body)
    images = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype(np.float32)
    wanted = net(images * 255).numpy().reshape(4, 64) / (255 if back else 1)
    assert np.allclose(answers(path, GREY, images, pixels="bytes"), wanted, atol=1e-5)


def test_a_net_of_another_task_is_refused(tmp_path):
    path = tmp_path / "net.keras"
    saved(path, layer("Input", (8, 8, 1)), layer("Flatten"), layer("Dense", 7))
    images = np.zeros((1, 8, 8, 1), np.float32)
    with pytest.raises(InvalidStudy, match=r"answers of the shape \(7,\)"):
        answers(path, GREY, images)
    saved(path, layer("Input", (12,)), layer("Dense", 12, activation="softmax"))
    with pytest.raises(InvalidStudy, match="probabilities"):
        answers(path, FRAMES, images)


def test_a_net_as_wide_as_its_input_is_told_of_the_task(tmp_path):
    path = tmp_path / "net.keras"
    saved(path, layer("Input", (12,)), layer("Dense", 4), layer("Dense", 12))
    rows = np.zeros((1, 12, 1), np.float32)
    with pytest.raises(InvalidStudy, match='rebuilds its input, set task="reconstruction"'):
        answers(path, replace(FRAMES, task="classes", classes=3), rows)
    assert answers(path, FRAMES, rows).shape == (1, 12)  # the way out
