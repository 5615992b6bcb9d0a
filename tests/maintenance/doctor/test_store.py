"""What doctor says of runs that are RUNNING, and of a store that is kept elsewhere."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from studies_support import prepared

from benchmarks.attacks.catalogue import hot_journal
from framework.maintenance.doctor import runs as run_checks
from framework.maintenance.doctor.store import examine_store
from framework.results.record import Record
from framework.system.host import host_name
from framework.system.locks import study_lock
from framework.tracking.store import Store


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without runs: to make one takes seconds."""
    return prepared(tmp_path_factory.getbasetemp()) / "mlflow.db"


@pytest.fixture
def store(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store beside the project, at an address."""
    shutil.copy(empty, tmp_path / "elsewhere.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/elsewhere.db")
    return Store.open(tmp_path)


@pytest.fixture
def own_store(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The project's own."""
    shutil.copy(empty, tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Store.open(tmp_path)


def found(store: Store) -> dict[str, str]:
    """What was looked at -> level and first words."""
    return {item.what: f"{item.level}: {item.text}" for item in examine_store(store.root)}


def test_a_running_study_is_told_from_a_dead_one(store: Store) -> None:
    hosts = {
        "here": (host_name(), 10),
        "far": ("far", 10),
        "gone": ("far", 10_000),
        "dead": (host_name(), 10),
    }
    for name, (host, age) in hosts.items():
        tags = {"host": host, "lease": f"{time.time() - age:.0f}"}
        store.begin(name, role="study", name="study", tags=tags, params={})
    with study_lock(store.root, "here"):
        told = found(store)
    assert told["study here"] == "ok: is being run now"
    assert told["study far"] == "ok: is being run on far"
    assert told["study gone"].startswith("hint: 1 runs are RUNNING and their process is dead")
    assert told["study dead"].startswith("hint: ")
    assert told["runs"].startswith("ok: 0 finished")


def test_a_finished_run_without_files_is_wrong(store: Store) -> None:
    runs = [
        store.begin("mine", role="trial", name=f"trial {i}", tags={}, params={}) for i in range(2)
    ]
    for run in runs:
        store.finish(run, Record(artifacts={"model.tflite": b"net"}))
    assert found(store)["runs"] == "ok: 2 finished, each with its files"
    (store.root / ".artifacts" / "mine" / runs[1] / "artifacts" / "manifest.json").unlink()
    assert found(store)["runs"].startswith(
        f"WRONG: 1 of 2 finished runs have no files, as {runs[1]};"
    )


def test_a_project_without_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (only,) = examine_store(tmp_path)
    assert only.line() == "ok     store: not there yet; the first study makes it"
    assert list(tmp_path.iterdir()) == []


def finished_runs(store: Store, count: int = 2) -> list[str]:
    runs = [
        store.begin("mine", role="trial", name=f"trial {i}", tags={}, params={})
        for i in range(count)
    ]
    for run in runs:
        store.finish(run, Record(artifacts={"model.tflite": b"net" * 10}))
    return runs


def test_a_model_that_leads_to_no_run_is_told(store: Store) -> None:
    from mlflow import MlflowClient

    first, _ = finished_runs(store)
    assert "models" not in found(store)
    MlflowClient(store.uri).delete_run(first)
    (model,) = store.models("mine")[first]
    assert found(store)["models"].startswith(f"hint: 1 models, as {model}, lead to no run")


def test_a_file_of_a_run_that_is_gone_or_changed_is_wrong(store: Store) -> None:
    run, _ = finished_runs(store)
    net = store.root / ".artifacts" / "mine" / run / "artifacts" / "model.tflite"
    for content, word in ((b"ten" * 10, "is changed"), (b"net", "is changed"), (None, "No such")):
        net.write_bytes(content) if content else net.unlink()
        told = found(store)["runs"]
        assert told.startswith(f"WRONG: 1 files are not what was written, as {run}: model.tflite ")
        assert word in told


def test_what_is_too_much_to_read_each_time_is_read_when_asked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_checks, "VERIFIED_BYTES", 0)
    old, _ = finished_runs(store)
    net = store.root / ".artifacts" / "mine" / old / "artifacts" / "model.tflite"
    net.write_bytes(b"ten" * 10)  # of the same length
    assert found(store)["runs"] == (
        "ok: 2 finished, each with its files; those of the newest 0 have their sha256, all: "
        "squeezelab doctor --deep"
    )
    deep = {finding.what: finding for finding in examine_store(store.root, deep=True)}
    assert deep["runs"].level == "WRONG"
    assert old in deep["runs"].text


def test_files_that_no_store_knows_are_nothing_to_lose(own_store: Store) -> None:
    store, root = own_store, own_store.root
    run, _ = finished_runs(store)
    files = root / ".artifacts" / "mine"
    shutil.copytree(files / run, files / ("a" * 32))
    told = found(store)
    assert told[".artifacts"].startswith(f"hint: files of 1 runs, as {'a' * 32}, belong to no run")
    (root / "mlflow.db").write_bytes(b"")
    (only,) = examine_store(root)
    assert only.level == "WRONG"
    assert "files of 3 runs lie in .artifacts" in only.text


def test_a_store_whose_writer_was_killed_is_sound_and_stays_as_it_is(own_store: Store) -> None:
    store, root = own_store, own_store.root
    run = store.begin("mine", role="trial", name="t", tags={}, params={"seed": "0" * 6000})
    hot_journal(root)
    before = {path.name: path.read_bytes() for path in root.glob("mlflow.db*")}
    assert set(before) == {"mlflow.db", "mlflow.db-journal"}
    told = found(store)
    assert told["store"].startswith("hint: mlflow.db")
    assert "killed while it wrote" in told["store"]
    assert {path.name: path.read_bytes() for path in root.glob("mlflow.db*")} == before
    # the next command rolls the half change back
    assert Store.open(root).run(run).params == {"seed": "0" * 6000}


def test_a_damaged_store_is_called_so_and_nothing_is_to_be_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 100)
    (only,) = examine_store(tmp_path)
    assert only.level == "WRONG"
    assert (
        "is damaged: file is not a database. Keep a copy of it and put a backup there" in only.text
    )
