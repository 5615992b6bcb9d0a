"""What every architecture promises.

The registry names them: a file dropped into its folder is covered.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from nets_support import CATALOG, default_net, digest, fixed

from framework import nn
from framework.contracts import DataInfo, Head, Stage
from framework.nn import tflite
from framework.nn.tflite import interpreter

NAMES = CATALOG.architectures.names()


@dataclass(frozen=True)
class Built:
    """One architecture with its defaults, on the data set that they suit."""

    plugin: Any
    stage: Stage
    file: bytes
    samples: Any
    info: DataInfo


@pytest.fixture(scope="module", params=NAMES)
def built(request, lab):
    spec = fixed(default_net(request.param, lab.root))
    stage, data = lab.initial(spec), lab.splits(spec).calibration
    few = replace(
        data,
        inputs={name: value[:20] for name, value in data.inputs.items()},
        labels=data.labels[:20],
    )
    return Built(
        lab.architecture(spec),
        with_biases(stage),
        tflite.converter.to_tflite(with_biases(stage)),
        few,
        lab.info(spec),
    )


def with_biases(stage):
    """Biases are zero at first: with other values it shows where each lies in the file."""
    random = np.random.default_rng(0)
    last = {
        key: max(position for name, position in stage.weights if name == key[0])
        for key in stage.weights
    }
    return stage.with_weights(
        {
            key: random.uniform(0.01, 0.1, value.shape).astype(np.float32)
            if key[1] == last[key] > 0
            else value
            for key, value in stage.weights.items()
        }
    )


def deployed_parameters(model):
    """Weights after folding: a batch normalisation goes into the layer before it, which then has a
    bias."""
    norms = [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    before = [layer.input._keras_history.layer for layer in norms]
    gained = [layer.output_shape[-1] for layer in before if not layer.use_bias]
    return model.count_params() - sum(layer.count_params() for layer in norms) + sum(gained)


def macs_of(layer):
    """By the textbook: kernels at each place of the output, those of an LSTM at each step of its
    input."""
    kernels = [weight for weight in layer.weights if "kernel" in weight.name]
    shape = layer.input_shape if type(layer).__name__ == "LSTM" else layer.output_shape
    return sum(int(np.prod(kernel.shape) * np.prod(shape[1:-1])) for kernel in kernels)


def products_of(layer):
    """Of attention: each query with each key, and the weight of each pair with a value."""
    if type(layer).__name__ != "Attention":
        return 0
    (*_, queries, width), (*_, values, value_width), *_ = layer.input_shape
    heads = int(np.prod(layer.input_shape[0][1:-2]))
    return heads * queries * values * (width + value_width)


def test_it_builds_the_same_graph_each_time(built):
    """Names that keras makes up count on from net to net: every layer needs its own."""
    again = [nn.graph.to_graph(built.plugin.build(built.info)) for _ in range(2)]
    assert again == [built.stage.graph] * 2


def test_its_answers_are_those_the_task_asks_for(built):
    outputs = tflite.converter.predict(built.stage, built.samples)
    head = Head.of(built.info)
    assert outputs.shape == (20, head.units)
    assert np.isfinite(outputs).all()
    if head.activation == "softmax":
        assert outputs.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_new_net_from_its_json_gives_the_same_answers(built):
    model = nn.graph.build(json.dumps(json.loads(built.stage.graph)))
    nn.graph.write_weights(model, built.stage.weights)
    assert nn.graph.to_graph(model) == built.stage.graph
    answers = model(dict(built.samples.inputs), training=False).numpy()
    assert answers == pytest.approx(tflite.converter.predict(built.stage, built.samples), abs=1e-5)


def test_the_seed_decides_its_weights_unless_they_come_with_it(built, lab):
    net = default_net(built.plugin.name, lab.root)
    one, again, other = (digest(lab.initial(fixed(net, seed=seed))) for seed in (0, 0, 1))
    assert one == again
    assert (one == other) == built.plugin.trained


def test_its_file_agrees_with_the_net(built):
    tflite.converter.check_agreement(
        tflite.converter.predict(built.stage, built.samples),
        interpreter.answers(built.file, built.samples),
    )


def test_every_weight_lies_in_the_file_under_its_own_name(built):
    """One factor for all of a weight's values is allowed: the converter folds a Rescaling into the
    layer before it."""
    model = nn.graph.build(built.stage.graph)
    kinds = {layer.name: type(layer).__name__ for layer in model.layers}
    folded = {
        layer.input._keras_history.layer.name
        for layer in model.layers
        if "BatchNorm" in kinds[layer.name]
    }
    left_out = folded | {name for name, kind in kinds.items() if kind == "BatchNormalization"}
    scales = {1.0, *(layer.scale for layer in model.layers if kinds[layer.name] == "Rescaling")}
    weights = tflite.weights.read_weights(built.file, built.stage)
    for (layer, position), value in built.stage.weights.items():
        if layer not in left_out:
            parts = [
                weight.values.ravel() for weight in weights if weight.key == f"{layer}/{position}"
            ]
            inside, expected = np.sort(np.concatenate(parts)), np.sort(value.ravel())
            assert np.array_equal(inside, expected) or any(
                inside == pytest.approx(expected * scale, abs=1e-6) for scale in scales - {1.0}
            ), (layer, position)


def test_the_file_has_as_many_parameters_as_the_net_after_folding(built):
    model = nn.graph.build(built.stage.graph)
    in_file = sum(
        weight.values.size for weight in tflite.weights.read_weights(built.file, built.stage)
    )
    assert in_file == deployed_parameters(model)


def test_its_operations_are_counted_as_by_the_textbook(built):
    model = nn.graph.build(built.stage.graph)
    counted = sum(
        w.values.size * w.uses for w in tflite.weights.read_weights(built.file, built.stage)
    )
    assert counted == sum(macs_of(layer) for layer in model.layers)
    assert tflite.weights.products(built.file) == sum(products_of(layer) for layer in model.layers)


def edge_values(item):
    if item.choices is not None:
        return [value for value in item.choices if value != item.default]
    return [value for value in (item.low,) if value is not None and value != item.default]


EDGES = [
    (name, knob, value)
    for name in NAMES
    for knob, item in CATALOG.architectures.get(name).knobs().items()
    for value in edge_values(item)
]


@pytest.mark.parametrize(("name", "knob", "value"), EDGES)
def test_it_builds_at_the_edge_of_each_knob(name, knob, value, lab):
    net = default_net(name, lab.root)
    spec = fixed(replace(net, knobs={**net.knobs, knob: value}))
    info = lab.info(spec)
    model = lab.architecture(spec).build(info)
    assert model.output_shape == (None, Head.of(info).units)
    nn.graph.to_graph(model)
