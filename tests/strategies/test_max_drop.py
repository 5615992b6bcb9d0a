"""The allowed drop itself is allowed, for every number of right answers that a net may have."""

from types import SimpleNamespace

import pytest

from framework.strategies import _pruning

SAMPLES = 250


def tries(dense: int, lost: int, allowed: int) -> int:
    """How many nets are made where the first loses so many samples, and every later one none."""
    stage, asked = SimpleNamespace(right=dense), SimpleNamespace(right=dense - lost)
    job, made = SimpleNamespace(quality=lambda net: net.right / SAMPLES), []

    def prune(sparsity):
        made.append(sparsity)
        return asked if sparsity == 0.9 else stage

    _pruning.furthest(prune, stage, job, sparsity=0.9, max_drop=allowed / SAMPLES)
    return len(made)


@pytest.mark.parametrize("allowed", [0, 1, 2, 5, 10])
def test_a_net_that_loses_exactly_what_it_may_is_taken_and_one_sample_more_is_not(allowed):
    for dense in range(allowed + 1, SAMPLES + 1):
        assert tries(dense, allowed, allowed) == 1
        assert tries(dense, allowed + 1, allowed) > 1


def looked_for(quality, max_drop, sparsity=0.8):
    """(what was found, every sparsity that was tried); a stage is its own sparsity here, the dense net 0."""
    tried = []

    def prune(share):
        tried.append(share)
        return share

    found = _pruning.furthest(prune, 0.0, SimpleNamespace(quality=quality), sparsity=sparsity, max_drop=max_drop)
    return found, tried


def test_the_largest_sparsity_is_found_by_four_halvings():
    found, tried = looked_for(lambda share: 1.0 if share <= 0.42 else 0.5, max_drop=0.1)
    assert tried == pytest.approx([0.8, 0.4, 0.6, 0.5, 0.45])
    assert found == pytest.approx((0.4, 0.4))


def test_what_loses_exactly_as_much_as_it_may_is_good():
    assert looked_for(lambda share: 1.0 if share == 0 else 0.9, max_drop=0.1) == ((0.8, 0.8), [0.8])
    found, _ = looked_for(lambda share: 1.0 if share == 0 else (0.9 if share < 0.5 else 0.8), max_drop=0.1)
    assert found == pytest.approx((0.45, 0.45))


def test_where_nothing_is_good_enough_nothing_is_pruned():
    found, tried = looked_for(lambda share: 1.0 if share == 0 else 0.0, max_drop=0.1)
    assert found == (0.0, 0.0)
    assert tried == pytest.approx([0.8, 0.4, 0.2, 0.1, 0.05, 0.0])


def test_without_a_limit_one_net_is_made():
    assert looked_for(lambda share: pytest.fail("nobody asked"), max_drop=None) == ((0.8, 0.8), [0.8])
