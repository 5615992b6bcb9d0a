"""An 8-bit file in which a layer is dead on the calibration split, or the cells of an LSTM stay
small there."""

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from nets_support import tiny_samples, tiny_stage
from sequence_nets import NETS, samples_for, staged

from framework.contracts import Export
from framework.nn import tflite
from framework.nn.tflite import converter, dead_ranges

DEAD = ("hidden", 1)


def stage(bias):
    """A net whose hidden layer stands at `bias`, and whose head has one of its own."""
    plain = tiny_stage()
    weights = {
        **plain.weights,
        DEAD: np.full(8, bias, np.float32),
        ("head", 1): np.array([0.5, -1, 2], np.float32),
    }
    return replace(plain.with_weights(weights), export=Export("int8"))


def file_of(net):
    samples = tiny_samples()
    return converter.to_tflite(net, samples), samples


def test_a_dead_layer_leaves_a_file_that_loads_and_answers_by_its_biases():
    net = stage(-100.0)
    file, samples = file_of(net)
    # with the runtime's own choice of kernels
    interpreter = Interpreter(model_content=file, num_threads=1)
    interpreter.allocate_tensors()
    assert np.allclose(
        tflite.interpreter.outputs(file, samples), converter.predict(net, samples), atol=0.02
    )


def test_a_file_without_dead_layers_stays_as_it_is():
    file, _ = file_of(stage(0.1))
    assert dead_ranges.widened(file) == file


def test_widened_once_is_enough():
    file, _ = file_of(stage(-100.0))
    assert dead_ranges.widened(file) == file


def test_a_float_file_stays_as_it_is():
    file = converter.to_tflite(replace(stage(-100.0), export=Export()))
    assert dead_ranges.widened(file) == file


@pytest.mark.parametrize("largest", [0.06, 0.12, 0.25, 0.5, 1.0])
def test_an_lstm_answers_like_its_net_however_small_its_cells_are(largest):
    """The head is as much larger as the cells are smaller."""
    random, model = np.random.default_rng(0), NETS["recurrent"].build()
    net, samples = staged(model), samples_for(model)
    reach = {"first": largest, "second": largest, "head": 1 / largest}
    weights = {
        (layer, position): random.uniform(-1, 1, value.shape).astype(np.float32)
        * np.float32(reach.get(layer, 1.0))
        for (layer, position), value in net.weights.items()
    }
    small = replace(net.with_weights(weights), export=Export("int8"))
    file = converter.to_tflite(small, samples)
    assert (
        np.abs(tflite.interpreter.outputs(file, samples) - converter.predict(small, samples)).max()
        < 0.03
    )
    assert dead_ranges.widened(file) == file
