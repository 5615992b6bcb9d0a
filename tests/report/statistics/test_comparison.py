"""Two methods by the same seeds: against scipy's paired t and a two-way layout."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from framework.report.statistics.comparison import difference

FEW = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 4)), elements=st.floats(-1, 1))


@given(FEW)
def test_a_seed_counts_once(table: np.ndarray) -> None:
    """Fewer than five seeds: scipy's t test of the seeds' means."""
    one, by_seed = difference(table), table.mean(axis=0)
    assert not one.pooled
    assert (one.settings, one.seeds, one.degrees) == (*table.shape, table.shape[1] - 1)
    assert one.mean == pytest.approx(table.mean())
    if by_seed.std() > 1e-9:
        expected = stats.ttest_1samp(by_seed, 0)
        assert one.p_zero == pytest.approx(expected.pvalue)
        assert one.interval(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))


def test_an_even_spread_is_pooled_and_an_effect_of_the_seed_is_not() -> None:
    generator = np.random.default_rng(3)
    alone = generator.standard_normal((4, 6))
    # the seeds' means are all alike, so that nothing speaks for an effect of the seed
    alone += generator.standard_normal((4, 1)) - 0.9 * alone.mean(axis=0)
    one = difference(alone)
    assert one.pooled
    assert one.degrees == 4 * (6 - 1)
    # the variance about each setting's own mean, that of all settings together
    variance = alone.var(axis=1, ddof=1).mean()
    assert one.error == pytest.approx((variance / alone.size) ** 0.5)
    moved = alone + 3 * generator.standard_normal(6)
    assert not difference(moved).pooled
    assert difference(moved).degrees == 5


def test_equal_means_two_one_sided_tests() -> None:
    table = np.array([[0.001, 0.002, -0.001, 0.0015]])
    one, region = difference(table), 0.005
    above = stats.ttest_1samp(table[0], -region, alternative="greater").pvalue
    below = stats.ttest_1samp(table[0], region, alternative="less").pvalue
    assert one.p_equal(region) == pytest.approx(max(above, below))
    low, high = one.interval(0.9)
    assert one.p_equal(region) < 0.05
    assert -region < low < high < region


def test_what_no_seed_changes_is_exact() -> None:
    one = difference([[100.0, 100.0, 100.0]])
    assert (one.error, one.p_zero, one.p_equal(200.0), one.p_equal(50.0)) == (0, 0, 0, 1)
    assert one.interval() == (100.0, 100.0)
    assert difference([[0.0, 0.0]]).p_zero == 1


@given(FEW, st.floats(-2, 2))
def test_the_other_way_round_is_the_same_with_its_sign(table: np.ndarray, by: float) -> None:
    one, other = difference(table + by), difference(-table - by)
    assert other.mean == -one.mean
    assert (other.p_zero, other.pooled) == (one.p_zero, one.pooled)
