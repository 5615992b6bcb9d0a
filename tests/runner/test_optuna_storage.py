"""A study as an Optuna storage: what the search saw, by the numbers of the trials."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from framework import AtMost, Choice, Float, Study, use
from framework.contracts import Catalog
from framework.errors import UserError
from framework.planning.resolve import resolve
from framework.results.record import Record
from framework.runner.export.optuna_storage import export
from framework.runner.sampler import Sampler
from framework.tracking.store import Store

PRUNE = use("magnitude_prune", sparsity=Float(0.3, 0.95), epochs=Choice(1, 2))
STUDY = resolve(
    Study(
        dataset=use("digits"),
        architecture=use("lenet_300_100"),
        compress=[PRUNE],
        sampler="random",
        constraints=[AtMost("size_tflite_bytes", 2_000)],
    ),
    Catalog(),
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Store.open(tmp_path)


def fill(store: Store, study: Study, *, numbers: list[int], failed: int = -1) -> None:
    """A study that only the store has, whose trials are asked as a session asks them."""
    tags = {"study_digest": study.digest, "generation": "0"}
    parent = store.begin("mine", role="study", name="study", tags=tags, params={})
    described = {"question": "How small?", "digest": study.digest, "overrides": []}
    content = json.dumps({**described, "study": study.json()}).encode()
    store.finish(parent, Record(artifacts={"study.json": content}))
    sampler = Sampler(study)
    for number in range(max(numbers) + 1):
        asked = sampler.ask(number)
        assert asked is not None
        if number not in numbers:
            continue
        named = {**tags, "trial": f"{number:06d}", "strategy": "magnitude_prune"}
        run = store.begin("mine", role="trial", name="t", tags=named, params={})
        metrics = {"val_accuracy": 0.9, "params_nonzero": 10.0 * number}
        metrics["size_tflite_bytes"] = 1000.0 + 1000 * number
        result = Record(metrics=metrics, artifacts={"optuna.json": asked.optuna.encode()})
        if number == failed:
            result = replace(result, metrics={}, reason="diverged")
        store.finish(run, result)


def opened(file: Path) -> optuna.Study:
    return optuna.load_study(study_name="mine", storage=f"sqlite:///{file}")


def test_trials_keep_their_numbers_values_and_limits(store: Store, tmp_path: Path) -> None:
    fill(store, STUDY, numbers=[0, 1, 3], failed=1)
    out = tmp_path / "study.db"
    assert export(store, tmp_path, "mine", out, catalog=Catalog()) == 3
    study = opened(out)
    assert study.metric_names == ["val_accuracy", "params_nonzero"]
    assert study.user_attrs["question"] == "How small?"
    states = [trial.state.name for trial in study.trials]
    # number 2 has not ended, and the others keep theirs
    assert states == ["COMPLETE", "FAIL", "FAIL", "COMPLETE"]
    assert study.trials[3].values == [0.9, 30.0]
    runs = {run.number: run for run in store.runs("mine", role="trial")}
    for number in (0, 1, 3):
        trial, run = study.trials[number], runs[number]
        question = json.loads(store.artifact(run.run_id, "optuna.json"))
        assert trial.params == question["params"]
        assert trial.user_attrs["run"] == run.run_id
    assert study.trials[3].user_attrs["size_tflite_bytes"] == 4000.0
    assert study.trials[0].constraints == {"AtMost size_tflite_bytes": -1000.0}
    assert study.trials[3].constraints == {"AtMost size_tflite_bytes": 2000.0}
    assert {trial.number for trial in study.best_trials} == {0}


def test_values_of_a_grid_are_one_domain(store: Store, tmp_path: Path) -> None:
    steps = [use("magnitude_prune", sparsity=Choice(0.5, 0.9), epochs=Choice(1, 2))]
    study = replace(STUDY, sampler="grid", compress=steps, constraints=[])
    fill(store, resolve(study, Catalog()), numbers=[0, 1, 2, 3])
    out = tmp_path / "study.db"
    export(store, tmp_path, "mine", out, catalog=Catalog())
    (forms,) = {str(trial.distributions) for trial in opened(out).trials}
    assert "FloatDistribution(high=0.9" in forms
    assert "IntDistribution(high=2" in forms


def test_what_cannot_be_written_is_said(store: Store, tmp_path: Path) -> None:
    fill(store, STUDY, numbers=[0])
    out = tmp_path / "study.db"
    out.write_bytes(b"mine")
    with pytest.raises(UserError, match="would be overwritten"):
        export(store, tmp_path, "mine", out, catalog=Catalog())
    assert out.read_bytes() == b"mine"
    assert export(store, tmp_path, "mine", out, catalog=Catalog(), force=True) == 1
    for wrong in (tmp_path / "no" / "study.db", tmp_path, tmp_path / "what?.db"):
        with pytest.raises(UserError, match="in a folder that is there"):
            export(store, tmp_path, "mine", wrong, catalog=Catalog())
    tags = {"study_digest": "0" * 64, "generation": "0"}
    store.begin("empty", role="study", name="s", tags=tags, params={})
    with pytest.raises(UserError, match="empty has no trial that has ended"):
        export(store, tmp_path, "empty", tmp_path / "other.db", catalog=Catalog())
    assert not list(tmp_path.glob(".*.part"))
