"""Training: what each field of `Train` does, and how it ends."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from nets_support import INFO, digest, masked, tiny_fit, tiny_samples, tiny_stage
from sequence_nets import mixed, staged, training_of

from framework import nn
from framework.contracts import Samples
from framework.errors import SqueezelabError, TrialDiverged, TrialTimeout
from framework.nn import compression, training
from framework.nn.tflite import converter

BINARY = replace(INFO, task="binary", classes=2)
REGRESSION = replace(INFO, task="regression", classes=0)
RECONSTRUCTION = replace(INFO, task="reconstruction", classes=0)


def curve(stage, **changes):
    values = []
    tuned = training.fit.fit(
        stage, tiny_fit(report=lambda epoch, found: values.append((epoch, found)), **changes)
    )
    return tuned, values


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("adam", 0.01), ("adamw", 0.01), ("sgd", 0.3), ("momentum", 0.05)]
)
def test_each_optimizer_learns(optimizer, rate):
    _, values = curve(tiny_stage(), epochs=6, optimizer=optimizer, learning_rate=rate)
    assert [epoch for epoch, _ in values] == [1, 2, 3, 4, 5, 6]
    assert values[-1][1]["loss"] < 0.9 * values[0][1]["loss"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} == set(values[0][1])


@pytest.mark.parametrize("info", [BINARY, REGRESSION, RECONSTRUCTION])
def test_other_tasks_learn(info):
    _, values = curve(tiny_stage(info), info=info, epochs=6, learning_rate=0.01)
    assert values[-1][1]["loss"] < 0.9 * values[0][1]["loss"]
    assert ("val_accuracy" if info is BINARY else "val_rmse") in values[0][1]


@pytest.mark.parametrize("augment", [False, True])
def test_what_is_rebuilt_is_the_picture_that_the_net_sees(augment):
    request = tiny_fit(info=replace(RECONSTRUCTION, mirror=True), augment=augment)
    plain = {row.tobytes() for row in request.samples.inputs["image"]}
    moved = 0
    for inputs, goals in training.fit._batches(request, 4).as_numpy_iterator():
        images = inputs["image"]
        assert goals.tobytes() == images.reshape(len(images), -1).tobytes()
        moved += sum(row.tobytes() not in plain for row in images)
    assert (moved > 0) == augment


def test_the_curve_of_a_reconstruction_is_of_normal_samples():
    normal = tiny_samples(12, info=RECONSTRUCTION, seed=1)
    normal = replace(normal, labels=np.zeros(12, np.float32))
    bright = {"image": np.concatenate([normal.inputs["image"], np.full((5, 6, 6, 1), 9.0)])}
    mixed_in = Samples(
        {"image": bright["image"].astype(np.float32)}, np.repeat(np.float32([0, 1]), [12, 5])
    )
    curves = []
    for validation in (normal, mixed_in):
        asked = {"info": RECONSTRUCTION, "validation": validation, "epochs": 1}
        curves.append(curve(tiny_stage(RECONSTRUCTION), **asked)[1])
    assert curves[0] == curves[1]


def test_no_data_set_of_a_training_has_a_tuner_that_its_end_would_wait_for(monkeypatch):
    read = []
    fit = training.fit.Trained.fit

    def watched(model, batches, **options):
        read.extend([batches, options["validation_data"]])
        return fit(model, batches, **options)

    monkeypatch.setattr(training.fit.Trained, "fit", watched)
    curve(tiny_stage(), epochs=1)
    assert len(read) == 2
    for batches in read:
        assert batches.options().autotune.enabled is False
        assert batches.options().deterministic is True


def test_the_curve_is_of_all_validation_samples_whole_batches_or_not(monkeypatch):
    stage, samples = tiny_stage(), tiny_samples(23, seed=1)
    curves = []
    for size in (500, 7):
        monkeypatch.setattr(training.fit, "VALIDATION_BATCH", size)
        curves.append(curve(stage, validation=samples, epochs=2)[1])
    for (_, whole), (_, parts) in zip(*curves, strict=True):
        assert parts == pytest.approx(whole, rel=1e-5)


def without_gradient(stage):
    """The stage with all biases at 1, and black pictures: no kernel gets a gradient from the loss
    but the last two."""
    ones = {key: np.ones_like(value) if key[1] else value for key, value in stage.weights.items()}
    black = Samples({"image": np.zeros((48, 6, 6, 1), np.float32)}, np.arange(48) % 3)
    return stage.with_weights(ones), black


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "momentum"])
def test_weight_decay_shrinks_kernels_and_not_biases(optimizer):
    stage, black = without_gradient(tiny_stage())
    asked = {"samples": black, "optimizer": optimizer, "learning_rate": 1e-3, "epochs": 1}
    plain, decayed = (
        training.fit.fit(stage, tiny_fit(weight_decay=decay, **asked)) for decay in (0.0, 0.5)
    )
    kernel, bias = ("conv", 0), ("conv", 1)
    assert np.array_equal(plain.weights[kernel], stage.weights[kernel])
    ratio = decayed.weights[kernel] / stage.weights[kernel]
    assert (ratio < 1).all()
    assert np.ptp(ratio) < 1e-4  # every weight by one share
    assert np.abs(decayed.weights[bias] - plain.weights[bias]).max() < 1e-4 < 1 - ratio.max()


def test_adam_takes_weight_decay_as_a_penalty_on_kernels():
    stage, black = without_gradient(tiny_stage())
    tuned = training.fit.fit(
        stage, tiny_fit(samples=black, weight_decay=0.5, learning_rate=1e-3, epochs=1)
    )
    kernel = ("conv", 0)
    assert (np.abs(tuned.weights[kernel]) < np.abs(stage.weights[kernel])).all()


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_what_decays_are_kernels_of_every_kind_and_nothing_else(optimizer):
    """After one step: later ones would differ in all weights, because the loss does."""
    model = mixed()
    stage = staged(model)
    plain, decayed = (
        training.fit.fit(
            stage, training_of(model, optimizer=optimizer, weight_decay=decay, batch_size=40)
        ).weights
        for decay in (0.0, 0.5)
    )
    roles = {key: name for layer in model.layers for key, name in named(layer)}
    changed = {key for key in plain if not np.array_equal(plain[key], decayed[key])}
    assert (
        changed
        == {key for key, role in roles.items() if role.endswith("kernel")}
        == set(compression.pruning.kernels(stage))
    )


def named(layer):
    for position, weight in enumerate(layer.weights):
        yield (layer.name, position), weight.name.split("/")[-1].split(":")[0]


def test_label_smoothing_is_in_the_loss():
    sure = dict(tiny_stage().weights) | {
        ("head", 0): np.zeros((8, 3)),
        ("head", 1): np.array([20.0, 0, 0]),
    }
    stage = tiny_stage().with_weights(
        {key: value.astype(np.float32) for key, value in sure.items()}
    )
    firsts = replace(tiny_samples(), labels=np.zeros(48, np.int64))
    losses = [
        curve(stage, samples=firsts, label_smoothing=share, epochs=1, learning_rate=1e-8)[1][0][1][
            "loss"
        ]
        for share in (0.0, 0.3)
    ]
    assert losses[0] == pytest.approx(0, abs=1e-4)
    # two wrong classes of 0.1, 20 nats below the right one
    assert losses[1] == pytest.approx(0.2 * 20, abs=1e-3)


def augmented(seed, step=0, *, mirror=False):
    tf = nn.backend.tf
    images = np.zeros((40, 20, 20, 1), np.float32)
    images[:, 10, 5] = 1
    request = tiny_fit(
        seed=seed, augment=True, info=replace(INFO, mirror=mirror), samples=tiny_samples()
    )
    return training.fit._augmented(
        tf.constant(images), request, tf.constant(step, tf.int64)
    ).numpy()


def test_augmentation_shifts_by_the_seed_and_the_step():
    one = augmented(7)
    assert np.array_equal(one, augmented(7))
    assert not np.array_equal(one, augmented(8))
    assert not np.array_equal(one, augmented(7, step=1))
    _, rows, columns, _ = np.nonzero(one)
    assert len(rows) == 40  # moved, not lost
    assert set(rows) == {8, 9, 10, 11, 12}  # up to a tenth of the side
    assert set(columns) == {3, 4, 5, 6, 7}


def test_only_data_that_allows_it_is_mirrored():
    columns = np.nonzero(augmented(7, mirror=True))[2]
    assert (columns > 10).any()
    assert (columns < 10).any()


def test_pictures_alone_are_augmented():
    """A spectrogram shifted or mirrored is another sound, though it has the shape of a picture."""
    random = np.random.default_rng(0)
    inputs = {
        name: random.uniform(0, 1, (12, 20, 20, 1)).astype(np.float32)
        for name in ("image", "audio")
    }
    inputs["text"] = np.arange(12, dtype=np.int32)[:, None]
    samples = Samples(inputs, np.arange(12) % 3)
    request = tiny_fit(
        augment=True, info=replace(INFO, mirror=True), samples=samples, batch_size=12
    )
    ((batch, _),) = list(training.fit._batches(request, 1))
    order = batch["text"].numpy()[:, 0]
    assert sorted(order) == list(range(12))
    assert np.array_equal(batch["audio"].numpy(), inputs["audio"][order])
    assert not np.array_equal(batch["image"].numpy(), inputs["image"][order])


def test_augmentation_changes_training_and_repeats():
    tuned = {
        share: [digest(training.fit.fit(tiny_stage(), tiny_fit(augment=share))) for _ in range(2)]
        for share in (False, True)
    }
    assert tuned[False][0] == tuned[False][1] != tuned[True][0] == tuned[True][1]


def test_every_sample_is_seen_once_an_epoch_in_an_order_of_the_seed():
    labels = np.arange(12, dtype=np.float32)
    numbered = Samples({"image": np.zeros((12, 6, 6, 1), np.float32)}, labels)

    def seen(seed):
        request = tiny_fit(info=REGRESSION, samples=numbered, seed=seed, batch_size=4)
        return np.concatenate(
            [batch.numpy()[:, 0] for _, batch in training.fit._batches(request, 6)]
        )

    order = seen(1)
    assert sorted(order[:12]) == sorted(order[12:]) == labels.tolist()
    assert order[:12].tolist() != order[12:].tolist()
    assert order.tolist() == seen(1).tolist() != seen(2).tolist()


def test_a_loss_that_is_not_finite_ends_the_trial():
    with pytest.raises(TrialDiverged, match="not finite"):
        training.fit.fit(
            tiny_stage(REGRESSION),
            tiny_fit(info=REGRESSION, optimizer="sgd", learning_rate=10.0, epochs=20),
        )


def test_a_deadline_ends_the_trial():
    with pytest.raises(TrialTimeout):
        training.fit.fit(tiny_stage(), tiny_fit(deadline=time.monotonic() - 1))


def test_the_stage_given_is_not_changed():
    stage = tiny_stage()
    before = digest(stage)
    tuned = training.fit.fit(stage, tiny_fit())
    assert digest(stage) == before != digest(tuned)
    assert not any(value.flags.writeable for value in tuned.weights.values())


@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_zeros_that_a_stage_keeps_stay_zero_in_training(optimizer):
    stage = masked(tiny_stage(), 0.6)
    tuned = training.fit.fit(stage, tiny_fit(optimizer=optimizer, learning_rate=0.05))
    for mask in stage.keeps:
        values = tuned.weights[mask.weight]
        assert (values[mask.zeros] == 0).all()
        assert (values[~mask.zeros] != stage.weights[mask.weight][~mask.zeros]).any()


def test_zeros_are_held_in_every_step_not_only_at_the_end():
    stage = masked(tiny_stage(), 0.6)
    _, values = curve(stage, learning_rate=0.05, epochs=3)
    tuned, last = curve(stage, learning_rate=0.05, epochs=3)
    validation = tiny_samples(12, seed=1)
    outputs = converter.predict(tuned, validation)
    loss = -np.log(outputs[np.arange(12), validation.labels]).mean()
    assert loss == pytest.approx(last[-1][1]["val_loss"], abs=1e-4)
    assert values == last


def test_a_dynamic_variable_left_out_is_refused():
    wrap = compression.pruning.MagnitudeWrap(("hidden",))
    with pytest.raises(SqueezelabError, match="each dynamic variable"):
        training.fit.fit(tiny_stage(), tiny_fit(wrap=wrap, dynamic={"end_step": 3, "frequency": 1}))


def test_epochs_beyond_stop_are_not_run_and_the_schedule_is_the_same():
    tuned, whole = curve(tiny_stage(), epochs=4)
    part, first = curve(tiny_stage(), epochs=4, stop=1)
    assert first == whole[:1]
    assert digest(part) != digest(tuned)
    assert math.isfinite(first[0][1]["val_loss"])
