"""The store itself.

Its address, its SQLite file that is built aside and follows a moved folder, MLflow's client on it.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock, Timeout

from framework.errors import SqueezelabError, UserError
from framework.system import interrupt, paths
from framework.tracking import locations

if TYPE_CHECKING:
    from mlflow import MlflowClient as _Interface
    from mlflow.store.entities import PagedList
else:
    _Interface = object

# MLflow reads these when it is imported, which happens inside the functions below.
os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# it prints what it raises as well
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

BUSY_SECONDS = 20.0  # MLflow sets the same for its own connections
BUILD_SECONDS = 300.0
REMOTE = ("http:", "https:")
T = TypeVar("T")
Rows = Iterable[tuple[Any, str | None]]
"""(id, location as MLflow stored it)."""


# --- the address ----------------------------------------------------------------------------------


def address(root: Path) -> str:
    """Where the runs of this project are kept.

    `MLFLOW_TRACKING_URI`, or the SQLite file under `root`.

    Raises:
        UserError: SQLite's address cannot hold the folder's name.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri and set("?%") & set(str(root)):
        raise UserError(
            "The address of the store cannot hold a '?' or '%'.",
            given=f"Folder: {root}.",
            todo="Rename the folder.",
        )
    return uri or _sqlite_address(paths.store(root))


def is_there(root: Path) -> bool:
    """Whether this project has a store already; one on a server counts as there."""
    file = sqlite_file(address(root))
    return file is None or exists(file)


def sqlite_file(uri: str) -> Path | None:
    """The file behind the address, if it is a SQLite file."""
    path = uri.removeprefix("sqlite:///").partition("?")[0]
    return Path(path).resolve() if uri.startswith("sqlite:///") and path else None


def require(file: Path) -> None:
    """Return if there is a store.

    Raises:
        UserError: there is none.
    """
    if not exists(file):
        raise UserError(
            "There are no runs yet.",
            given=f"Looked for: {file}.",
            todo="Start with: make study NAME=squeezenet_prune.",
        )


def prepare(root: Path, *, create: bool) -> str:
    """The address of a store that is there and knows where its folder is.

    Args:
        root: the project's folder, absolute.
        create: make it if there is none.

    Raises:
        UserError: there is none and it is not to be made.
        SqueezelabError: it is damaged or locked.
    """
    uri = address(root)
    file = sqlite_file(uri)
    if file is None:
        return uri
    if create:
        create_once(file, lambda aside: _make_tables(aside, root))
    require(file)
    if file == paths.store(root):
        relocate(file, root)
    return uri


def hide_password(uri: str) -> str:
    """The same address, or text with one in it, with `***` for a password."""
    hidden = re.sub(r"(://[^:/?#\s]*):\S*@", r"\1:***@", uri)
    return re.sub(r"(?i)([?&](?:password|passwd|pwd|token)=)[^&#\s]*", r"\1***", hidden)


def _sqlite_address(file: Path) -> str:
    return f"sqlite:///{file}"


# --- MLflow's client ------------------------------------------------------------------------------


class Client(_Interface):
    """MLflow's client, whose errors become ours.

    To a type checker it has MLflow's own methods; to Python none but those it passes on.

    Args:
        uri: as `prepare` returns it.
    """

    def __init__(self, uri: str) -> None:
        with quiet(), translated(uri):
            from mlflow import MlflowClient

            self._uri, self._client = uri, MlflowClient(tracking_uri=uri)

    if not TYPE_CHECKING:  # seen by a checker, it would make every name right

        def __getattr__(self, name: str) -> Any:
            method = getattr(self._client, name)

            def call(*args: Any, **options: Any) -> Any:
                with to_its_end(), translated(self._uri):
                    return method(*args, **options)

            return call


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


def error_code(error: SqueezelabError) -> str:
    """What MLflow calls the error, as `RESOURCE_DOES_NOT_EXIST`."""
    return str(getattr(error.__cause__, "error_code", ""))


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


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Errors of MLflow and of the database become ours, without a password in them."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        # messages may hold the address of the database, and with it the password
        message = hide_password(str(error))
        todo = ""
        if "out-of-date database schema" in message:
            todo = "Make a copy of it, then: .venv/bin/mlflow db upgrade ADDRESS-OF-THE-STORE."
        raise SqueezelabError(
            f"The store did not do what was asked: {message}",
            given=f"Store: {hide_password(uri)}.",
            todo=todo,
        ) from error


def _make_tables(file: Path, root: Path) -> None:
    """All that MLflow makes in a new store; takes seconds."""
    with quiet(), translated(_sqlite_address(file)):
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        make: Any = SqlAlchemyStore
        make(_sqlite_address(file), paths.artifacts(root).as_uri()).engine.dispose()


# --- the SQLite file ------------------------------------------------------------------------------


def create_once(file: Path, build: Callable[[Path], None]) -> None:
    """Make the file unless it is there; a kill at any moment leaves nothing or the whole file.

    Args:
        file: where the finished file belongs.
        build: makes it at the path it is given and closes it.

    Raises:
        SqueezelabError: another process has been building it for five minutes.
    """
    if exists(file):
        return
    workplace = paths.store_workplace(file.parent)
    workplace.mkdir(parents=True, exist_ok=True)
    try:
        # The kernel drops the lock of a process that dies, so whoever holds it may clear what an
        # earlier one left.
        with FileLock(workplace / "lock", timeout=BUILD_SECONDS):
            if not exists(file):
                # beside it: a file is moved in one step only within one disk, and `.cache` may be
                # on another
                _build(file, paths.unfinished_store(file), build)
    except Timeout as error:
        raise SqueezelabError(
            "Another process has been creating the store for five minutes.",
            given=f"Store: {file}.",
            todo="End that process and start again.",
        ) from error


def exists(file: Path) -> bool:
    """Whether the store was ever finished; an empty file was not."""
    return file.is_file() and file.stat().st_size > 0


def _build(file: Path, building: Path, build: Callable[[Path], None]) -> None:
    for leftover in building.parent.glob(f"{building.name}*"):
        leftover.unlink()
    build(building)
    building.replace(file)


def relocate(file: Path, root: Path) -> None:
    """Let the store follow its folder.

    Paths that MLflow stored under an earlier root are rewritten to the present one.

    MLflow offers no call for it. Where a later MLflow names these columns otherwise nothing is
    rewritten, and `locations.place` alone finds the files.

    Args:
        file: the SQLite file.
        root: the present root, absolute.

    Raises:
        SqueezelabError: the file is no SQLite database, or is locked for longer than 20 s.
    """
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as database:
            if _has_location_columns(database):
                _rewrite(database, root)
    except sqlite3.DatabaseError as error:
        raise SqueezelabError(
            f"The store cannot be read: {error}.",
            given=f"File: {file}.",
            todo="If another program holds it, end that one. If it is damaged, move it away and "
            "put a backup there.",
        ) from error


def _has_location_columns(database: sqlite3.Connection) -> bool:
    needed = {
        "experiments": {"experiment_id", "artifact_location"},
        "runs": {"run_uuid", "experiment_id", "artifact_uri"},
    }
    for table, columns in needed.items():
        rows = database.execute("SELECT name FROM pragma_table_info(?)", (table,))
        if not columns.issubset(name for (name,) in rows):
            return False
    return True


def _rewrite(database: sqlite3.Connection, root: Path) -> None:
    rows = database.execute("SELECT experiment_id, artifact_location FROM experiments")
    moved = list(_moved_experiments(rows.fetchall(), root))
    if not moved:
        return
    # One transaction: a kill in it leaves the old paths, which are rewritten the next time.
    database.execute("BEGIN IMMEDIATE")
    database.executemany(
        "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", moved
    )
    for _, experiment in moved:
        rows = database.execute(
            "SELECT run_uuid, artifact_uri FROM runs WHERE experiment_id = ?", (experiment,)
        )
        runs = list(_moved_runs(rows, root))
        database.executemany("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", runs)
    database.execute("COMMIT")


def _moved_experiments(rows: Rows, root: Path) -> Iterator[tuple[str, Any]]:
    """(new location, id) of each experiment whose location changes."""
    for experiment, location in rows:
        home = locations.home_of(location, root)
        if home and home != locations.local(location):
            yield home.as_uri(), experiment


def _moved_runs(rows: Rows, root: Path) -> Iterator[tuple[str, Any]]:
    """(new location, id) of each run whose files came along."""
    for run_id, location in rows:
        home = locations.home_of(location, root)
        if home and locations.follows(locations.local(location), home):
            yield home.as_uri(), run_id
