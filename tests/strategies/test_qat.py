"""Quantization-aware training: what it leaves in the file, and what it keeps of earlier steps."""

from dataclasses import replace

import numpy as np
import pytest
from nets_support import CATALOG, SMALL, digest, fixed, job_for, zeros_in_file

from framework import nn
from framework.contracts import Export
from framework.nn import compression, tflite, training
from framework.nn.tflite import converter
from framework.results.requested import asked_and_reached, distinct
from framework.runner.stage_checks import check_keeps
from framework.runner.trial import compress
from framework.study import use

NETS = {"lenet5": SMALL["lenet5"], "lstm": use("lstm", units=8)}
HALF = use("magnitude_prune", sparsity=0.5, layers="uniform", epochs=0)
SHARED = use("weight_cluster", clusters=16, epochs=0)


def trained(lab, *steps, net="lenet5", **train):
    """(the stage after these steps, its file, its job)."""
    spec = fixed(NETS[net], *steps, **train)
    job = job_for(spec, lab)
    stage = compress(spec, lab, job)
    check_keeps(stage)
    return stage, converter.to_tflite(stage, job.calibration), job


@pytest.mark.parametrize("scales", ["per_channel", "per_tensor"])
def test_without_training_it_is_ptq(scales, lab):
    stage, file, job = trained(lab, use("qat", epochs=0, scales=scales, samples=30))
    _, other, _ = trained(lab, use("ptq", scales=scales, samples=30))
    assert file == other
    assert digest(stage) == digest(job.baseline.stage)
    assert stage.export == Export("int8", scales, 30)


@pytest.mark.parametrize("net", NETS)
def test_every_kernel_is_asked_for_eight_bits_and_has_them(net, lab):
    stage, file, _ = trained(lab, use("qat", epochs=1), net=net)
    (step,) = stage.steps
    assert step.asked == step.reached == dict.fromkeys(step.asked, 8)
    assert set(step.asked) == {
        f"{layer}/{position}" for layer, position in nn.net_weights.matrices(stage)
    }
    assert (step.unit, step.epochs) == ("bits", 1)
    weights = tflite.weights.read_weights(file, stage)
    assert all(weight.values.dtype == np.int8 for weight in weights if weight.key in step.asked)
    assert asked_and_reached(stage, weights)["bits_reached"] == 8


def test_it_trains_otherwise_than_without_rounding(lab):
    stages = [trained(lab, step)[0] for step in (use("qat", epochs=1), use("identity", epochs=1))]
    assert digest(stages[0]) != digest(stages[1])
    assert all(
        np.abs(stages[0].weights[key] - stages[1].weights[key]).max() < 0.2
        for key in stages[0].weights
    )


def test_ranges_begin_with_those_of_as_many_samples_as_asked(lab):
    found = {
        digest(trained(lab, use("qat", epochs=1, samples=count))[0]) for count in (1, 50, 10_000)
    }
    assert len(found) == 2  # there are 50


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("scales", ["per_channel", "per_tensor"])
def test_zeros_survive(net, scales, lab):
    sparse, _, _ = trained(lab, HALF, net=net)
    stage, file, _ = trained(lab, HALF, use("qat", epochs=1, scales=scales), net=net)
    assert digest(stage) != digest(sparse)
    zeros = {
        f"{layer}/{position}": int(places.sum())
        for (layer, position), places in sparse.masks.items()
    }
    found = zeros_in_file(file, stage)
    assert zeros
    for key, places in sparse.masks.items():
        assert places.mean() == pytest.approx(0.5, abs=0.01)
        assert np.array_equal(stage.weights[key] == 0, places)
    assert all(found[name] >= count for name, count in zeros.items())


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("first", [(SHARED,), (HALF, SHARED)], ids=["shared", "pruned and shared"])
def test_sixteen_shared_values_stay_sixteen_in_each_tensor(net, first, lab):
    begun, _, _ = trained(lab, *first, net=net)
    stage, file, _ = trained(lab, *first, use("qat", epochs=1, scales="per_tensor"), net=net)
    assert digest(stage) != digest(begun)
    asked = {f"{layer}/{position}" for layer, position in nn.net_weights.matrices(stage)}
    own = [weight for weight in tflite.weights.read_weights(file, stage) if weight.key in asked]
    assert {weight.key for weight in own} == asked
    assert max(distinct(weight.values) for weight in own) <= 16
    for key in nn.net_weights.matrices(stage):
        assert distinct(stage.weights[key]) <= 16
    for key, places in begun.masks.items():
        assert (stage.weights[key][places] == 0).all()


def test_one_trace_serves_a_study_and_the_same_trial_gives_the_same_bits(lab):
    def trial(seed, epochs, samples):
        spec = replace(
            fixed(SMALL["lenet_300_100"], use("qat", epochs=epochs, samples=samples)), seed=seed
        )
        return digest(compress(spec, lab, job_for(spec, lab)))

    training.fit.nets.clear()
    lab.baseline(replace(fixed(SMALL["lenet_300_100"]), seed=1))
    lab.baseline(fixed(SMALL["lenet_300_100"]))
    before = training.fit.Trained.traces
    first = trial(0, 1, 20)
    assert len({first, trial(1, 1, 20), trial(0, 2, 20), trial(0, 1, 5)}) == 4
    assert trial(0, 1, 20) == first
    assert training.fit.Trained.traces - before == 1
    training.fit.nets.clear()
    compression.qat.nets.clear()
    assert trial(0, 1, 20) == first


def test_it_keeps_zeros_and_shared_values_and_gives_bits():
    qat = CATALOG.strategies.get("qat")
    assert qat.keeps == {"sparsity", "codebook", "levels"}
    assert qat.gives == {"bits"}
