"""Magnitude pruning: the smallest go, as many as asked, and they stay gone."""

from dataclasses import replace

import numpy as np
import pytest
import sequence_nets
from nets_support import CATALOG, SMALL, digest, fixed, job_for, zeros_in_file

from framework.contracts import Export
from framework.contracts.job import PLAIN
from framework.nn import compression, training
from framework.nn.tflite import converter
from framework.runner.stage_checks import check_keeps
from framework.runner.trial import compress
from framework.study import use


def pruned(lab, *steps, net="lenet5", **train):
    spec = fixed(SMALL[net], *(use("magnitude_prune", **step) for step in steps), **train)
    return compress(spec, lab, job_for(spec, lab)), lab.baseline(spec).stage


def share(stage):
    kernels = compression.pruning.kernels(stage)
    zeros = sum(int((stage.weights[key] == 0).sum()) for key in kernels)
    return zeros / sum(stage.weights[key].size for key in kernels)


@pytest.mark.parametrize("layers", ["uniform", "erk"])
def test_at_once_the_smallest_of_each_kernel_go(layers, lab):
    stage, dense = pruned(lab, {"sparsity": 0.7, "layers": layers, "epochs": 0})
    assert share(stage) == pytest.approx(0.7, abs=0.002)
    for key in compression.pruning.kernels(stage):
        before, gone = np.abs(dense.weights[key]), stage.weights[key] == 0
        assert before[gone].max(initial=0) <= before[~gone].min()
        assert np.array_equal(stage.weights[key][~gone], dense.weights[key][~gone])
    assert all(
        np.array_equal(stage.weights[key], dense.weights[key])
        for key in dense.weights
        if key[1] == 1
    )


def test_uniform_asks_the_same_of_each_kernel_and_erk_more_of_wide_ones(lab):
    shares = {}
    for layers in ("uniform", "erk"):
        stage, _ = pruned(lab, {"sparsity": 0.8, "layers": layers, "epochs": 0})
        shares[layers] = {
            key[0]: float((stage.weights[key] == 0).mean())
            for key in compression.pruning.kernels(stage)
        }
    assert all(value == pytest.approx(0.8, abs=0.01) for value in shares["uniform"].values())
    assert shares["erk"]["conv_2"] > 0.8 > max(shares["erk"]["head"], shares["erk"]["conv_1"])


@pytest.mark.parametrize("sparsity", [0.3, 0.9, 0.99])
# 20 steps, and one: the shortest ramp
@pytest.mark.parametrize("train", [{"batch_size": 60}, {"batch_size": 700}])
def test_trained_it_reaches_what_was_asked_in_the_file(sparsity, train, lab):
    stage, _ = pruned(lab, {"sparsity": sparsity, "epochs": 1}, **train)
    found = zeros_in_file(converter.to_tflite(stage), stage)
    asked = stage.steps[-1].asked
    assert set(asked) == set(found)
    assert all(abs(found[name] - count) <= 1 for name, count in asked.items())
    assert share(stage) == pytest.approx(sparsity, abs=0.01)


def test_nothing_asked_is_nothing_zeroed(lab):
    stage, _ = pruned(lab, {"sparsity": 0.0, "epochs": 1})
    assert share(stage) == 0


@pytest.mark.parametrize("epochs", [(0, 0), (0, 1), (1, 1)])
def test_pruning_on_keeps_the_zeros_it_finds(epochs, lab):
    first = {"sparsity": 0.5, "layers": "uniform", "epochs": epochs[0]}
    half, _ = pruned(lab, first)
    more, _ = pruned(lab, first, {"sparsity": 0.8, "layers": "uniform", "epochs": epochs[1]})
    assert share(more) == pytest.approx(0.8, abs=0.005)
    for key in compression.pruning.kernels(half):
        zeros = half.weights[key] == 0
        assert (more.weights[key][zeros] == 0).all()
        assert (more.weights[key] == 0).sum() > zeros.sum()
    assert len(more.keeps) == len(half.keeps)
    assert [step.knobs["sparsity"] for step in more.steps] == [0.5, 0.8]


@pytest.mark.parametrize("epochs", [0, 1])
def test_asking_less_than_there_is_brings_no_weight_back(epochs, lab):
    first = {"sparsity": 0.8, "layers": "uniform", "epochs": 0}
    sparse, _ = pruned(lab, first)
    still, _ = pruned(lab, first, {"sparsity": 0.5, "layers": "uniform", "epochs": epochs})
    for key in compression.pruning.kernels(sparse):
        assert np.array_equal(still.weights[key] == 0, sparse.weights[key] == 0)


def test_one_trace_serves_a_study(lab):
    training.fit.nets.clear()
    lab.baseline(fixed(SMALL["lenet5"]))
    before = training.fit.Trained.traces
    results = {
        digest(pruned(lab, {"sparsity": sparsity, "layers": layers, "epochs": epochs})[0])
        for sparsity, layers, epochs in [(0.5, "erk", 1), (0.9, "uniform", 2), (0.7, "erk", 1)]
    }
    assert training.fit.Trained.traces - before == 1
    assert len(results) == 3


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_trial_gives_the_same_bits_after_trials_with_other_seeds_and_on_a_fresh_net(dropout, lab):
    def trial(seed, sparsity, epochs):
        net = use("lenet_300_100", units_1=16, units_2=8, dropout=dropout)
        spec = fixed(net, use("magnitude_prune", sparsity=sparsity, epochs=epochs), seed=seed)
        return digest(compress(spec, lab, job_for(spec, lab)))

    trial(1, 0.9, 1)
    trial(2, 0.3, 2)
    reused = trial(0, 0.7, 1)
    training.fit.nets.clear()
    assert trial(0, 0.7, 1) == reused


class FewSteps:
    """All that the strategy uses of a job, on made-up sequences."""

    fit_seconds = 0.0

    def __init__(self, model):
        self.model = model

    def steps_per_epoch(self):
        return training.fit.steps_per_epoch(
            sequence_nets.samples_for(self.model), sequence_nets.training_of(self.model).train
        )

    def finetune(self, stage, epochs, tuning=PLAIN):
        request = sequence_nets.training_of(self.model, epochs=epochs)
        return training.fit.fit(stage, replace(request, tuning=tuning))


@pytest.mark.parametrize("net", sequence_nets.NETS)
@pytest.mark.parametrize("epochs", [0, 1])
def test_kernels_of_sequence_nets_reach_what_was_asked_in_the_file_and_keep_it(net, epochs):
    model = sequence_nets.NETS[net].build()
    dense, job = sequence_nets.staged(model), FewSteps(model)
    stage = CATALOG.strategies.build("magnitude_prune", {"sparsity": 0.7, "epochs": epochs}).apply(
        dense, job
    )
    check_keeps(stage)
    asked = stage.steps[-1].asked
    assert set(asked) == {
        f"{layer}/{position}" for layer, position in compression.pruning.kernels(stage)
    }
    found = zeros_in_file(converter.to_tflite(stage), stage)
    assert all(abs(found[name] - count) <= 1 for name, count in asked.items())
    assert share(stage) == pytest.approx(0.7, abs=0.01)
    eight_bits = replace(stage, export=Export("int8"))
    stored = zeros_in_file(converter.to_tflite(eight_bits, sequence_nets.samples_for(model)), stage)
    assert all(stored[name] >= found[name] for name in asked)
    tuned = CATALOG.strategies.build("identity", {"epochs": 1}).apply(stage, job)
    assert digest(tuned) != digest(stage)
    for mask in stage.keeps:
        assert np.array_equal(tuned.weights[mask.weight] == 0, mask.zeros)
