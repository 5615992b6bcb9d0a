"""One identity: a result is a function of its spec, its plug-ins, its data and its environment, and
of nothing else.

Not of the cache, of the trials before it and their order, of the nets still traced, of the process,
of its hash seed, of how many operations run at once, of an earlier generation in the store, of
having been killed.
"""

from __future__ import annotations

import signal
import time
from hashlib import sha256

import pytest
from identity_support import digests
from nets_support import CATALOG
from studies_support import Project, new_project

from framework.results.record import MODEL_TFLITE, WEIGHTS_NPZ

STRATEGIES = CATALOG.strategies.names()
SIX = (
    "magnitude_prune",
    "random_prune",
    "gradient_prune",
    "variational_prune",
    "low_bit",
    "dynamic_sparse",
)
FEW_PAIRS = [
    *((name, "lenet_300_100") for name in SIX),
    ("random_prune", "lenet5"),
    ("random_prune", "squeezenet"),
    ("random_prune", "lstm"),
]
ALL_PAIRS = [(name, net) for net in CATALOG.architectures.names() for name in STRATEGIES]


def check_pairs(folder, pairs):
    """Trained now, in order, on traced nets.

    Then from the cache, reversed, evicted, one operation after another, under another hash seed.
    """
    cold = digests(folder, pairs, used=False, hash_seed=1, cores=4)
    again = digests(folder, pairs[::-1], used=True, hash_seed=2, cores=1)
    assert list(cold) == pairs
    assert {pair: again[pair] for pair in pairs if again[pair] != cold[pair]} == {}


def test_cache_order_eviction_process_hash_seed_and_cores_change_no_bit(tmp_path):
    check_pairs(tmp_path, FEW_PAIRS)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_cache_order_eviction_process_hash_seed_and_cores_change_no_bit_of_any_pair(tmp_path):
    check_pairs(tmp_path, ALL_PAIRS)


def epochs_of(name, epochs):
    """Those of a strategy's knobs that count epochs, as they stand in a study file."""
    knobs = CATALOG.strategies.get(name).knobs().items()
    return "".join(
        f", {knob}={max(epochs, int(item.low))}" for knob, item in knobs if item.unit == "epochs"
    )


@pytest.fixture
def project(tmp_path_factory, tmp_path, monkeypatch) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


def write(project, name, trials, epochs=1):
    """A study of one strategy.

    Its trials differ in the rate of the training, so each has a dense net of its own.
    """
    rates = "Train(epochs=1, warmup_epochs=0, batch_size=32, learning_rate=Float(0.001, 0.01))"
    project.write_study(
        trials=trials, train=rates, compress=f'[use("{name}"{epochs_of(name, epochs)})]'
    )


def bits(project: Project, generation: str = "0") -> dict[int, dict[str, str]]:
    """Trial -> sha256 of its weights and of its file, of the attempt that ended well."""
    runs = [run for run in project.runs("trial", generation=generation) if run.status == "FINISHED"]
    store = project.store()
    return {
        run.number: {
            file: sha256(store.artifact(run.run_id, file)).hexdigest()
            for file in (WEIGHTS_NPZ, MODEL_TFLITE)
        }
        for run in runs
    }


def test_a_study_that_begins_anew_ends_in_the_same_bits(project):
    write(project, "random_prune", trials=2)
    project.study()
    project.study(fresh=True)
    first, second = bits(project), bits(project, "1")
    assert len(first) == len(second) == 2
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_killed_and_gone_on_it_ends_in_the_same_bits(name, project, tmp_path_factory, tmp_path):
    whole = new_project(tmp_path_factory.getbasetemp(), tmp_path / "whole")
    for one in (project, whole):
        write(one, name, trials=3, epochs=2)
    whole.study()
    process = project.start("study", "tiny")
    try:
        project.wait_for(process, role="trial", number=1)
        time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    project.study()
    assert len(bits(whole)) == 3
    assert bits(project) == bits(whole)
