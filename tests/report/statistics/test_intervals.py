"""One configuration under several seeds: against scipy, and what forbids an interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from framework.report.statistics.intervals import (
    BELOW_RESOLUTION,
    SEEDS_DISAGREE,
    resolution_of,
    summary,
)

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12)


@given(VALUES, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_interval_is_students(values: list[float], confidence: float) -> None:
    one = summary(values, confidence=confidence)
    assert one.seeds == len(values)
    assert one.mean == pytest.approx(np.mean(values))
    assert one.deviation == pytest.approx(np.std(values, ddof=1))
    error = stats.sem(values)
    if error > 1e-9:
        expected = stats.t.interval(confidence, len(values) - 1, np.mean(values), error)
        assert (one.low, one.high) == pytest.approx(expected)


def test_one_seed_has_no_deviation_and_no_interval() -> None:
    one = summary([0.97])
    assert (one.mean, one.deviation, one.seeds) == (0.97, None, 1)
    assert one.low is one.high is None


def test_less_than_two_samples_is_below_resolution() -> None:
    assert resolution_of(250) == 0.008
    one = summary([0.984, 0.984, 0.988], resolution=resolution_of(250))
    assert one.flags == (BELOW_RESOLUTION,)
    assert one.deviation == pytest.approx(0.0023094)
    assert one.low is one.high is None
    assert summary([0.95, 0.97, 0.99], resolution=resolution_of(250)).flags == ()


def test_some_seeds_at_chance_disagree_and_all_of_them_do_not() -> None:
    above_chance = 0.98 - 0.12
    mixed = summary([0.97, 0.96, 0.11], above_chance=above_chance)
    assert mixed.flags == (SEEDS_DISAGREE,)
    assert mixed.low is None
    assert summary([0.11, 0.10, 0.12], above_chance=above_chance).flags == ()
    assert summary([0.97, 0.96, 0.80], above_chance=above_chance).flags == ()
