"""Hypervolume with its interval, attainment, readings at a given size or quality, McNemar."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from framework.report.statistics.files import mcnemar
from framework.report.statistics.fronts import attainment, memberships, volume_of
from framework.report.statistics.readings import quality_at, size_at
from framework.results.fronts import hypervolume

WAYS = ["min", "max"]
MEASURED = [(100.0, 0.90), (200.0, 0.94), (400.0, 0.98), (300.0, 0.91)]


def seeds_of(points, noise, seeds=3):
    generator = np.random.default_rng(0)
    every = np.repeat(np.array(points)[:, None], seeds, axis=1)
    every[:, :, 1] += noise * generator.standard_normal(every.shape[:2])
    return every


def test_the_hypervolume_is_that_of_the_means_within_its_interval():
    points = seeds_of([(1, 0.5), (2, 0.8)], 0.01)
    volume = volume_of(points, reference=(3, 0), directions=WAYS)
    (_, low), (_, high) = points.mean(axis=1)
    assert volume.value == pytest.approx(low + high)
    assert volume.low < volume.value < volume.high
    # far from any edge it is Student's t with the variance of both pooled
    error = (points[:, :, 1].var(axis=1, ddof=1).mean() * 2 / 3) ** 0.5
    half = stats.t.ppf(0.975, 4) * error
    assert volume.high - volume.low == pytest.approx(2 * half, rel=0.1)


def test_the_same_points_have_the_same_interval_and_no_noise_has_none():
    points = seeds_of([(1, 0.5), (2, 0.8)], 0.01)
    first, second = (volume_of(points, reference=(3, 0), directions=WAYS) for _ in range(2))
    assert first == second
    still = volume_of(seeds_of([(1, 0.5), (2, 0.8)], 0), reference=(3, 0), directions=WAYS)
    assert (still.low, still.high) == pytest.approx((still.value, still.value))


def test_who_is_beaten_by_far_is_never_on_the_front():
    points = seeds_of([(1, 0.9), (2, 0.5), (3, 0.9), (4, 0.99)], 0.001)
    shares = memberships(points, directions=WAYS)
    assert shares[0] == shares[3] == 1
    assert shares[1] == 0
    assert 0.2 < shares[2] < 0.8


def test_attainment_of_few_seeds_is_best_median_and_worst():
    fronts = [[(1, low), (2, high)] for low, high in ((0.5, 0.8), (0.51, 0.79), (0.52, 0.78))]
    surfaces = attainment(fronts, WAYS)
    assert list(surfaces) == ["best", "median", "worst"]
    assert surfaces["best"] == [(1, 0.52), (2, 0.80)]
    assert surfaces["median"] == [(1, 0.51), (2, 0.79)]
    assert surfaces["worst"] == [(1, 0.50), (2, 0.78)]


@given(st.integers(1, 40))
def test_a_share_of_the_seeds_attains_what_so_many_of_them_reach(seeds):
    qualities = [round(0.5 + seed / 100, 4) for seed in range(seeds)]
    surfaces = attainment([[(1, quality)] for quality in qualities], WAYS)
    if seeds < 20:
        assert surfaces["best"] == [(1, max(qualities))]
        assert surfaces["worst"] == [(1, min(qualities))]
    else:
        assert list(surfaces) == ["5 %", "median", "95 %"]
        reached = sum(quality >= surfaces["95 %"][0][1] for quality in qualities)
        assert reached >= 0.95 * seeds


def test_hypervolume_counts_what_is_beyond_the_reference_as_nothing():
    assert hypervolume([(1, 0.5), (9, 0.9)], (3, 0), WAYS) == pytest.approx(2 * 0.5)


def test_a_reading_lies_between_two_measured_points_of_the_front():
    reading = size_at(MEASURED, 0.96)
    assert reading.value == pytest.approx(200 * 2**0.5)
    assert reading.between == ((200, 0.94), (400, 0.98))
    assert quality_at(MEASURED, 200 * 2**0.5).value == pytest.approx(0.96)


def test_a_measured_point_is_read_as_it_is():
    assert size_at(MEASURED, 0.94).value == 200
    assert quality_at(MEASURED, 400.0).value == 0.98


def test_what_nothing_measured_is_good_for_is_not_reached():
    assert size_at(MEASURED, 0.981) is None
    assert quality_at(MEASURED, 99.0) is None


def test_where_all_that_was_measured_is_better_than_asked_the_answer_is_a_bound():
    smallest, best = size_at(MEASURED, 0.89), quality_at(MEASURED, 401.0)
    assert (smallest.value, smallest.bound) == (min(MEASURED)[0], True)
    assert (best.value, best.bound) == (0.98, True)
    assert not size_at(MEASURED, 0.96).bound


def test_mcnemar_is_the_exact_test_of_what_changed():
    first = [True] * 90 + [True] * 8 + [False] * 2
    second = [True] * 90 + [False] * 8 + [True] * 2
    assert mcnemar(first, second) == pytest.approx(stats.binomtest(8, 10).pvalue)
    assert mcnemar(first, second) == mcnemar(second, first)
    assert mcnemar(first, first) == 1
