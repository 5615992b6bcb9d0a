"""Gradients of the loss with respect to weights, against closed form and differences."""

import signal

import numpy as np
import pytest
from nets_support import INFO, tiny_samples, tiny_stage

from framework import Train
from framework.errors import SqueezelabError
from framework.nn import training
from framework.nn.tflite import converter
from framework.nn.training.gradients import Batches, of
from framework.system import interrupt

SAMPLES = tiny_samples()


def batches(count=1, size=48, seed=0, **changes):
    return Batches(
        info=INFO, samples=SAMPLES, train=Train(), count=count, size=size, seed=seed, **changes
    )


def test_of_the_last_bias_it_is_what_is_answered_minus_what_is_right():
    stage = tiny_stage()
    (found,) = of(stage, batches())
    right = np.eye(3)[SAMPLES.labels]
    assert found["head", 1] == pytest.approx(
        (converter.predict(stage, SAMPLES) - right).mean(axis=0), abs=1e-6
    )


def test_of_a_kernel_it_is_the_slope_of_the_loss():
    stage, key, place, step = tiny_stage(), ("hidden", 0), (5, 2), 1e-3
    (found,) = of(stage, batches())

    def loss(change):
        kernel = stage.weights[key].copy()
        kernel[place] += change
        answers = converter.predict(stage.with_weights({**stage.weights, key: kernel}), SAMPLES)
        return -np.log(answers[np.arange(len(SAMPLES)), SAMPLES.labels]).mean()

    assert found[key][place] == pytest.approx(
        (loss(step) - loss(-step)) / (2 * step), rel=0.02, abs=1e-4
    )


def test_batches_are_drawn_by_the_seed_and_their_mean_is_that_of_all_samples():
    stage = tiny_stage()
    (whole,) = of(stage, batches())
    parts = list(of(stage, batches(count=4, size=12)))
    again = list(of(stage, batches(count=4, size=12)))
    other = list(of(stage, batches(count=4, size=12, seed=1)))
    for key, value in whole.items():
        assert np.mean([part[key] for part in parts], axis=0) == pytest.approx(value, abs=1e-5)
        assert all(
            np.array_equal(one[key], two[key]) for one, two in zip(parts, again, strict=True)
        )
    assert not np.array_equal(parts[0]["head", 0], other[0]["head", 0])


def test_more_samples_than_there_are_is_all_of_them():
    (found,) = of(tiny_stage(), batches(size=1000))
    (whole,) = of(tiny_stage(), batches())
    assert np.array_equal(found["head", 0], whole["head", 0])


def test_each_sample_counts_once_however_many_batches_are_asked_for():
    stage = tiny_stage()
    parts = list(of(stage, batches(count=100, size=12)))
    (whole,) = of(stage, batches())
    assert len(parts) == len(SAMPLES) // 12
    assert np.mean([part["head", 0] for part in parts], axis=0) == pytest.approx(
        whole["head", 0], abs=1e-5
    )
    # the one left is no whole batch
    assert len(list(of(stage, batches(count=100, size=len(SAMPLES) - 1)))) == 1


def test_weights_without_a_gradient_are_not_among_them():
    (found,) = of(tiny_stage(batch_norm=True), batches())
    assert ("norm", 2) not in found  # its moving mean
    assert ("norm", 0) in found


def test_by_batch_statistics_an_untrained_normalisation_normalises():
    # two nets that differ in the scale of the kernel before a batch normalisation answer alike by
    # batch statistics
    untrained = tiny_stage(batch_norm=True)
    stage = untrained.with_weights(
        {**untrained.weights, ("conv", 0): 10 * untrained.weights["conv", 0]}
    )
    larger = stage.with_weights({**stage.weights, ("conv", 0): 10 * stage.weights["conv", 0]})
    (one,) = of(stage, batches(batch_statistics=True))
    (other,) = of(larger, batches(batch_statistics=True))
    (gathered,) = of(stage, batches())
    assert one["head", 0] == pytest.approx(other["head", 0], rel=0.02, abs=1e-4)
    assert one["conv", 0] == pytest.approx(10 * other["conv", 0], rel=0.05, abs=1e-4)
    assert not np.allclose(one["head", 0], gathered["head", 0], rtol=0.02, atol=1e-4)


def test_by_batch_statistics_nothing_is_dropped():
    plain, dropping = tiny_stage(), tiny_stage(dropout=0.9)
    (one,) = of(plain, batches(batch_statistics=True))
    (other,) = of(dropping.with_weights(plain.weights), batches(batch_statistics=True))
    assert all(np.array_equal(value, other[key]) for key, value in one.items())


def test_batches_are_drawn_without_putting_back():
    drawn = list(training.gradients._chosen(10, 4, batches(count=6, size=4)))
    assert [len(chosen) for chosen in drawn] == [4, 4]  # the two that are left are no batch
    assert np.bincount(np.concatenate(drawn)).max() == 1


def test_an_interrupt_ends_them_before_the_next_batch():
    drawn = of(tiny_stage(), batches(count=3, size=16))
    with interrupt.listening():
        next(drawn)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            next(drawn)


def test_another_number_of_threads_is_refused_once_tensorflow_runs():
    asked = Batches(info=INFO, samples=SAMPLES, train=Train(threads=2), count=1, size=16, seed=0)
    list(of(tiny_stage(), batches()))
    with pytest.raises(SqueezelabError, match="another number of threads"):
        list(of(tiny_stage(), asked))
