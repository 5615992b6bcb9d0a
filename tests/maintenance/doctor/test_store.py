"""What doctor says of runs that are RUNNING, and of a store that is kept elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from framework.maintenance.doctor.store import examine_store
from framework.results.record import Record
from framework.system.host import host_name
from framework.system.locks import study_lock
from framework.tracking.store import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/elsewhere.db")
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
