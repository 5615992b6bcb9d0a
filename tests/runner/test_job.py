"""What a job does with what it is asked for, and which split a trial's numbers come from: by
recorded calls."""

from dataclasses import replace

import numpy as np
import pytest
from nets_support import CATALOG, SMALL, fixed, job_for

from framework.contracts import Export, Samples, Tuning
from framework.nn import tflite, training
from framework.nn.tflite import converter
from framework.runner import measurement
from framework.runner.baseline import Lab
from framework.study import use

TRAIN = {"learning_rate": 4e-3, "finetune_factor": 0.5, "warmup_epochs": 2, "epochs": 2}
SPEC = fixed(SMALL["lenet_300_100"], use("identity", epochs=1), **TRAIN)


@pytest.fixture(scope="module")
def dense(lab):
    """The dense net, trained once."""
    return lab.baseline(SPEC)


@pytest.fixture
def job(lab, dense):
    return job_for(SPEC, lab)


@pytest.fixture
def fits(monkeypatch):
    """The trainings that are asked for; none is done."""
    asked = []
    monkeypatch.setattr(training.fit, "fit", lambda stage, request: asked.append(request) or stage)
    return asked


# --- training -------------------------------------------------------------------------------------


def test_fine_tuning_has_the_studys_rate_times_its_factor_and_no_warm_up(job, fits):
    job.finetune(job.trained, 6)
    job.finetune(job.trained, 6, Tuning(rate=0.25))
    assert [request.train.learning_rate for request in fits] == pytest.approx([2e-3, 5e-4])
    assert {request.warmup_epochs for request in fits} == {0}
    assert {request.epochs for request in fits} == {6}


def test_a_net_that_comes_trained_is_tuned_at_a_smaller_rate(lab, dense, fits, monkeypatch):
    tenth = replace(SPEC, train=replace(SPEC.train, trained_factor=0.1))
    job = job_for(tenth, lab)  # of the same dense net
    monkeypatch.setattr(type(lab.architecture(SPEC)), "trained", True)
    job.finetune(job.trained, 6)
    job.finetune(job.initial, 6, Tuning(fresh=True))
    # at the study's own rate a net from a file lost 30 points in 16 steps
    rates = [request.train.learning_rate for request in fits]
    assert rates == pytest.approx([2e-4, 4e-3])


def test_fresh_training_has_the_studys_own_rate_and_warm_up(job, fits):
    for epochs in (6, 3):
        job.finetune(job.initial, epochs, Tuning(fresh=True))
    assert [request.train for request in fits] == [SPEC.train] * 2
    assert [request.warmup_epochs for request in fits] == [2, 1]  # at most half of a short training


def test_each_training_of_a_trial_has_an_order_of_its_own_and_the_next_trial_has_the_same(
    job, lab, fits
):
    for _ in range(3):
        job.finetune(job.trained, 1)
    again = job_for(SPEC, lab)
    for _ in range(3):
        again.finetune(job.trained, 1)
    seeds = [request.seed for request in fits]
    assert seeds[:3] == seeds[3:]
    assert len(set(seeds)) == 3


def test_training_is_on_the_training_split_and_the_curve_on_validation(job, lab, fits):
    job.finetune(job.trained, 1)
    splits = lab.splits(SPEC)
    assert fits[0].samples is splits.train
    assert fits[0].validation is splits.validation


# --- gradients ------------------------------------------------------------------------------------


def bias_gradients(job):
    return [found["head", 1] for found in job.gradients(job.trained, batches=2, batch_size=16)]


def test_every_look_at_gradients_draws_other_batches_and_the_next_trial_draws_the_same(job, lab):
    first, second = bias_gradients(job), bias_gradients(job)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, second)
    again = job_for(SPEC, lab)
    assert np.array_equal([first, second], [bias_gradients(again), bias_gradients(again)])


def test_gradients_are_of_the_training_split(job):
    (found,) = job.gradients(job.trained, batches=1, batch_size=len(job.train))
    answers = converter.predict(job.trained, job.train)
    assert found["head", 1] == pytest.approx(
        (answers - np.eye(10)[job.train.labels]).mean(axis=0), abs=1e-5
    )


# --- which split ----------------------------------------------------------------------------------


class Otherwise(Lab):
    """A lab whose validation split is another world: pictures of noise, and no label that a net
    would give."""

    def splits(self, spec):
        whole = super().splits(spec)
        count = len(whole.validation)
        noise = np.random.default_rng(0).uniform(
            -50, 50, (count, *whole.validation.inputs["image"].shape[1:])
        )
        return replace(
            whole,
            validation=Samples({"image": noise.astype(np.float32)}, np.zeros(count, np.int64)),
        )


@pytest.fixture
def otherwise(lab, dense):
    return Otherwise(lab.root, CATALOG)  # finds the dense net that is there


def test_what_max_drop_goes_by_is_the_calibration_split(job, lab, otherwise, dense):
    splits = lab.splits(SPEC)
    answers = converter.predict(dense.stage, splits.calibration).argmax(axis=1)
    assert job.quality(dense.stage) == (answers == splits.calibration.labels).mean()
    assert job_for(SPEC, otherwise).quality(dense.stage) == job.quality(dense.stage)


@pytest.mark.parametrize("scales", ["per_channel", "per_tensor"])
def test_ranges_of_the_8_bit_file_come_from_the_calibration_split(scales, lab, otherwise, dense):
    stage = replace(dense.stage, export=Export("int8", scales, 30))
    expected = converter.to_tflite(stage, lab.splits(SPEC).calibration)
    assert measurement.measure(stage, SPEC, lab).file == expected
    assert measurement.measure(stage, SPEC, otherwise).file == expected
    # else this test says nothing
    assert converter.to_tflite(stage, otherwise.splits(SPEC).validation) != expected


def test_what_is_measured_is_measured_on_validation(lab, otherwise, dense):
    validation = lab.splits(SPEC).validation
    right = (converter.predict(dense.stage, validation).argmax(axis=1) == validation.labels).mean()
    assert measurement.measure(dense.stage, SPEC, lab).metrics["val_accuracy"] == right
    assert measurement.measure(dense.stage, SPEC, otherwise).metrics["val_accuracy"] != right


# --- against the dense net ------------------------------------------------------------------------


def test_a_worse_net_has_a_drop_above_nothing_and_a_smaller_one_a_speed_up_above_one(lab, dense):
    lab.measured.pop(dense.digest, None)
    known = measurement.dense_net(SPEC, lab, dense).metrics
    worse = known | {
        "val_accuracy": known["val_accuracy"] - 0.25,
        "macs_effective": known["macs_dense"] / 4,
    }
    found = measurement.against(SPEC, lab, dense, worse)
    assert found["accuracy_drop"] == pytest.approx(0.25)
    assert found["speedup_theoretical"] == pytest.approx(4)


def test_a_trials_file_is_timed_against_the_dense_one(lab, dense, monkeypatch):
    def compare(file, reference, samples):
        asked.append((file, reference))
        one, two, three = (
            tflite.latency.Interval(value, value - 1, value + 1) for value in (10.0, 40.0, 4.0)
        )
        return tflite.latency.Comparison(latency_us=one, reference_us=two, speedup=three)

    asked = []
    monkeypatch.setattr(tflite.latency, "compare", compare)
    measured = measurement.Measured(None, b"own", None, {}, {})
    found = measurement.timed(measured, SPEC, lab, dense)
    assert asked == [(b"own", measurement.dense_net(SPEC, lab, dense).file)]
    assert (
        found["latency_us_p50"],
        found["baseline.latency_us_p50"],
        found["speedup_measured"],
    ) == (10, 40, 4)
    assert (found["speedup_measured_low"], found["speedup_measured_high"]) == (3, 5)
