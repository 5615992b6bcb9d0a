"""Runs that are read by SQL are those of MLflow's client, which has what is not known."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.many_runs.make import NAME, make
from framework.results.record import Run
from framework.tracking import bulk
from framework.tracking.bulk import MANY, Bulk
from framework.tracking.store import Store

ROLES = ("study", "baseline", "control", "trial", "replicate", "confirm")
QUOTED = 'it\'s `so` "said" \\ %'


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of twelve trials, some of which somebody has been at."""
    root = tmp_path_factory.mktemp("many")
    make(root, 12)
    store = Store.open(root)
    trials = store.runs(NAME, role="trial")
    store.tag(trials[1].run_id, reason=QUOTED)
    store._client.delete_run(trials[2].run_id)
    store._client.log_metric(trials[3].run_id, "mine", float("nan"))
    store._client.log_metric(trials[3].run_id, "epoch.loss", 0.5)
    store._client.log_metric(trials[4].run_id, "baseline.val_accuracy", float("inf"))
    store._client.set_tag(trials[4].run_id, "mine", "a tag of nobody's")
    alter(root, "UPDATE latest_metrics SET value = 'none' WHERE run_uuid = ?", trials[5].run_id)
    alter(root, "UPDATE runs SET name = NULL, end_time = NULL WHERE run_uuid = ?", trials[6].run_id)
    store.begin(NAME, role="trial", name="it runs", tags={"trial": "000012"}, params={})
    return root


def alter(root: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(root / "mlflow.db")) as database, database:
        database.execute(statement, values)


def through_mlflow(root: Path, **tags: str) -> list[Run]:
    store = Store.open(root, create=False)
    store._bulk = Bulk("http://127.0.0.1:9")
    return store.runs(NAME, **tags)


def exact(runs: list[Run]) -> list[str]:
    """With every digit of a number, and NaN equal to itself."""
    return list(map(_exact, runs))


def _exact(run: Run) -> str:
    parts = [sorted(part.items()) for part in (run.tags, run.params, run.metrics)]
    return repr((run.run_id, run.name, run.status, run.start_ms, run.end_ms, *parts))


@pytest.mark.parametrize("few", [0, bulk.FEW])
@pytest.mark.parametrize("role", ROLES)
def test_runs_are_those_of_mlflow(
    root: Path, role: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # few runs are asked for by their ids, more by the question that found them
    monkeypatch.setattr(bulk, "FEW", few)
    assert exact(Store.open(root).runs(NAME, role=role)) == exact(through_mlflow(root, role=role))


@pytest.mark.parametrize(
    ("count", "tags"),
    [
        # of fifteen one was deleted, and one runs
        (15, {}),
        (1, {"role": "trial", "reason": QUOTED}),
        (1, {"trial": "000003"}),
        (0, {"trial": "no"}),
    ],
)
def test_runs_of_any_tags_are_those_of_mlflow(root: Path, count: int, tags: dict) -> None:
    store = Store.open(root)
    wanted = through_mlflow(root, **tags)
    assert len(wanted) == count
    assert exact(store.runs(NAME, **tags)) == exact(wanted)
    # and it was not MLflow that gave them
    assert store._bulk.runs(store.experiment(NAME), tags) is not None


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.WARNING, logger="framework")
    return lambda: [record.getMessage() for record in caplog.records]


def test_one_run_is_that_of_mlflow(root: Path) -> None:
    store, theirs = Store.open(root), Store.open(root)
    theirs._bulk = Bulk("http://127.0.0.1:9")
    for run in store.runs(NAME):
        assert exact([store.run(run.run_id)]) == exact([theirs.run(run.run_id)])
        assert store._bulk.run(run.run_id) is not None
    # one that was deleted is MLflow's to tell
    deleted = next(iter(ids(root) - {run.run_id for run in store.runs(NAME)}))
    assert store._bulk.run(deleted) is None
    assert exact([store.run(deleted)]) == exact([theirs.run(deleted)])


def ids(root: Path) -> set[str]:
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        return {run_id for (run_id,) in database.execute("SELECT run_uuid FROM runs")}


def test_tables_of_a_revision_that_is_not_known_are_left_to_mlflow(
    root: Path, said: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = exact(Store.open(root).runs(NAME, role="trial"))
    assert said() == []
    monkeypatch.setattr(bulk, "REVISIONS", frozenset({"of tomorrow"}))
    store = Store.open(root)
    assert exact(store.runs(NAME, role="trial")) == wanted
    store.runs(NAME, role="control")
    # once, however often it is asked
    (sentence,) = said()
    assert "revision that is not known here" in sentence
    assert "through MLflow, which takes longer" in sentence


def test_a_server_with_many_runs_is_said_to_take_longer(said: Callable[[], list[str]]) -> None:
    server = Bulk("http://127.0.0.1:9")
    assert server.runs("1", {}) is None
    server.asked_elsewhere(MANY - 1)
    assert said() == []
    server.asked_elsewhere(MANY)
    server.asked_elsewhere(MANY)
    assert said() == [
        f"{MANY} runs were read from a server, page by page, which takes longer than from a file."
    ]


def test_a_store_that_is_damaged_locked_or_none_is_left_to_mlflow(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]
) -> None:
    monkeypatch.setattr(bulk, "WAIT_SECONDS", 0.0)
    file = tmp_path / "mlflow.db"
    assert Bulk(f"sqlite:///{file}").runs("1", {}) is None
    assert not file.exists()
    file.write_bytes(b"no database" * 100)
    assert Bulk(f"sqlite:///{file}").runs("1", {}) is None
    file.unlink()
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE alembic_version (version_num)")
    assert Bulk(f"sqlite:///{file}").runs("1", {}) is None
    with closing(sqlite3.connect(root / "mlflow.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert Bulk(f"sqlite:///{root / 'mlflow.db'}").runs("1", {}) is None
        database.execute("ROLLBACK")
    assert said() == []
