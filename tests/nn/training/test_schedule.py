"""The learning rate: known values of warm-up and of each decay."""

import math

import numpy as np
import pytest
from nets_support import tiny_samples

from framework import Train
from framework.nn import training


def rates(decay, *, peak=0.1, warmup=0, total=8, steps=range(8)):
    schedule = training.schedule.Schedule(decay)
    schedule.set(peak=peak, warmup=warmup, total=total)
    return np.array([float(schedule(step)) for step in steps])


def test_warm_up_is_linear_and_ends_at_the_peak():
    assert rates("constant", warmup=4) == pytest.approx(
        [0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1, 0.1]
    )


def test_cosine_falls_from_the_peak_to_zero():
    assert rates("cosine") == pytest.approx(
        [0.05 * (1 + math.cos(math.pi * step / 8)) for step in range(8)], abs=1e-7
    )
    assert rates("cosine", steps=[8, 9, 100]) == pytest.approx(0, abs=1e-7)


def test_cosine_begins_after_the_warm_up():
    assert rates("cosine", warmup=4) == pytest.approx(
        [
            0.025,
            0.05,
            0.075,
            0.1,
            0.1,
            *np.array([0.05 * (1 + math.cos(math.pi * quarter / 4)) for quarter in (1, 2, 3)]),
        ]
    )


def test_step_is_a_tenth_at_half_and_at_three_quarters():
    assert rates("step") == pytest.approx([0.1] * 4 + [0.01] * 2 + [0.001] * 2)


def test_a_warm_up_longer_than_the_training_is_cut():
    assert rates("cosine", warmup=100, total=4, steps=range(4)) == pytest.approx(
        [0.025, 0.05, 0.075, 0.1]
    )


@pytest.mark.parametrize(
    ("samples", "batch", "steps"), [(48, 12, 4), (48, 13, 3), (48, 100, 1), (1, 1, 1)]
)
def test_an_epoch_is_the_whole_batches_and_at_least_one(samples, batch, steps):
    assert training.fit.steps_per_epoch(tiny_samples(samples), Train(batch_size=batch)) == steps
