"""The exported files as MLflow's models: one for each run that has a file, and none beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store_support import by_calls

from framework.results.record import Record
from framework.tracking.models import model_name
from framework.tracking.store import Store

METRICS = {"val_accuracy": 0.9, "size_tflite_bytes": 3.0, "baseline.val_accuracy": 0.95}
PARAMS = {"architecture": "lenet5", "compress.0.sparsity": "0.9", "train.epochs": "3"}


@pytest.fixture(scope="module", params=["tables", "calls"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """As it is, and written as one on a server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = Store.open(tmp_path_factory.mktemp("lab"))
        yield by_calls(store) if request.param == "calls" else store


@pytest.fixture
def study(request: pytest.FixtureRequest) -> str:
    """A study of its own for every test."""
    return str(request.node.name).partition("[")[0]


def client(store: Store) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.uri)


def run_of(store: Store, study: str, **record: Any) -> str:
    name = "trial 003 · magnitude_prune · sparsity 0.9 · seed 0"
    run_id = store.begin(study, role="trial", name=name, tags={}, params=PARAMS)
    given = {"metrics": METRICS, "artifacts": {"model.tflite": b"net"}, **record}
    store.finish(run_id, Record(**given))
    return run_id


def models(store: Store, study: str) -> list[Any]:
    return list(client(store).search_logged_models([store.experiment(study)]))


def test_a_file_is_a_model_that_leads_to_its_run_and_has_no_files(store: Store, study: str) -> None:
    run_id = run_of(store, study, times={"seconds": 2.0})
    (model,) = models(store, study)
    assert (model.name, model.model_type) == ("trial 003 · magnitude_prune · seed 0", "tflite")
    assert (str(model.status), model.source_run_id) == ("READY", run_id)
    assert model.params == {"architecture": "lenet5", "compress.0.sparsity": "0.9"}
    assert {metric.key: metric.value for metric in model.metrics} == {
        "val_accuracy": 0.9,
        "size_tflite_bytes": 3.0,
    }
    assert model.tags["squeezelab.bytes"] == "3"
    assert model.tags["mlflow.note.content"].startswith(
        f"[model.tflite](get-artifact?path=model.tflite&run_uuid={run_id}), 3 bytes"
    )
    outputs = client(store).get_run(run_id).outputs.model_outputs
    assert [output.model_id for output in outputs] == [model.model_id]
    assert not (store.root / ".artifacts" / study / "models").exists()
    # its latency comes later, when all files are timed
    store.add(run_id, {"latency_us_p50": 7.0})
    (model,) = models(store, study)
    assert {metric.key for metric in model.metrics} > {"latency_us_p50"}


def test_a_run_without_a_file_has_none(store: Store, study: str) -> None:
    run_of(store, study, artifacts={}, metrics={}, reason="diverged")
    assert models(store, study) == []
    assert store.models(study) == {}
    assert store.models("nothing of this name") == {}


def test_a_model_goes_with_its_file(store: Store, study: str) -> None:
    beaten, kept = run_of(store, study), run_of(store, study)
    store.remove(beaten, ["model.tflite"], why="keep=front")
    assert list(store.models(study)) == [kept]
    # what another session made, and once more
    other = Store.open(store.root)
    other.remove(kept, ["model.tflite"], why="keep=front")
    other.remove(kept, ["model.tflite"], why="keep=front")
    assert store.models(study) == {}


def test_a_run_that_is_killed_before_its_end_leaves_none(
    store: Store, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    by_calls(store)  # into tables all is written at once
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_terminated", killed)
        with pytest.raises(KeyboardInterrupt):
            run_of(store, study)
    (run,) = store.runs(study)
    assert (run.status, len(store.models(study)[run.run_id])) == ("RUNNING", 1)
    Store.open(store.root).close(run.run_id, "KILLED", reason="died")
    assert store.models(study) == {}


def test_a_server_that_knows_no_models_has_the_runs_all_the_same(
    store: Store, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ENDPOINT_NOT_FOUND

    def missing(*_: Any, **__: Any) -> None:
        said = "API request to endpoint /api/2.0/mlflow/logged-models failed with error code 404"
        raise MlflowException(said, error_code=ENDPOINT_NOT_FOUND)

    for call in ("create_logged_model", "search_logged_models"):
        monkeypatch.setattr(MlflowClient, call, missing)
    old = by_calls(Store.open(store.root))
    first, second = run_of(old, study), run_of(old, study)
    old.remove(first, ["model.tflite"], why="keep=front")
    killed = old.begin(study, role="trial", name="t", tags={}, params={})
    old.close(killed, "KILLED", reason="died")
    assert old.models(study) == {}
    statuses = {run.run_id: run.status for run in old.runs(study)}
    assert statuses == {first: "FINISHED", second: "FINISHED", killed: "KILLED"}
    assert old.run(second).metrics["val_accuracy"] == 0.9


@pytest.mark.parametrize(
    ("run", "model"),
    [
        ("trial 001 · a+b · 4 epochs · seed 2", "trial 001 · a+b · 4 epochs · seed 2"),
        ("trial 001 · lr 1e-05 · path a/b · q 'x' · seed 2", "trial 001 · lr 1e-05 · seed 2"),
        ("50.5%", "tflite"),
    ],
)
def test_a_name_holds_what_mlflow_takes(run: str, model: str) -> None:
    assert model_name(run) == model


def test_a_run_that_another_session_began_has_its_own_model(store: Store, study: str) -> None:
    run_id = store.begin(study, role="trial", name="trial 1", tags={}, params=PARAMS)
    Store.open(store.root).finish(run_id, Record(artifacts={"model.tflite": b"net"}))
    (model,) = models(store, study)
    assert (model.name, model.params["architecture"]) == ("trial 1", "lenet5")


def test_models_follow_a_moved_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "old").mkdir()
    run_of(Store.open(tmp_path / "old"), "mine")
    (tmp_path / "old").rename(tmp_path / "new")
    here = Store.open(tmp_path / "new")
    (model,) = models(here, "mine")
    assert model.artifact_location.startswith((tmp_path / "new" / ".artifacts").as_uri())
