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

    _pruning.within_max_drop(prune, stage, job, sparsity=0.9, max_drop=allowed / SAMPLES)
    return len(made)


@pytest.mark.parametrize("allowed", [0, 1, 2, 5, 10])
def test_a_net_that_loses_exactly_what_it_may_is_taken_and_one_sample_more_is_not(allowed):
    for dense in range(allowed + 1, SAMPLES + 1):
        assert tries(dense, allowed, allowed) == 1
        assert tries(dense, allowed + 1, allowed) > 1
