"""What a stage promises holds through any training, on a fresh net and on a reused one."""

from dataclasses import replace

import numpy as np
import pytest
from nets_support import digest, masked, tiny_fit, tiny_stage

from framework.contracts import Bits, Codebook, Mask, Remask
from framework.errors import TrialError
from framework.nn import compression, training
from framework.nn.compression import clustering
from framework.runner.stage_checks import check_keeps

KERNELS = (("conv", 0), ("hidden", 0), ("head", 0))


def with_codebooks(stage, size):
    weights, books = dict(stage.weights), []
    for key in KERNELS:
        zeros = stage.masks.get(key)
        groups, centres = clustering.shared(weights[key], size, start="linear", seed=0, zeros=zeros)
        weights[key] = centres.astype(np.float32)[groups]
        books.append(Codebook(key, groups, size))
    return stage.with_weights(weights).keeping(tuple(books))


def on_grids(stage):
    weights = {
        key: np.sign(value) if key in KERNELS else value for key, value in stage.weights.items()
    }
    return stage.with_weights(weights).keeping(tuple(Bits(key, 2) for key in KERNELS))


PROMISES = {
    "masks": lambda: masked(tiny_stage(), 0.5),
    "codebooks": lambda: with_codebooks(tiny_stage(), 4),
    "masks and codebooks": lambda: with_codebooks(masked(tiny_stage(), 0.5), 4),
    "grids": lambda: on_grids(tiny_stage()),
}


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "momentum"])
@pytest.mark.parametrize("kind", PROMISES)
def test_it_holds_under_every_optimizer(kind, optimizer):
    before = PROMISES[kind]()
    after = training.fit.fit(
        before, tiny_fit(optimizer=optimizer, weight_decay=0.01, learning_rate=0.01)
    )
    check_keeps(replace(after, steps=before.steps))
    for key in KERNELS:
        moved = not np.array_equal(after.weights[key], before.weights[key])
        assert moved == (kind != "grids")
        if "masks" in kind:
            assert np.array_equal(after.weights[key] == 0, before.masks[key])
        if "codebooks" in kind:
            assert len(np.unique(after.weights[key])) == len(np.unique(before.weights[key])) <= 4
    assert not np.array_equal(after.weights["head", 1], before.weights["head", 1])


@pytest.mark.parametrize("kind", PROMISES)
def test_a_reused_net_gives_the_bits_of_a_fresh_one(kind):
    training.fit.nets.clear()
    stage = PROMISES[kind]()
    fresh = digest(training.fit.fit(stage, tiny_fit()))
    other = (
        with_codebooks(masked(tiny_stage(seed=3), 0.3), 7)
        if "codebooks" in kind
        else PROMISES[kind]()
    )
    training.fit.fit(other, tiny_fit(seed=5))
    assert digest(training.fit.fit(stage, tiny_fit())) == fresh


def test_codebooks_of_any_size_share_one_trace():
    training.fit.nets.clear()
    before = training.fit.Trained.traces
    for size in (2, 3, 16, 40):
        training.fit.fit(with_codebooks(tiny_stage(), size), tiny_fit(epochs=1))
    assert training.fit.Trained.traces == before + 1


def test_a_broken_promise_is_found():
    stage = replace(masked(tiny_stage(), 0.5), steps=(nothing(),))
    broken = stage.with_weights(
        {**stage.weights, ("head", 0): np.ones_like(stage.weights["head", 0])}
    )
    with pytest.raises(TrialError, match="undone zeros"):
        check_keeps(broken)
    stage = replace(with_codebooks(tiny_stage(), 3), steps=(nothing(),))
    drift = stage.weights["head", 0] + np.random.default_rng(0).normal(
        size=stage.weights["head", 0].shape
    )
    with pytest.raises(TrialError, match="undone shared values"):
        check_keeps(stage.with_weights({**stage.weights, ("head", 0): drift}))
    stage = replace(on_grids(tiny_stage()), steps=(nothing(),))
    with pytest.raises(TrialError, match="undone levels"):
        check_keeps(
            stage.with_weights({**stage.weights, ("hidden", 0): tiny_stage().weights["hidden", 0]})
        )


def nothing():
    from framework.contracts import Step

    return Step(strategy="nothing", knobs={})


def test_masks_that_move_are_asked_for_at_their_steps_and_hold_at_once():
    """8 steps of training: 48 samples in batches of 12, two epochs."""
    stage = tiny_stage().keeping(
        tuple(Mask(key, np.zeros(tiny_stage().weights[key].shape, bool)) for key in KERNELS)
    )
    asked = []

    def update(step, now):
        asked.append((step, {key: float(zeros.mean()) for key, zeros in now.masks.items()}, now))
        return {
            key: compression.masks.smallest(now.weights[key], now.weights[key].size * step // 10)
            for key in KERNELS
        }

    after = training.fit.fit(stage, tiny_fit(remask=Remask(frozenset({2, 5}), update)))
    assert [step for step, _, _ in asked] == [2, 5]
    assert set(asked[0][1].values()) == {0.0}
    for key in KERNELS:
        size = stage.weights[key].size
        second = asked[1][2]
        # what was zeroed at step 2 had stayed so
        assert (second.weights[key] == 0).sum() == size * 2 // 10
        assert np.array_equal(second.weights[key] == 0, second.masks[key])
        assert (after.weights[key] == 0).sum() == size * 5 // 10
        assert np.array_equal(after.masks[key], after.weights[key] == 0)


def test_what_grows_again_begins_at_zero_and_learns():
    key = ("hidden", 0)
    stage = masked(tiny_stage(), 0.5)
    regrown = np.argwhere(stage.masks[key])[0]

    def update(step, now):
        zeros = now.masks[key].copy()
        zeros[tuple(regrown)] = False
        return {key: zeros}

    after = training.fit.fit(stage, tiny_fit(remask=Remask(frozenset({1}), update)))
    assert (after.weights[key] == 0).sum() in (stage.masks[key].sum() - 1, stage.masks[key].sum())
    assert after.masks[key].sum() == stage.masks[key].sum() - 1
