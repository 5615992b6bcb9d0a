"""MLflow's client: its errors become ours, and what passes is waited for."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import starmap
from typing import TYPE_CHECKING, Any, TypeVar

from framework.errors import SqueezelabError
from framework.system import interrupt
from framework.tracking.address import check_answers, hide_password, sqlite_file
from framework.tracking.conversion import stored_metric
from framework.tracking.sqlite_refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow import MlflowClient as _Interface
    from mlflow.entities import Metric
    from mlflow.store.entities import PagedList
else:
    _Interface = object

# MLflow reads these when it is imported, which happens inside the functions below.
os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"  # files of a run are small
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# `patiently` tries again, and says so; MLflow would do it for minutes without a word
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
# it prints what it raises as well
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

BUSY_SECONDS = 20.0  # MLflow sets the same for its own connections
PATIENCE_SECONDS = 180.0  # until a store that is locked or silent ends the work
PAUSE_SECONDS = 2.0
WORD_SECONDS = 20.0  # between two words that it is still tried
METRICS_PER_BATCH, ITEMS_PER_BATCH = 800, 100
AGAIN = "The same command goes on from here."
log = logging.getLogger("framework")
T = TypeVar("T")


class Busy(SqueezelabError):
    """The store is locked, or does not answer: it may, a while later."""

    @classmethod
    def locked(cls, uri: str) -> Busy:
        """By another program, for longer than SQLite waits."""
        return cls(
            "The store is locked by another program.",
            given=f"Store: {hide_password(uri)}.",
            todo=f"End what has it open for writing, as a browser of databases. {AGAIN}",
        )

    @classmethod
    def silent(cls, uri: str) -> Busy:
        """A server that was there and is no more."""
        return cls(
            "The store does not answer.",
            given=f"Store: {hide_password(uri)}.",
            todo=f"Look whether it still runs, and whether it can be reached from here. {AGAIN}",
        )


class NotOffered(SqueezelabError):
    """The server is of a version that knows no such call."""


def patiently(attempt: Callable[[], T], *, seconds: float | None = None) -> T:
    """What an attempt returns, made again while the store is busy, with a word now and then.

    Args:
        seconds: for how long, PATIENCE_SECONDS by default.

    Raises:
        Busy: it still is.
        KeyboardInterrupt: an interrupt came meanwhile.
    """
    ends, said = 0.0, 0.0
    while True:
        try:
            return attempt()
        except Busy as error:
            now = time.monotonic()
            ends = ends or now + (PATIENCE_SECONDS if seconds is None else seconds)
            if now >= ends:
                raise
            if now >= said + WORD_SECONDS:
                said = now
                log.warning("%s Trying for %.0f s more; Ctrl-C ends it.", error.what, ends - now)
            interrupt.pause(PAUSE_SECONDS)


def is_locked(message: str) -> bool:
    """Whether a message of SQLite's says that another program has the file."""
    return "database is locked" in message or "database table is locked" in message


class Client(_Interface):
    """MLflow's client, whose errors become ours.

    To a type checker it has MLflow's own methods; to Python none but those it passes on.

    Args:
        uri: as `prepare` returns it.
    """

    def __init__(self, uri: str) -> None:
        with quiet(), translated(uri):
            from mlflow import MlflowClient

            check_answers(uri)
            self._answered = False
            self._uri, self._client = uri, MlflowClient(tracking_uri=uri)

    if not TYPE_CHECKING:  # seen by a checker, it would make every name right

        def __getattr__(self, name: str) -> Any:
            def call(*args: Any, **options: Any) -> Any:
                return self._patiently(lambda: self._attempt(name, *args, **options))

            return call

    def log(
        self,
        run_id: str,
        *,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Metrics, parameters and tags of a run; one call for as much as MLflow takes at once."""
        from mlflow.entities import Param, RunTag

        all_params = list(starmap(Param, (params or {}).items()))
        all_tags = list(starmap(RunTag, (tags or {}).items()))
        # MLflow takes 1000 in one call, 100 parameters and 100 tags among them: 800 are left.
        calls = max(
            -(-len(metrics) // METRICS_PER_BATCH),
            -(-max(len(all_params), len(all_tags)) // ITEMS_PER_BATCH),
        )
        for call in range(calls):
            metric_slice = slice(call * METRICS_PER_BATCH, (call + 1) * METRICS_PER_BATCH)
            text_slice = slice(call * ITEMS_PER_BATCH, (call + 1) * ITEMS_PER_BATCH)
            self.log_batch(
                run_id,
                metrics=metrics[metric_slice],
                params=all_params[text_slice],
                tags=all_tags[text_slice],
            )

    def create_once(self, experiment: str, *, name: str, tags: Mapping[str, str], key: str) -> Any:
        """A new run of MLflow's; no second one where only the answer to an attempt was lost.

        Args:
            experiment: its id.
            tags: `key` among them.
            key: the tag whose value no other RUNNING run of the experiment has.
        """
        return self._once(
            lambda: self._running(experiment, key, tags[key]),
            lambda: self._attempt("create_run", experiment, tags=tags, run_name=name),
        )

    def create_model_once(self, experiment: str, *, run_id: str, **facts: Any) -> Any:
        """A new model of MLflow's for a run that has none, as `create_once` makes a run.

        Args:
            experiment: its id.
            facts: name, type, parameters and tags.
        """
        return self._once(
            lambda: self.models_of(experiment, run_id),
            lambda: self._attempt("create_logged_model", experiment, source_run_id=run_id, **facts),
        )

    def link_model_once(self, run_id: str, model: str) -> None:
        """Let MLflow's page of a run lead to its model."""
        from mlflow.entities import LoggedModelOutput

        self._once(
            lambda: [one for one in self._outputs(run_id) if one.model_id == model],
            lambda: self._attempt("log_outputs", run_id, [LoggedModelOutput(model, step=0)]),
        )

    def models_of(self, experiment: str, run_id: str) -> Sequence[Any]:
        """The models of a run."""
        wanted = f"source_run_id = '{run_id}'"
        found: Sequence[Any] = self._attempt(
            "search_logged_models", [experiment], filter_string=wanted
        )
        return found

    def _outputs(self, run_id: str) -> Sequence[Any]:
        """The models that a run leads to."""
        outputs = self._attempt("get_run", run_id).outputs
        return outputs.model_outputs if outputs else ()

    def _once(self, look: Callable[[], Sequence[T]], make: Callable[[], T]) -> T:
        """What is made; what is there, where only the answer to an earlier attempt was lost."""
        began = False

        def attempt() -> T:
            nonlocal began
            made = look() if began else ()
            began = True
            return made[0] if made else make()

        return self._patiently(attempt)

    def _running(self, experiment: str, key: str, value: str) -> Sequence[Any]:
        """The RUNNING runs that have a tag."""
        wanted = f"tags.`{key}` = '{value}' and attributes.status = 'RUNNING'"
        found: Sequence[Any] = self._attempt("search_runs", [experiment], filter_string=wanted)
        return found

    def patiently(self, work: Callable[[], T]) -> T:
        """What work at the store returns, with the patience and the errors of a call."""
        return self._patiently(lambda: self._held_work(work))

    def _attempt(self, name: str, /, *args: Any, **options: Any) -> Any:
        # by its name each time, so that what a test replaces is met
        method = getattr(self._client, name)
        return self._held_work(lambda: method(*args, **options))

    def _held_work(self, work: Callable[[], T]) -> T:
        try:
            with self._held():
                return work()
        except Exception as error:
            if ours := _ours(error, self._uri):
                raise ours from error
            raise

    def _patiently(self, attempt: Callable[[], T]) -> T:
        # a server that has never answered is not one that is away for a while
        seconds = None if self._answered or self._is_file else 0.0
        answer = patiently(attempt, seconds=seconds)
        self._answered = True
        return answer

    def _held(self) -> AbstractContextManager[None]:
        # a server stands a caller that leaves, and may let one wait
        return to_its_end() if self._is_file else nullcontext()

    @property
    def _is_file(self) -> bool:
        return sqlite_file(self._uri) is not None


def pages(search: Callable[..., PagedList[T]]) -> Iterator[T]:
    """All that a search of MLflow finds, page by page.

    Args:
        search: takes `page_token`, None for the first page.
    """
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        # the token after the last page is None, a server's may be empty
        token = page.token or None
        if token is None:
            return


def metrics_of(values: Mapping[str, float], *, step: int) -> Iterator[Metric]:
    """Values that are not finite are left out: MLflow would hand them back as other numbers."""
    from mlflow.entities import Metric

    now = time.time_ns() // 1_000_000
    for name, value in values.items():
        if math.isfinite(value):
            yield Metric(stored_metric(name), float(value), now, step)


def error_code(error: SqueezelabError) -> str:
    """What MLflow calls the error, as `RESOURCE_DOES_NOT_EXIST`."""
    return error_code_of(error.__cause__)


def error_code_of(error: BaseException | None) -> str:
    """What MLflow calls an error of its own; empty for any other."""
    return str(getattr(error, "error_code", ""))


def delete_artifact(location: str, name: str) -> None:
    """Remove an artifact that lies with a server; MLflow's client has no call for it.

    Args:
        location: of the run's artifacts, as MLflow stored it.
    """
    with quiet(), translated(location):
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        files: Any = get_artifact_repository(location)
        files.delete_artifacts(name)


@contextmanager
def to_its_end() -> Iterator[None]:
    """Hold signals back until a call is done.

    In the middle of a transaction an interrupt leaves the file locked.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals go to the main thread
        return
    caught: list[int] = []
    # `getsignal` is None for a handler that was not set from Python, which `signal` would refuse
    usual = {number: signal.getsignal(number) or signal.SIG_DFL for number in interrupt.SIGNALS}
    try:
        for number in usual:
            signal.signal(number, lambda number, _: caught.append(number))
        yield
    finally:
        # the usual handlers come back first: they are to act on what was caught meanwhile
        for number, handler in usual.items():
            signal.signal(number, handler)
        for signal_number in caught:
            signal.raise_signal(signal_number)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings MLflow causes in SQLAlchemy 2.1 (`noload`).

    Nothing a user could mend.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def open_tables(uri: str, artifacts: Path) -> Any:
    """The `SqlAlchemyStore` that MLflow's client has inside where the store is a database.

    Args:
        artifacts: where it would put those of an experiment that says nothing of them.
    """
    with quiet(), translated(uri):
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        make: Any = SqlAlchemyStore
        return make(uri, artifacts.as_uri())


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Errors of MLflow and of the database become ours, without a password in them."""
    try:
        yield
    except Exception as error:
        if ours := _ours(error, uri):
            raise ours from error
        raise


def _ours(error: Exception, uri: str) -> SqueezelabError | None:
    """What we make of an error of MLflow or of the database; None of another."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    if not isinstance(error, (MlflowException, SQLAlchemyError)):
        return None
    # messages may hold the address of the database, and with it the password
    message = hide_password(str(error)).partition("\n[SQL:")[0]
    if is_locked(message):
        return Busy.locked(uri)
    if refused := refusal(error, hide_password(uri)):
        return refused
    if error_code_of(error) == "ENDPOINT_NOT_FOUND":
        return NotOffered(f"The store's server has no such call: {message}")
    if message.startswith("API request to ") and " failed with " in message:
        return Busy.silent(uri)
    todo = ""
    if "out-of-date database schema" in message:
        todo = "Make a copy of it, then: .venv/bin/mlflow db upgrade ADDRESS-OF-THE-STORE."
    return SqueezelabError(
        f"The store did not do what was asked: {message}",
        given=f"Store: {hide_password(uri)}.",
        todo=todo,
    )
