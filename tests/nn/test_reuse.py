"""Traced once, run many: a reused net gives the same bits as a fresh one."""

import subprocess
import sys
from pathlib import Path

import pytest
from nets_support import digest, masked, tiny_fit, tiny_samples, tiny_stage
from sequence_nets import mixed, staged, training_of

from framework.errors import TrialTimeout
from framework.nn import compression, training
from framework.nn.reuse import Kept
from framework.nn.tflite import converter


def pruning(*, sparsity, **changes):
    layers = ("conv", "head", "hidden")
    shares = {
        f"{end}/{name}": share
        for name in layers
        for end, share in (("initial", 0.0), ("final", sparsity))
    }
    wrap = compression.pruning.MagnitudeWrap(layers)
    return tiny_fit(wrap=wrap, dynamic={"end_step": 4, "frequency": 1} | shares, **changes)


def traces_of(run, **changes):
    before = training.fit.Trained.traces
    run(**changes)
    return training.fit.Trained.traces - before


@pytest.fixture
def fresh():
    training.fit.nets.clear()


@pytest.mark.usefixtures("fresh")
def test_one_trace_serves_other_seeds_rates_epochs_sparsities_and_weights():
    def trials():
        for number in range(4):
            changes = {"seed": number, "epochs": 1 + number % 3, "learning_rate": 10.0**-number}
            changes |= {"label_smoothing": 0.1 * number, "augment": number > 1}
            training.fit.fit(tiny_stage(seed=number), pruning(sparsity=0.2 * number, **changes))

    assert traces_of(trials) == 1


@pytest.mark.usefixtures("fresh")
def test_another_structure_is_another_trace():
    changes = [
        {},
        {"optimizer": "sgd"},
        {"batch_size": 6},
        {"decay": "step"},
        {"weight_decay": 0.1},
    ]

    def trained(sparsity=0.0, **train):
        stage = masked(tiny_stage(), sparsity) if sparsity else tiny_stage()
        training.fit.fit(stage, tiny_fit(epochs=1, **train))

    assert [traces_of(trained, **one) for one in changes] == [1] * 5
    assert [traces_of(trained, sparsity=share) for share in (0.5, 0.8)] == [1, 0]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("kind", ["plain", "pruned", "held", "normalised"])
def test_a_reused_net_gives_the_bits_of_a_fresh_one(kind, dropout):
    def trained(seed):
        stage = tiny_stage(seed=seed, dropout=dropout, batch_norm=kind == "normalised")
        stage = masked(stage, 0.5) if kind == "held" else stage
        request = pruning(sparsity=0.7, seed=seed) if kind == "pruned" else tiny_fit(seed=seed)
        return digest(training.fit.fit(stage, request))

    trained(5)
    trained(6)
    reused = trained(0)
    training.fit.nets.clear()
    assert trained(0) == reused != trained(5)


@pytest.mark.usefixtures("fresh")
def test_so_does_one_with_recurrence_attention_and_embeddings():
    """Whose layers hold generators within them."""
    model = mixed()

    def trained(seed):
        return digest(
            training.fit.fit(staged(model), training_of(model, seed=seed, optimizer="adamw"))
        )

    trained(5)
    reused = trained(0)
    training.fit.nets.clear()
    assert trained(0) == reused != trained(5)


@pytest.mark.usefixtures("fresh")
def test_a_net_is_dropped_after_an_exception():
    stage, built = tiny_stage(), training.fit.nets.built
    training.fit.fit(stage, tiny_fit())
    whole = digest(training.fit.fit(stage, tiny_fit()))
    assert training.fit.nets.built == built + 1
    with pytest.raises(TrialTimeout):
        training.fit.fit(stage, tiny_fit(deadline=0.0))
    assert digest(training.fit.fit(stage, tiny_fit())) == whole
    assert training.fit.nets.built == built + 2


def test_at_most_as_many_nets_as_allowed_the_oldest_goes_first():
    kept = Kept(2)

    def use(key):
        with kept.use(key, key.upper) as net:
            return net

    assert [use(key) for key in "abacab"] == list("ABACAB")
    assert kept.built == 4  # a, b, c, and b again: a was used after b
    kept.clear()
    use("a")
    assert kept.built == 5


SCRIPT = """
from nets_support import digest, tiny_fit, tiny_samples, tiny_stage
from framework.nn import training
from framework.nn.tflite import converter
print(digest(training.fit.fit(tiny_stage(dropout=0.5, batch_norm=True), tiny_fit(augment=True))))
print(converter.predict(tiny_stage(), tiny_samples()).tobytes().hex()[:64])
"""


def test_fresh_processes_give_the_bits_of_this_one():
    here = [
        digest(training.fit.fit(tiny_stage(dropout=0.5, batch_norm=True), tiny_fit(augment=True))),
        converter.predict(tiny_stage(), tiny_samples()).tobytes().hex()[:64],
    ]
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    started = [
        subprocess.Popen(
            command, cwd=tests, stdout=subprocess.PIPE, text=True, env=environment(tests)
        )
        for _ in range(2)
    ]
    assert [process.communicate()[0].split() for process in started] == [here, here]


def environment(tests):
    import os

    return os.environ | {"PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}"}
