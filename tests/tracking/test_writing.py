"""Runs that are written into MLflow's tables are those that its client would have written."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from store_support import by_calls

from framework.errors import SqueezelabError
from framework.results.record import Record
from framework.tracking.store import Store
from framework.tracking.tables.rows import Rows

TABLES = (
    "experiments", "runs", "tags", "params", "metrics", "latest_metrics", "datasets", "inputs",
    "input_tags", "logged_models", "logged_model_tags", "logged_model_params",
    "logged_model_metrics",
)  # fmt: skip
IDENTITY = re.compile(r"\b(m-)?[0-9a-f]{32}\b")
TIMES = re.compile(r"\w*(time|timestamp)(_ms)?")
NAMES = st.sampled_from(
    ["val_accuracy", "size_tflite_bytes", "baseline.val_accuracy", "accuracy_drop", "seconds"]
)
VALUES = st.floats(width=32)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
RECORDS = st.builds(
    Record,
    metrics=st.dictionaries(NAMES, VALUES),
    times=st.just({"fit_seconds": 2.5}),
    artifacts=st.sampled_from([{}, {"model.tflite": b"net"}]),
    reason=st.sampled_from(["", "diverged"]),
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store]:
    """A store as it is, and one that is written by the calls of MLflow's client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        ours, theirs = (Store.open(tmp_path_factory.mktemp("lab")) for _ in range(2))
    return ours, by_calls(theirs)


def content(store: Store) -> dict[str, list[Any]]:
    """All rows of the store; ids are told by their order, times not at all."""
    ids: dict[str, str] = {}

    def plain(column: str, value: Any) -> Any:
        if TIMES.fullmatch(column):
            return value is not None and value > 0
        if not isinstance(value, str):
            return value
        value = value.replace(str(store.root), "ROOT")
        return IDENTITY.sub(lambda found: ids.setdefault(found[0], f"id {len(ids)}"), value)

    rows: dict[str, list[Any]] = {}
    with closing(sqlite3.connect(store.root / "mlflow.db")) as database:
        for table in TABLES:
            found = database.execute(f"SELECT * FROM {table} ORDER BY rowid")
            columns = [name for name, *_ in found.description]
            plainly = [list(map(plain, columns, row)) for row in found]
            rows[table] = sorted(plainly, key=repr)
    return rows


def write(store: Store, record: Record, params: dict[str, str], note: str) -> str:
    run_id = store.begin(
        "mine",
        role="trial",
        name=f"trial 1 · {note}",
        tags={"trial": "000001", "reason": note},
        params=params,
    )
    store.log_dataset(run_id, name="digits", digest="d" * 64, source="sklearn", profile={})
    store._flushed[run_id] = -100.0  # so that the first are written at once
    # what is written last is not the latest
    for epoch, name in ((2, "loss"), (1, "loss"), (4, "val_loss"), (3, "val_loss")):
        store.curve(run_id, epoch, {name: 1 / epoch})
    store.finish(run_id, record)
    return run_id


# what fails is not made smaller: each example more costs more rows to compare
@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(record=RECORDS, params=st.dictionaries(st.just("seed") | st.just("a.b"), TEXTS), note=TEXTS)
def test_the_rows_are_those_of_mlflows_client(
    both: tuple[Store, Store], record: Record, params: dict[str, str], note: str
) -> None:
    for store in both:
        write(store, record, params, note)
        killed = store.begin("mine", role="trial", name="t", tags={"trial": "000002"}, params={})
        store.curve(killed, 0, {"loss": 1.0})
        store.close(killed, "KILLED", reason="died")
    ours, theirs = map(content, both)
    for table in TABLES:
        assert ours[table] == theirs[table], table


def test_a_kill_in_the_middle_of_an_end_leaves_nothing_of_it(
    both: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = both[0]
    run_id = store.begin("cut", role="trial", name="trial 1", tags={}, params={})

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Rows, "end", killed)
        with pytest.raises(KeyboardInterrupt):
            store.finish(run_id, Record(metrics={"a": 1.0}, artifacts={"model.tflite": b"net"}))
    run = store.run(run_id)
    assert (run.status, run.metrics, store.models("cut")) == ("RUNNING", {}, {})
    store.close(run_id, "KILLED", reason="died")
    assert store.run(run_id).status == "KILLED"


def test_a_run_or_a_study_that_was_deleted_meanwhile_is_named(both: tuple[Store, Store]) -> None:
    store = both[0]
    run_id = store.begin("gone", role="trial", name="trial 1", tags={}, params={})
    store._client.delete_run(run_id)
    with pytest.raises(SqueezelabError, match=f"run {run_id} is not there: it was deleted"):
        store.finish(run_id, Record())
    store._client.delete_experiment(store.experiment("gone"))
    with pytest.raises(SqueezelabError, match=r"experiment \d+ is not there: it was deleted"):
        store.begin("gone", role="trial", name="trial 2", tags={}, params={})


@pytest.mark.parametrize("number", [0, 1])
def test_a_name_that_mlflow_refuses_is_refused(both: tuple[Store, Store], number: int) -> None:
    store = both[number]
    run_id = store.begin("names", role="trial", name="trial 1", tags={}, params={})
    with pytest.raises(SqueezelabError, match=r"Invalid value .*what, is this"):
        store.finish(run_id, Record(metrics={"what, is this?": 1.0}))


def test_a_store_that_another_program_holds_is_written_when_it_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = Store.open(tmp_path)
    run_id = store.begin("mine", role="trial", name="trial 1", tags={}, params={})
    other = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("framework.tracking.client.PAUSE_SECONDS", 0.0)
    tries = []

    def letting_go(*_: object) -> None:
        tries.append(1)
        other.close()

    monkeypatch.setattr("framework.system.interrupt.pause", letting_go)
    rows = Rows.experiment_of

    def hasty(self: Rows, run: str) -> int:
        # as long as MLflow waits is too long for a test
        from sqlalchemy import text

        self._session.execute(text("PRAGMA busy_timeout = 10"))
        return rows(self, run)

    monkeypatch.setattr(Rows, "experiment_of", hasty)
    store.finish(run_id, Record(metrics={"a": 1.0}))
    assert (store.run(run_id).metrics, tries) == ({"a": 1.0}, [1])
