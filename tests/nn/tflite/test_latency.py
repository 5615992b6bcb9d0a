"""Times beside each other: the interval is honest, the direction is right, nothing calls a file
unlike itself."""

import math
from dataclasses import replace

import numpy as np
import pytest
from nets_support import CATALOG, INFO, tiny_samples, tiny_stage
from scipy import stats

from framework import nn
from framework.contracts import DataInfo
from framework.errors import NotDeployable
from framework.nn.tflite import converter
from framework.nn.tflite.latency import ROUNDS, SAMPLES_PER_ROUND, T_99, compare, geometric_interval

LARGE = DataInfo(task="classes", classes=10, inputs={"image": (28, 28, 1)})


def test_the_protocol_takes_200_samples_and_students_99_percent():
    assert ROUNDS * SAMPLES_PER_ROUND >= 200
    assert pytest.approx(stats.t.ppf(0.995, ROUNDS - 1), abs=5e-5) == T_99


def test_the_interval_of_known_values():
    values = np.exp([1.0] * 5 + [3.0] * 5)
    found = geometric_interval(values)
    half = T_99 * math.sqrt(10 / 9) / math.sqrt(10)
    assert found.value == pytest.approx(math.exp(2))
    assert (found.low, found.high) == pytest.approx((math.exp(2 - half), math.exp(2 + half)))


@pytest.mark.parametrize("noise", ["normal", "heavy tails"])
def test_equal_things_are_called_different_in_at_most_5_of_100(noise):
    random = np.random.default_rng(0)
    draws = (
        random.normal(size=(2000, ROUNDS))
        if noise == "normal"
        else random.standard_t(3, size=(2000, ROUNDS))
    )
    found = [geometric_interval(np.exp(0.1 * row)) for row in draws]
    assert np.mean([not one.low <= 1 <= one.high for one in found]) <= 0.05


def test_a_larger_net_is_slower_and_the_ratio_says_by_how_much():
    samples = tiny_samples(3, info=LARGE)
    nets = {
        units: CATALOG.architectures.build("lenet_300_100", {"units_1": units, "units_2": 100})
        for units in (10, 4000)
    }
    small, large = (
        converter.to_tflite(
            nn.graph.initial_stage(net, replace(LARGE, inputs=net.input_shapes(LARGE)), seed=0)
        )
        for net in nets.values()
    )
    found = compare(small, large, samples)
    assert found.speedup.low > 2
    assert found.latency_us.high < found.reference_us.low
    assert found.speedup.value == pytest.approx(
        found.reference_us.value / found.latency_us.value, rel=0.3
    )


def test_a_file_beside_itself():
    file = converter.to_tflite(tiny_stage(INFO))
    found = [compare(file, file, tiny_samples(3)) for _ in range(20)]
    differ = sum(not one.speedup.low <= 1 <= one.speedup.high for one in found)
    assert differ <= 3  # 1 in 100 is expected: more than 3 of 20 come about once in 5 000 times


def test_a_file_that_does_not_load_is_not_timed():
    with pytest.raises(NotDeployable):
        compare(b"nothing of the kind", b"nothing", tiny_samples(1))
