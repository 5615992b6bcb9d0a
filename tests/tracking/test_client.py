"""A store that is busy, silent, or of a kind that nothing here speaks with: a sentence, in time."""

from __future__ import annotations

import logging
import re
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from store_support import by_calls

from framework.errors import SqueezelabError, UserError
from framework.system import interrupt
from framework.tracking import address, client, database
from framework.tracking.store import Store

LOCKED = "(sqlite3.OperationalError) database is locked\n[SQL: INSERT INTO runs VALUES (?)]"
SILENT = "API request to http://h/api failed with exception HTTPConnectionPool(host='h')"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return Store.open(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patience of a test."""
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)


def failing(message: str, *, times: int) -> Callable[..., list[str]]:
    """A method of MLflow's that fails so often and then answers."""
    left = [message] * times

    def method(*_: object, **__: object) -> list[str]:
        if left:
            raise MlflowException(left.pop())
        return ["answer"]

    return method


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("message", "said"), [(LOCKED, "locked by another program"), (SILENT, "does not answer")]
)
def test_what_passes_is_waited_for_with_a_word_and_ends_with_a_sentence(
    store: Store, message: str, said: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.WARNING, logger="framework")
    mlflow = store._client._client
    monkeypatch.setattr(mlflow, "list_artifacts", failing(message, times=2))
    assert store._client.list_artifacts("id") == ["answer"]
    assert [said in record.getMessage() for record in caplog.records] == [True]
    monkeypatch.setattr(mlflow, "list_artifacts", failing(message, times=10**6))
    with pytest.raises(client.Busy, match=said) as told:
        store._client.list_artifacts("id")
    assert "SQL" not in str(told.value)
    assert "goes on from here" in told.value.todo


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_run_whose_answer_was_lost_is_not_begun_twice(
    tmp_path: Path, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = by_calls(Store.open(tmp_path))
    mlflow = store._client._client
    create, left = mlflow.create_run, [lost]

    def losing(*args: object, **options: object) -> object:
        made = create(*args, **options)
        if left[0]:
            left[0] -= 1
            raise MlflowException(SILENT)
        return made

    monkeypatch.setattr(mlflow, "create_run", losing)
    tags = {"study_digest": "d" * 64, "generation": "0", "attempt": "1", "trial": f"{lost:06d}"}
    study = "lost"
    began = store.begin(study, role="trial", name="trial", tags=tags, params={"seed": "0"})
    again = store.begin(
        study, role="trial", name="trial", tags=tags | {"attempt": "2"}, params={"seed": "0"}
    )
    runs = store.runs(study)
    assert {run.run_id for run in runs} == {began, again}
    assert [run.params for run in runs] == [{"seed": "0"}] * 2


@pytest.mark.usefixtures("hasty")
def test_an_interrupt_ends_the_waiting(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store._client._client, "get_run", failing(LOCKED, times=10**6))

    def asked() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(interrupt, "check", asked)
    with pytest.raises(KeyboardInterrupt):
        store._client.get_run("id")


@pytest.mark.usefixtures("hasty")
def test_a_store_that_another_program_holds_opens_when_it_lets_go(store: Store) -> None:
    with closing(sqlite3.connect(store.root / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SqueezelabError, match="locked by another program") as told:
            Store.open(store.root)
        assert str(store.root / "mlflow.db") in told.value.given
    assert Store.open(store.root).studies() == []


# --- servers --------------------------------------------------------------------------------------


@contextmanager
def server(status: int) -> Iterator[str]:
    """The address of one that answers all with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


@contextmanager
def deaf() -> Iterator[str]:
    """The address of one that takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def nobody() -> str:
    """The address of a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://lab:secret@127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_a_server_that_says_anything_is_there(status: int) -> None:
    with server(status) as uri:
        address.check_answers(uri)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_cannot_reach_the_server_is_not_the_server(status: int) -> None:
    with server(status) as uri, pytest.raises(SqueezelabError, match="does not answer"):
        address.check_answers(uri)


@pytest.mark.usefixtures("hasty")
def test_a_server_that_has_never_answered_is_not_waited_for(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="framework")
    monkeypatch.setattr(store._client, "_uri", "http://nowhere.invalid")
    monkeypatch.setattr(store._client, "_answered", False)
    monkeypatch.setattr(store._client._client, "get_run", failing(SILENT, times=1))
    with pytest.raises(client.Busy, match="does not answer"):
        store._client.get_run("id")
    assert caplog.records == []
    assert store._client.get_run("id") == ["answer"]
    monkeypatch.setattr(store._client._client, "get_run", failing(SILENT, times=1))
    assert store._client.get_run("id") == ["answer"], "it is waited for once it has answered"


def test_a_server_that_is_down_is_told_at_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", nobody())
    with pytest.raises(SqueezelabError, match=r"does not answer: .*refused") as told:
        Store.open(tmp_path)
    assert "secret" not in str(told.value)
    assert list(tmp_path.iterdir()) == []
    # the way out that it names
    assert "unset MLFLOW_TRACKING_URI" in told.value.todo
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert Store.open(store.root).studies() == []


def test_a_server_that_never_answers_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "ANSWER_SECONDS", 0.3)
    with deaf() as uri, pytest.raises(SqueezelabError, match="does not answer"):
        address.check_answers(uri)


def test_an_interrupt_ends_the_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(interrupt, "check", asked)
    with deaf() as uri, pytest.raises(KeyboardInterrupt):
        address.check_answers(uri)


def test_a_name_that_is_looked_up_for_ever_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(address, "_ask_server", lambda uri: time.sleep(1))
    with pytest.raises(SqueezelabError, match=r"no answer within 0\.1 s"):
        address.check_answers("http://nowhere.invalid")


# --- databases ------------------------------------------------------------------------------------


def test_a_driver_that_is_missing_is_named_with_its_package() -> None:
    with pytest.raises(UserError, match=r"psycopg\[binary\]") as told:
        address.check_answers("postgresql://lab:secret@127.0.0.1:1/runs")
    assert "secret" not in str(told.value)
    assert told.value.todo == f"Install it: {sys.executable} -m pip install 'psycopg[binary]'."


@pytest.mark.parametrize("uri", ["postgres://db/runs", "mysql+nonesuch://db/runs"])
def test_an_address_of_no_known_kind_gets_the_known_ones(uri: str) -> None:
    with pytest.raises(UserError, match="none that is known") as told:
        address.check_answers(uri)
    assert "postgresql://" in told.value.todo


def test_a_database_nobody_answers_at_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_check_driver", lambda uri: None)
    port = re.findall(r":(\d+)$", nobody())[0]
    with pytest.raises(SqueezelabError, match="refused"):
        address.check_answers(f"postgresql://127.0.0.1:{port}/runs")
    with server(200) as uri:
        address.check_answers(uri.replace("http", "postgresql"))


def test_runs_are_looked_at_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert address.where_to_look(tmp_path) == "make ui"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://lab:secret@runs.example")
    assert address.where_to_look(tmp_path) == "https://lab:***@runs.example"
