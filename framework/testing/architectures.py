"""What every architecture promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from framework import nn
from framework.contracts import Architecture, Catalog, DataInfo, Head, Samples, Stage
from framework.nn import tflite
from framework.nn.tflite import interpreter
from framework.testing.cases import Case, Names, cases, pytest_generate_tests
from framework.testing.labs import default_net, digest, fixed, lab

if TYPE_CHECKING:
    from framework.runner.baseline import Lab

__all__ = ["TestArchitecture", "built", "lab", "pytest_generate_tests"]

SAMPLES = 20


@dataclass(frozen=True)
class Built:
    """One architecture with its defaults, on the data set that they suit."""

    plugin: Architecture
    stage: Stage
    file: bytes
    samples: Samples
    info: DataInfo


@dataclass(frozen=True)
class Edge:
    """A knob at the end of its range."""

    name: str
    knob: str
    value: Any


@cases("built", fixture=True)
def architectures(catalog: Catalog, names: Names) -> Iterator[Case]:
    """The names of all."""
    for name in names["architecture"]:
        yield name, name


@cases("edge")
def edges(catalog: Catalog, names: Names) -> Iterator[Case]:
    """Each choice that is no default, and the lowest value of each range."""
    for name in names["architecture"]:
        for knob, item in catalog.architectures.get(name).knobs().items():
            for value in item.choices or (item.low,):
                if value not in (None, item.default):
                    yield f"{name}-{knob}-{value}", Edge(name, knob, value)


@pytest.fixture(scope="module")
def built(request: pytest.FixtureRequest, lab: Lab) -> Built:
    """A net, and its file."""
    spec = fixed(lab.catalog, default_net(request.param, lab.root))
    stage = with_biases(lab.initial(spec))
    few = lab.splits(spec).calibration.first(SAMPLES)
    file = tflite.converter.to_tflite(stage)
    return Built(lab.architecture(spec), stage, file, few, lab.info(spec))


def with_biases(stage: Stage) -> Stage:
    """Biases are zero at first: with other values it shows where each lies in the file."""
    random = np.random.default_rng(0)
    last: dict[str, int] = {}
    for layer, position in stage.weights:
        last[layer] = max(position, last.get(layer, 0))
    weights = dict(stage.weights)
    for key, value in stage.weights.items():
        if key.position == last[key.layer] > 0:
            weights[key] = np.asarray(random.uniform(0.01, 0.1, value.shape), np.float32)
    return stage.with_weights(weights)


def kind_of(layer: Any) -> str:
    """Its class."""
    return type(layer).__name__


def before(layer: Any) -> Any:
    """The layer whose output it is given."""
    return layer.input._keras_history.layer


def deployed_parameters(model: Any) -> int:
    """Weights after folding: a batch normalisation goes into the layer before it.

    That has a bias then.
    """
    count = int(model.count_params())
    for layer in model.layers:
        if kind_of(layer) == "BatchNormalization":
            count -= layer.count_params()
            if not before(layer).use_bias:
                count += layer.output_shape[-1]
    return count


def macs_of(layer: Any) -> int:
    """By the textbook: kernels at each place of the output; of an LSTM, at each step it reads."""
    shape = layer.input_shape if kind_of(layer) == "LSTM" else layer.output_shape
    kernels = [weight for weight in layer.weights if "kernel" in weight.name]
    return sum(int(np.prod(kernel.shape) * np.prod(shape[1:-1])) for kernel in kernels)


def products_of(layer: Any) -> int:
    """Of attention: each query with each key, and the weight of each pair with a value."""
    if kind_of(layer) != "Attention":
        return 0
    (*_, queries, width), (*_, values, value_width), *_ = layer.input_shape
    heads = int(np.prod(layer.input_shape[0][1:-2]))
    return int(heads * queries * values * (width + value_width))


class TestArchitecture:
    """What every architecture promises."""

    def test_it_builds_the_same_graph_each_time(self, built: Built) -> None:
        """Names that keras makes up count on from net to net: every layer needs its own."""
        again = [nn.graph.to_graph(built.plugin.build(built.info)) for _ in range(2)]
        assert again == [built.stage.graph] * 2

    def test_its_answers_are_those_the_task_asks_for(self, built: Built) -> None:
        outputs = tflite.converter.predict(built.stage, built.samples)
        head = Head.of(built.info)
        assert outputs.shape == (SAMPLES, head.units)
        assert np.isfinite(outputs).all()
        if head.activation == "softmax":
            assert outputs.sum(axis=1) == pytest.approx(1, abs=1e-5)

    def test_a_new_net_from_its_json_gives_the_same_answers(self, built: Built) -> None:
        model = nn.graph.build(json.dumps(json.loads(built.stage.graph)))
        nn.graph.write_weights(model, built.stage.weights)
        assert nn.graph.to_graph(model) == built.stage.graph
        outputs = model(dict(built.samples.inputs), training=False).numpy()
        expected = tflite.converter.predict(built.stage, built.samples)
        assert outputs == pytest.approx(expected, abs=1e-5)

    def test_the_seed_decides_its_weights_unless_they_come_with_it(
        self, built: Built, lab: Lab
    ) -> None:
        net = default_net(built.plugin.name, lab.root)
        first = digest(lab.initial(fixed(lab.catalog, net, seed=0)))
        assert first == digest(lab.initial(fixed(lab.catalog, net, seed=0)))
        other = digest(lab.initial(fixed(lab.catalog, net, seed=1)))
        assert (first == other) == built.plugin.trained

    def test_its_file_agrees_with_the_net(self, built: Built) -> None:
        tflite.converter.check_agreement(
            tflite.converter.predict(built.stage, built.samples),
            interpreter.outputs(built.file, built.samples),
        )

    def test_every_weight_lies_in_the_file_under_its_own_name(self, built: Built) -> None:
        """One factor for all of its values is allowed.

        The converter folds a Rescaling into the layer before it.
        """
        model = nn.graph.build(built.stage.graph)
        scales, folded = [], set()
        for layer in model.layers:
            if kind_of(layer) == "Rescaling":
                scales.append(layer.scale)
            if kind_of(layer) == "BatchNormalization":
                folded |= {layer.name, before(layer).name}
        # a weight may lie in several tensors, as the gates of an LSTM do
        parts: dict[str, list[Any]] = {}
        for weight in tflite.weights.read_weights(built.file, built.stage):
            parts.setdefault(weight.key, []).append(weight.values.ravel())
        for key, value in built.stage.weights.items():
            if key.layer not in folded:
                in_file = np.sort(np.concatenate(parts[str(key)]))
                expected = np.sort(value.ravel())
                assert np.array_equal(in_file, expected) or any(
                    in_file == pytest.approx(expected * scale, abs=1e-6) for scale in scales
                ), key

    def test_the_file_has_as_many_parameters_as_the_net_after_folding(self, built: Built) -> None:
        model = nn.graph.build(built.stage.graph)
        weights = tflite.weights.read_weights(built.file, built.stage)
        assert sum(weight.values.size for weight in weights) == deployed_parameters(model)

    def test_its_operations_are_counted_as_by_the_textbook(self, built: Built) -> None:
        model = nn.graph.build(built.stage.graph)
        weights = tflite.weights.read_weights(built.file, built.stage)
        counted = sum(weight.values.size * weight.uses for weight in weights)
        assert counted == sum(map(macs_of, model.layers))
        assert tflite.weights.products(built.file) == sum(map(products_of, model.layers))

    def test_it_builds_at_the_edge_of_each_knob(self, edge: Edge, lab: Lab) -> None:
        net = default_net(edge.name, lab.root)
        spec = fixed(lab.catalog, replace(net, knobs={**net.knobs, edge.knob: edge.value}))
        info = lab.info(spec)
        model = lab.architecture(spec).build(info)
        assert model.output_shape == (None, Head.of(info).units)
        nn.graph.to_graph(model)
