"""Block pruning: whole blocks of dense kernels go, the file holds what is left, and every net
answers as before."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from nets_support import CATALOG, SMALL, default_net, digest, fixed, job_for, zeros_in_file

from framework import nn
from framework.contracts import Export, Samples, Stage
from framework.errors import TrialError
from framework.nn import compression, tflite, training
from framework.nn.tflite import converter
from framework.runner.measurement import measure
from framework.runner.stage_checks import check_keeps
from framework.runner.trial import compress
from framework.study import use

# it has no dense layer
NETS = [name for name in CATALOG.architectures.names() if name != "squeezenet"]
FEW = 8
CLOSE = 1e-4
LARGEST_CHANGE = 0.1  # of an output by 8-bit numbers, on average


class Untimed:
    """All that the strategy uses of a job where nothing is trained."""

    fit_seconds = 0.0


def pruned(lab, *steps, net="lenet_300_100", **train):
    spec = fixed(
        SMALL[net],
        *(step if not isinstance(step, dict) else use("block_prune", **step) for step in steps),
        **train,
    )
    return compress(spec, lab, job_for(spec, lab)), lab.baseline(spec).stage


def dense_kernels(stage):
    return compression.pruning.kernels(stage, frozenset({"Dense"}))


def share(stage):
    kernels = dense_kernels(stage)
    return sum(int((stage.weights[key] == 0).sum()) for key in kernels) / sum(
        map(math.prod, kernels.values())
    )


def cut(values, rows=4):
    """(blocks, outputs) whether a block has anything but zeros; None where it has some of both."""
    parts = [values[begin : begin + rows] != 0 for begin in range(0, len(values), rows)]
    assert all((part.any(axis=0) == part.all(axis=0)).all() for part in parts)
    return np.stack([part.any(axis=0) for part in parts])


def sparse_tensors(file):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(file, 0))
    return sum(tensor.sparsity is not None for tensor in model.subgraphs[0].tensors)


@pytest.mark.parametrize("rows", [4, 8, 16])
@pytest.mark.parametrize("layers", ["uniform", "erk"])
def test_at_once_the_blocks_of_least_magnitude_go_whole(layers, rows, lab):
    stage, dense = pruned(lab, {"sparsity": 0.7, "layers": layers, "block_rows": rows, "epochs": 0})
    # blocks of 16 inputs of 12 and 24 are not many
    assert share(stage) == pytest.approx(0.7, abs=0.03)
    for key in dense_kernels(stage):
        left = cut(stage.weights[key], rows)
        scores = compression.masks.block_scores(dense.weights[key], rows)
        if not left.all():
            assert scores[~left].max() <= scores[left].min()
        there = stage.weights[key] != 0
        assert np.array_equal(stage.weights[key][there], dense.weights[key][there])
    assert stage.export == Export(sparse=True)


def test_layers_other_than_dense_ones_are_left_alone(lab):
    stage, dense = pruned(lab, {"sparsity": 0.9, "epochs": 0}, net="lenet5")
    changed = {
        key for key, value in stage.weights.items() if not np.array_equal(value, dense.weights[key])
    }
    assert changed
    assert changed <= set(dense_kernels(stage))
    assert {name.rpartition("/")[0] for name in stage.steps[-1].asked} == {"hidden", "head"}


@pytest.mark.parametrize("sparsity", [0.3, 0.9, 0.99])
# 20 steps, and one: the shortest ramp
@pytest.mark.parametrize("train", [{"batch_size": 60}, {"batch_size": 700}])
def test_trained_it_reaches_what_was_asked_in_the_file(sparsity, train, lab):
    stage, _ = pruned(lab, {"sparsity": sparsity, "layers": "uniform", "epochs": 1}, **train)
    found, asked = zeros_in_file(converter.to_tflite(stage), stage), stage.steps[-1].asked
    assert set(asked) == set(found)
    assert all(abs(found[name] - count) <= 1 for name, count in asked.items())
    for key, shape in dense_kernels(stage).items():
        left = cut(stage.weights[key])
        assert left.sum() == max(1, round(math.ceil(shape[0] / 4) * shape[1] * (1 - sparsity)))


def test_nothing_asked_is_nothing_zeroed(lab):
    stage, _ = pruned(lab, {"sparsity": 0.0, "epochs": 1})
    assert share(stage) == 0


@pytest.mark.parametrize("epochs", [0, 1])
@pytest.mark.parametrize("first", ["block_prune", "magnitude_prune"])
def test_zeros_of_earlier_steps_stay(first, epochs, lab):
    before = use(first, sparsity=0.5, layers="uniform", epochs=0)
    half, _ = pruned(lab, before)
    more, _ = pruned(lab, before, {"sparsity": 0.8, "layers": "uniform", "epochs": epochs})
    for key in dense_kernels(half):
        zeros = half.weights[key] == 0
        assert (more.weights[key][zeros] == 0).all()
        assert (more.weights[key] == 0).sum() > zeros.sum()
    if first == "block_prune":
        assert share(more) == pytest.approx(0.8, abs=0.01)
    found = zeros_in_file(converter.to_tflite(more), more)
    assert all(found[name] == count for name, count in more.steps[-1].asked.items())
    check_keeps(more)


@pytest.mark.parametrize("epochs", [0, 1])
def test_asking_less_than_there_is_brings_no_weight_back(epochs, lab):
    first = {"sparsity": 0.8, "layers": "uniform", "epochs": 0}
    sparse, _ = pruned(lab, first)
    still, _ = pruned(lab, first, {"sparsity": 0.5, "layers": "uniform", "epochs": epochs})
    for key in dense_kernels(sparse):
        assert np.array_equal(still.weights[key] == 0, sparse.weights[key] == 0)


def test_one_trace_serves_a_study(lab):
    training.fit.nets.clear()
    lab.baseline(fixed(SMALL["lenet_300_100"]))
    before = training.fit.Trained.traces
    results = {
        digest(
            pruned(
                lab, {"sparsity": sparsity, "layers": layers, "epochs": epochs, "block_rows": rows}
            )[0]
        )
        for sparsity, layers, epochs, rows in [
            (0.5, "erk", 1, 4),
            (0.9, "uniform", 2, 8),
            (0.7, "erk", 1, 4),
        ]
    }
    assert training.fit.Trained.traces - before == 1
    assert len(results) == 3


def test_the_file_is_smaller_and_every_line_of_the_ledger_counts_the_whole_kernels(lab):
    spec = fixed(use("lenet_300_100"), use("block_prune", sparsity=0.9, epochs=0))
    stage = compress(spec, lab, job_for(spec, lab))
    file, whole = (
        measure(replace(stage, export=export), spec, lab) for export in (stage.export, Export())
    )
    differ = {name for name, value in whole.metrics.items() if file.metrics[name] != value}
    assert differ == {"size_tflite_bytes", "size_tflite_compressed_bytes"}
    assert file.metrics["size_tflite_bytes"] < 0.15 * whole.metrics["size_tflite_bytes"]
    assert file.metrics["params_total"] == sum(value.size for value in stage.weights.values())


def test_a_net_without_dense_layers_is_refused():
    layers = nn.backend.keras.layers
    given = layers.Input((6, 6, 1), name="image")
    x = layers.GlobalAveragePooling2D(name="mean")(layers.Conv2D(3, 3, name="conv")(given))
    model = nn.backend.keras.Model(given, layers.Activation("softmax", name="answer")(x))
    stage = Stage(nn.graph.to_graph(model), {}).with_weights(nn.graph.read_weights(model))
    with pytest.raises(TrialError, match="has none"):
        CATALOG.strategies.build("block_prune", {"epochs": 0}).apply(stage, Untimed())


def compressed(net, lab, *more):
    """(stage, file, its answers by the project's reader, those of an interpreter as anybody opens
    it, the net's)."""
    spec = fixed(default_net(net, lab.root))
    stage, splits = lab.initial(spec), lab.splits(spec)
    for name, knobs in (
        {"block_prune": {"sparsity": 0.9, "layers": "uniform", "epochs": 0}} | dict(more)
    ).items():
        stage = CATALOG.strategies.build(name, knobs).apply(stage, Untimed())
    samples = Samples(
        {name: value[:FEW] for name, value in splits.validation.inputs.items()}, np.zeros(FEW, int)
    )
    file = converter.to_tflite(stage, splits.calibration)
    own, plain = tflite.interpreter.outputs(file, samples), plain_answers(file, samples)
    return stage, file, own, plain, converter.predict(stage, samples)


def plain_answers(file, samples):
    answers = []
    for position in range(len(samples)):
        interpreter = Interpreter(model_content=file)
        interpreter.allocate_tensors()
        for detail in interpreter.get_input_details():
            name = detail["name"].removeprefix("serving_default_").split(":")[0]
            interpreter.set_tensor(detail["index"], samples.inputs[name][position : position + 1])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.stack(answers)


@pytest.mark.parametrize("net", NETS)
def test_every_net_has_its_zeros_in_the_file_and_answers_as_before(net, lab):
    stage, file, own, plain, of_net = compressed(net, lab)
    assert np.array_equal(own, plain)
    largest = max(1.0, float(np.abs(of_net).max()))
    assert np.abs(own - of_net).max() <= CLOSE * largest
    found = Counter(zeros_in_file(file, stage))
    asked = stage.steps[-1].asked
    assert set(asked) == {f"{layer}/{position}" for layer, position in dense_kernels(stage)}
    assert all(abs(found[name] - count) <= 1 for name, count in asked.items())
    assert sum(asked.values()) / sum(
        map(math.prod, dense_kernels(stage).values())
    ) == pytest.approx(0.9, abs=0.01)
    assert sparse_tensors(file) > 0


@pytest.mark.parametrize("net", ["lenet_300_100", "lstm", "transformer"])
def test_in_8_bits_it_has_its_zeros_and_answers_like_the_net(net, lab):
    stage, file, own, plain, of_net = compressed(net, lab, ("ptq", {"format": "int8"}))
    assert stage.export == Export("int8", sparse=True)
    assert not sparse_tensors(file)
    assert np.array_equal(own, plain)
    assert np.abs(own - of_net).mean() <= LARGEST_CHANGE
    found = zeros_in_file(file, stage)
    assert all(found[name] >= count for name, count in stage.steps[0].asked.items())
