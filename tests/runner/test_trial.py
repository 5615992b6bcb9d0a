"""One trial, checked from outside: plain scripts on what it logged, and what its job gives."""

import csv
import hashlib
import io
import json

import numpy as np
import pytest
from nets_support import SMALL, digest, fixed, job_for

from framework import nn
from framework.contracts import Mask
from framework.errors import SqueezelabError, TrialDiverged, TrialError
from framework.nn import tflite
from framework.nn.tflite import converter
from framework.results import record
from framework.runner import stage_checks, trial
from framework.runner.baseline import Lab, unpack_weights
from framework.study import Use, spec_from_json, use

PRUNE = use("magnitude_prune", sparsity=0.6, epochs=1)


@pytest.fixture(scope="module")
def done(lab):
    spec = fixed(SMALL["lenet5"], PRUNE)
    return spec, trial.run(spec, lab)


def opened(file):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=file)
    interpreter.allocate_tensors()
    return interpreter


def plain_accuracy(file, images, labels):
    """What anybody would write who has the file and the data and nothing of this project."""
    interpreter = opened(file)
    source, target = (
        interpreter.get_input_details()[0]["index"],
        interpreter.get_output_details()[0]["index"],
    )
    right = 0
    for image, label in zip(images, labels, strict=True):
        interpreter.set_tensor(source, image[None])
        interpreter.invoke()
        right += int(np.argmax(interpreter.get_tensor(target)[0]) == label)
    return right / len(labels)


# --- what it logged -------------------------------------------------------------------------------


def test_a_plain_script_gets_the_same_accuracy_from_the_logged_file(done, lab):
    spec, result = done
    validation = lab.splits(spec).validation
    accuracy = plain_accuracy(
        result.artifacts[record.MODEL_TFLITE], validation.inputs["image"], validation.labels
    )
    assert accuracy == result.metrics["val_accuracy"] > 0.3


def test_a_plain_count_over_the_mapped_tensors_gets_the_same_parameters(done):
    _, result = done
    interpreter = opened(result.artifacts[record.MODEL_TFLITE])
    tensors = [interpreter.get_tensor(index) for index in result.tensors.values() if index >= 0]
    assert sum(np.count_nonzero(tensor) for tensor in tensors) == result.metrics["params_nonzero"]
    assert sum(tensor.size for tensor in tensors) == result.metrics["params_total"]
    assert len(set(result.tensors.values())) == len(result.tensors) == 8


def test_the_table_of_layers_says_the_same(done):
    _, result = done
    rows = list(csv.DictReader(io.StringIO(result.artifacts[record.LAYERS_CSV].decode())))
    assert sum(int(row["nonzero"]) for row in rows) == result.metrics["params_nonzero"]
    assert sum(int(row["size"]) for row in rows) == result.metrics["params_total"]
    assert {f"{row['layer']}/{row['role']}": int(row["tensor"]) for row in rows} == dict(
        result.tensors
    )
    kernels = [row for row in rows if row["role"] == "kernel"]
    assert all(abs(int(row["zeros_asked"]) - int(row["zeros_reached"])) <= 1 for row in kernels)
    reached = sum(int(row["zeros_reached"]) for row in kernels) / sum(
        int(row["size"]) for row in kernels
    )
    assert result.metrics["sparsity_reached"] == reached
    assert result.metrics["sparsity_asked"] == pytest.approx(0.6, abs=0.002)


def test_the_logged_spec_and_weights_rebuild_the_logged_file(done, lab):
    spec, result = done
    assert spec_from_json(json.loads(result.artifacts[record.SPEC_JSON])) == spec
    stage = lab.initial(spec).with_weights(unpack_weights(result.artifacts[record.WEIGHTS_NPZ]))
    samples = lab.splits(spec).calibration
    answers = tflite.interpreter.outputs(result.artifacts[record.MODEL_TFLITE], samples)
    converter.check_agreement(converter.predict(stage, samples), answers)


def test_the_baseline_stands_beside_each_metric(done):
    _, result = done
    own = {name for name in result.metrics if not name.startswith(record.BASELINE_PREFIX)}
    beside = {name.removeprefix(record.BASELINE_PREFIX) for name in set(result.metrics) - own}
    assert own - beside == {
        "accuracy_drop", "sparsity_asked", "sparsity_reached", "speedup_theoretical",
        "touched_share",
    }  # fmt: skip
    macs = result.metrics["baseline.macs_dense"] / result.metrics["macs_effective"]
    assert result.metrics["speedup_theoretical"] == macs > 1
    drop = result.metrics["baseline.val_accuracy"] - result.metrics["val_accuracy"]
    assert result.metrics["accuracy_drop"] == drop
    assert result.metrics["params_nonzero"] < result.metrics["baseline.params_nonzero"]
    assert set(result.times) == set(record.MACHINE)


def test_times_lie_within_their_intervals(done):
    _, result = done
    for name in ("latency_us_p50", "baseline.latency_us_p50", "speedup_measured"):
        assert 0 < result.times[f"{name}_low"] <= result.times[name] <= result.times[f"{name}_high"]
    assert result.times["latency_threads"] == 1


def test_the_same_spec_gives_the_same_record(done, lab):
    spec, result = done
    again = trial.run(spec, lab)
    assert (again.metrics, again.artifacts, again.tensors) == (
        result.metrics,
        result.artifacts,
        result.tensors,
    )


def test_without_steps_it_is_the_dense_net(lab):
    spec = fixed(SMALL["lenet5"])
    result = trial.run(spec, lab)
    assert result.metrics["accuracy_drop"] == 0
    assert "sparsity_asked" not in result.metrics
    assert digest(lab.baseline(spec).stage) == nn.graph.weights_digest(
        unpack_weights(result.artifacts[record.WEIGHTS_NPZ])
    )


# --- failures -------------------------------------------------------------------------------------


def test_a_trial_that_takes_too_long_is_recorded(lab):
    result = trial.run(fixed(SMALL["lenet5"], PRUNE), lab, seconds=1e-6)
    assert (result.status, result.reason) == ("FAILED", "timeout")
    assert "trial_seconds" in result.error
    assert not result.metrics
    assert set(result.times) == {"seconds"}


def test_a_dense_net_that_trains_too_long_is_ended_after_its_epoch(lab):
    alone = Lab(lab.root, lab.catalog, cache=False)
    epochs = []
    result = trial.run(
        fixed(SMALL["lenet_300_100"]),
        alone,
        seconds=1e-6,
        report=lambda epoch, values: epochs.append(epoch),
    )
    assert (result.status, result.reason) == ("FAILED", "timeout")
    assert trial.TOO_LONG in result.error
    assert epochs == [1]
    assert not alone._baselines


def test_whatever_goes_wrong_is_recorded_with_its_traceback(lab):
    spec = fixed(SMALL["lenet5"])
    broken = type(spec)(
        dataset=spec.dataset,
        architecture=spec.architecture,
        train=spec.train,
        compress=(Use("no_such_thing"),),
    )
    result = trial.run(broken, lab)
    assert (result.status, result.reason) == ("FAILED", "exception")
    assert "Traceback" in result.error
    assert "no_such_thing" in result.error


def test_an_interrupt_is_not_a_failure_and_leaves_nothing_behind(lab):
    spec = fixed(SMALL["lenet5"], PRUNE)
    before = trial.run(spec, lab)

    def interrupt(epoch, values):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trial.run(spec, lab, report=interrupt)
    assert trial.run(spec, lab).metrics == before.metrics


def test_a_weight_that_is_not_finite_fails_the_trial(lab):
    stage = lab.baseline(fixed(SMALL["lenet5"])).stage
    spoiled = dict(stage.weights) | {("head", 1): np.full(10, np.nan, np.float32)}
    with pytest.raises(TrialDiverged, match="head"):
        stage_checks.check_finite(stage.with_weights(spoiled))


def test_a_step_that_undoes_a_promise_fails_the_trial(lab):
    spec = fixed(SMALL["lenet5"], use("magnitude_prune", epochs=0))
    stage = trial.compress(spec, lab, job_for(spec, lab))
    dense = stage.with_weights(lab.baseline(spec).stage.weights)
    assert any(isinstance(keep, Mask) for keep in dense.keeps)
    with pytest.raises(TrialError, match="undone zeros"):
        stage_checks.check_keeps(dense)


# --- what a strategy is given ---------------------------------------------------------------------


@pytest.fixture
def job(lab):
    return job_for(fixed(SMALL["lenet_300_100"], PRUNE), lab)


def cross_entropy(stage, samples):
    outputs = converter.predict(stage, samples)
    return -np.log(outputs[np.arange(len(samples)), samples.labels]).mean()


def test_a_job_gives_no_validation_labels_and_no_test_split(job):
    public = {name for name in dir(job) if not name.startswith("_")}
    assert public == {
        "baseline", "calibration", "catalog", "deadline", "epochs", "finetune", "fit_seconds",
        "gradients", "initial", "quality", "report", "rewind", "seed", "steps_per_epoch", "train",
        "trained",
    }  # fmt: skip
    assert (len(job.train), len(job.calibration), job.steps_per_epoch()) == (1200, 50, 20)


def test_a_seed_depends_on_the_purpose_and_the_trials_seed_alone(job, lab):
    published = int(hashlib.sha256(b'[0,"masks"]').hexdigest()[:8], 16) % 2**31
    assert job.seed("masks") == job.seed("masks") == published
    others = {
        job.seed("masks"),
        job.seed("noise"),
        job_for(fixed(SMALL["lenet5"], seed=1), lab).seed("masks"),
    }
    assert len(others) == 3
    assert job_for(fixed(SMALL["lenet5"], use("identity")), lab).seed("masks") == job.seed("masks")
    assert all(0 <= seed < 2**31 for seed in others)


def test_rewinding_goes_through_the_baselines_own_training(job, lab):
    spec = fixed(SMALL["lenet_300_100"], PRUNE)
    baseline, validation = lab.baseline(spec), lab.splits(spec).validation
    assert digest(job.rewind(0)) == digest(job.initial) == digest(lab.initial(spec))
    for epoch, values in enumerate(baseline.curve, start=1):
        assert cross_entropy(job.rewind(epoch), validation) == pytest.approx(
            values["val_loss"], abs=1e-4
        )
    assert digest(job.rewind(spec.train.epochs)) == digest(baseline.stage) != digest(job.rewind(1))


@pytest.mark.parametrize("epoch", [-1, 3])
def test_rewinding_beyond_the_training_is_refused(epoch, job):
    with pytest.raises(SqueezelabError, match="rewind"):
        job.rewind(epoch)


def test_epochs_are_numbered_on_over_the_steps_of_a_chain(lab):
    spec, seen = fixed(SMALL["lenet_300_100"], PRUNE, use("identity", epochs=2)), []
    lab.baseline(spec)
    result = trial.run(spec, lab, report=lambda epoch, values: seen.append(epoch))
    assert seen == [1, 2, 3]
    assert result.status == "FINISHED"
