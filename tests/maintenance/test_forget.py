"""What is found of a study, and what its deletion leaves: on a real store, with runs that took no
training."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from framework.errors import StudyLocked, UnknownName, UserError
from framework.maintenance.forget import find, forget
from framework.results.record import Record
from framework.tracking import history
from framework.tracking.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with the studies `mine` (5 runs), `my` and `hidden`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = Store.open(tmp_path_factory.mktemp("project"))
        for name in ("mine", "my", "hidden"):
            fill(store, name)
        yield store  # type: ignore[misc]


def fill(store: Store, name: str) -> None:
    """One run of each role, with curves, data and files."""
    for role in ("study", "baseline", "control", "trial", "confirm"):
        run = store.begin(
            name, role=role, name=role, tags={"host": "here"}, params={"train.epochs": "3"}
        )
        store.curve(run, 1, {"loss": 0.5})
        store.log_dataset(run, name="digits", digest="0" * 64, source="here", profile={})
        store.finish(
            run, Record(metrics={"val_accuracy": 0.9}, artifacts={"model.tflite": b"x" * 1000})
        )
    for out in (name, f"{name}@01234567"):
        (store.root / "reports" / "out" / out).mkdir(parents=True)
        (store.root / "reports" / "out" / out / "pareto.md").write_text("page")


def rows(root: Path, table: str) -> int:
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        return int(database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def test_all_of_one_study_goes_and_nothing_of_another(store: Store) -> None:
    root = store.root
    before = store.runs("my")
    tables = ("experiments", "runs", "metrics", "latest_metrics", "params", "tags", "datasets")
    tables += ("logged_models", "logged_model_metrics", "logged_model_tags", "inputs", "input_tags")
    with_it = {table: rows(root, table) for table in tables}
    kept = find(root, "mine")
    assert kept.roles == {"study": 1, "baseline": 1, "control": 1, "trial": 1, "confirm": 1}
    assert [str(folder.relative_to(root)) for folder in kept.folders] == [
        ".artifacts/mine",
        "reports/out/mine",
        "reports/out/mine@01234567",
    ]
    assert kept.lines(root)[1].startswith("  .artifacts/mine: ")
    forget(root, kept)
    assert Store.open(root).studies() == ["hidden", "my"]
    assert store.runs("my") == before
    assert store.artifact(before[0].run_id, "model.tflite") == b"x" * 1000
    assert not [path for path in root.rglob("*") if path.name.startswith("mine")]
    without = {table: rows(root, table) for table in tables}
    # Three studies were alike; the experiment beside them is MLflow's own.
    assert without.pop("experiments") == with_it.pop("experiments") - 1
    assert without == {table: count * 2 // 3 for table, count in with_it.items()}
    fill(Store.open(root), "mine")
    assert find(root, "mine").roles == kept.roles


def test_what_the_ui_has_hidden_is_found_and_goes_too(store: Store) -> None:
    client = MlflowClient(store.uri)
    runs = store.runs("hidden")
    client.delete_run(runs[3].run_id)
    assert find(store.root, "hidden").roles["deleted in the UI"] == 1
    client.delete_experiment(client.get_experiment_by_name("hidden").experiment_id)
    kept = find(store.root, "hidden")
    assert kept.roles == {"deleted in the UI": 5}
    with pytest.raises(UserError, match="make forget NAME=hidden"):
        Store.open(store.root).begin("hidden", role="trial", name="x", tags={}, params={})
    forget(store.root, kept)
    assert client.get_experiment_by_name("hidden") is None


def test_one_that_was_interrupted_can_be_finished(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framework.tracking.tables.deletion import Database

    fill(store, "cut")
    original, calls = Database._do, []

    def killed(self: Database, method: str, *arguments: object, **options: object) -> object:
        calls.append(method)
        if calls.count("_hard_delete_run") == 3:
            raise KeyboardInterrupt
        return original(self, method, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "_do", killed)
        with pytest.raises(KeyboardInterrupt):
            forget(store.root, find(store.root, "cut"))
    assert "cut" not in Store.open(store.root).studies()  # nobody takes the rest for the whole
    kept = find(store.root, "cut")
    assert kept.roles == {"deleted in the UI": 3}
    forget(store.root, kept)
    with pytest.raises(UnknownName):
        find(store.root, "cut")


def test_files_without_a_run_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / ".artifacts" / "old").mkdir(parents=True)
    kept = find(tmp_path, "old")
    assert kept.roles == {}
    assert kept.lines(tmp_path) == ["  runs: none", "  .artifacts/old: 0 B"]
    forget(tmp_path, kept)
    assert list((tmp_path / ".artifacts").iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../..", "my@01234567", "m", "Default", "%"])
def test_only_studies_can_be_forgotten(store: Store, name: str) -> None:
    with pytest.raises(UnknownName):
        find(store.root, name)


def test_not_while_another_host_runs_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LOOK_SECONDS", 0.05)
    run = store.begin(
        "my", role="study", name="s", tags={"host": "far", "lease": f"{time.time():.0f}"}, params={}
    )
    timer = threading.Timer(0.2, lambda: store.tag(run, lease=f"{time.time() + 60:.0f}"))
    timer.start()
    with pytest.raises(StudyLocked, match="far"):
        find(store.root, "my")
    timer.join()
    store.close(run, "KILLED")
    assert find(store.root, "my").roles["study"] == 2


def test_what_a_server_keeps_is_deleted_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    with pytest.raises(UserError, match="mlflow gc") as caught:
        find(tmp_path, "my")
    assert "secret" not in str(caught.value)
