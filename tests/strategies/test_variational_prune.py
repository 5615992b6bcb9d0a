"""Sparse variational dropout: the divergence of the paper, what the noise does, exactly as many
zeros as asked."""

import numpy as np
import pytest
from nets_support import CATALOG, SMALL, fixed, job_for, tiny_fit, tiny_stage

from framework.nn import compression, training
from framework.nn.compression import variational_dropout
from framework.runner.trial import compress
from framework.study import use


def divergence(log_alpha):
    """Formula 14 of the paper with its sign changed and the constant that lets it end at 0."""
    k1, k2, k3 = 0.63576, 1.87320, 1.48695
    return k1 - k1 / (1 + np.exp(-k2 - k3 * log_alpha)) + 0.5 * np.log1p(np.exp(-log_alpha))


def test_the_divergence_is_the_papers_and_falls_to_nothing():
    found = variational_dropout._divergence(
        np.array([-6.0, -2.0, 0.0, 3.0, 30.0], np.float32)
    ).numpy()
    assert found == pytest.approx(
        divergence(np.array([-6.0, -2.0, 0.0, 3.0, 30.0])), rel=1e-4, abs=1e-6
    )
    assert (np.diff(found) < 0).all()
    assert found[-1] == pytest.approx(0, abs=1e-6)


def trained(strength, *, start=-8.0, epochs=4):
    """(log alpha of all kernels, the weights) of the tiny net after training under noise."""
    stage, seen = tiny_stage(), {}

    class Seen(variational_dropout.NoiseWrap):
        def finish(self, weights, dynamic):
            seen.update(dynamic)
            return weights

    wrap = Seen(tuple(compression.pruning.kernels(stage)))
    names = {variational_dropout.name_of(key): stage.weights[key].shape for key in wrap.keys}
    begin = {
        name: np.full(shape, start / variational_dropout.SPEED, np.float32)
        for name, shape in names.items()
    }
    request = tiny_fit(wrap=wrap, dynamic=begin | {"seed": 1, "strength": strength}, epochs=epochs)
    weights = training.fit.fit(stage, request).weights
    found = [
        variational_dropout.log_alpha(
            weights[key],
            variational_dropout.SPEED * seen[variational_dropout.name_of(key)],
        )
        for key in wrap.keys
    ]
    return np.concatenate([value.ravel() for value in found]), weights


def test_the_divergence_pulls_the_noise_up():
    without, _ = trained(0.0)
    with_it, weights = trained(1.0)
    assert np.median(with_it) > np.median(without)
    assert all(np.isfinite(value).all() for value in weights.values())


@pytest.fixture
def made(lab):
    def run(*steps, net="lenet5", **train):
        spec = fixed(SMALL[net], *steps, **train)
        return compress(spec, lab, job_for(spec, lab))

    return run


def total(stage):
    return sum(int((stage.weights[key] == 0).sum()) for key in compression.pruning.kernels(stage))


def sizes(stage):
    return sum(stage.weights[key].size for key in compression.pruning.kernels(stage))


@pytest.mark.parametrize("sparsity", [0.3, 0.9])
@pytest.mark.parametrize("tune_epochs", [0, 1])
def test_as_many_zeros_as_asked_over_all_kernels(sparsity, tune_epochs, made):
    stage = made(use("variational_prune", sparsity=sparsity, epochs=1, tune_epochs=tune_epochs))
    assert total(stage) == compression.masks.zeros_asked(sizes(stage), sparsity)
    assert sum(stage.steps[-1].asked.values()) == total(stage)
    assert all((stage.weights[key] != 0).any() for key in compression.pruning.kernels(stage))


def test_more_zeros_than_asked_stay_as_they_are(made):
    first = made(use("global_prune", sparsity=0.8, epochs=0))
    both = made(
        use("global_prune", sparsity=0.8, epochs=0),
        use("variational_prune", sparsity=0.5, epochs=1, tune_epochs=1),
    )
    assert total(both) == total(first)
    for key, zeros in first.masks.items():
        assert np.array_equal(both.weights[key] == 0, zeros)


def test_it_spends_both_kinds_of_epochs():
    assert (
        CATALOG.strategies.build("variational_prune", {"epochs": 3, "tune_epochs": 2}).budget() == 5
    )
