"""How far a net is pruned under `max_drop`: the search by halving, on a quality that is known for
each sparsity."""

from types import SimpleNamespace

import pytest

from framework.strategies._pruning import within_max_drop


def searched(max_drop, *, sparsity=0.8, lost=lambda sparsity: sparsity):
    """(sparsities tried, what is found) where a net of a sparsity loses so much.

    Its "stage" is its sparsity.
    """
    tried = []
    job = SimpleNamespace(quality=lambda net: 1.0 - lost(net))
    found = within_max_drop(
        lambda share: tried.append(share) or share, 0.0, job, sparsity=sparsity, max_drop=max_drop
    )
    return tried, found


def test_without_a_limit_it_is_what_was_asked_and_nothing_is_measured():
    assert searched(None, lost=None) == ([0.8], (0.8, 0.8))


@pytest.mark.parametrize("max_drop", [0.8, 0.9, 1.0])
def test_what_stays_within_the_limit_is_taken_at_once(max_drop):
    assert searched(max_drop) == ([0.8], (0.8, 0.8))


def test_halves_are_taken_four_times_and_the_sparsest_good_net_is_kept():
    tried, (net, sparsity) = searched(0.3)
    assert tried == pytest.approx([0.8, 0.4, 0.2, 0.3, 0.35])
    assert (net, sparsity) == (pytest.approx(0.3), pytest.approx(0.3))


def test_the_last_good_net_is_not_the_last_one_tried():
    tried, (net, sparsity) = searched(0.5)
    assert tried == pytest.approx([0.8, 0.4, 0.6, 0.5, 0.55])
    assert (net, sparsity) == (pytest.approx(0.5), pytest.approx(0.5))


def test_where_every_try_loses_too_much_nothing_is_pruned_and_that_counts_too():
    tried, found = searched(0.01, lost=lambda sparsity: 0.02 if sparsity else 0.0)
    assert tried == pytest.approx([0.8, 0.4, 0.2, 0.1, 0.05, 0.0])
    assert found == (0.0, 0.0)
