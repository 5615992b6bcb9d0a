"""The store itself.

Its address, its SQLite file that is built aside and follows a moved folder, MLflow's client on it.

MLflow writes absolute artifact paths into the SQLite file. They follow a moved folder by one rule,
`place`: what is stored as `<old root>/.artifacts/<study>/<run>/...` lies in
`<root>/.artifacts/<study>/<run>/...`.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from filelock import FileLock, Timeout

from framework.errors import SqueezelabError, UserError
from framework.system import interrupt, paths

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


# --- the address ----------------------------------------------------------------------------------


def address(root: Path) -> str:
    """Where the runs of this project are kept.

    `MLFLOW_TRACKING_URI`, or the SQLite file under `root`.

    Raises:
        UserError: SQLite's address cannot hold the folder's name.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not given and set("?%") & set(str(root)):
        raise UserError(
            "The address of the store cannot hold a '?' or '%'.",
            given=f"Folder: {root}.",
            todo="Rename the folder.",
        )
    return given or _sqlite_address(paths.store(root))


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


class Client:
    """MLflow's client, whose errors become ours.

    Args:
        uri: as `prepare` returns it.
    """

    def __init__(self, uri: str) -> None:
        with quiet(), translated(uri):
            from mlflow import MlflowClient

            self._uri, self._client = uri, MlflowClient(tracking_uri=uri)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            with to_its_end(), translated(self._uri):
                return method(*args, **options)

        return call


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
    usual = {number: signal.getsignal(number) or signal.SIG_DFL for number in interrupt.SIGNALS}
    try:
        for number in usual:
            signal.signal(number, lambda number, _: caught.append(number))
        yield
    finally:
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
        message = hide_password(str(error))
        old = "out-of-date database schema" in message
        raise SqueezelabError(
            f"The store did not do what was asked: {message}",
            given=f"Store: {hide_password(uri)}.",
            todo="Make a copy of it, then: .venv/bin/mlflow db upgrade ADDRESS-OF-THE-STORE."
            if old
            else "",
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
    aside = paths.store_workplace(file.parent)
    aside.mkdir(parents=True, exist_ok=True)
    try:
        # The kernel drops the lock of a process that dies, so whoever holds it may clear what an
        # earlier one left.
        with FileLock(aside / "lock", timeout=BUILD_SECONDS):
            if not exists(file):
                _build(file, aside / "building.db", build)
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
    rewritten, and `place` alone finds the files.

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
    return all(
        columns
        <= {row[0] for row in database.execute("SELECT name FROM pragma_table_info(?)", (table,))}
        for table, columns in needed.items()
    )


def _rewrite(database: sqlite3.Connection, root: Path) -> None:
    rows = database.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall()
    moved = [
        (home.as_uri(), key)
        for key, old in rows
        if (home := _home(old, root)) and home != _local(old)
    ]
    if not moved:
        return
    database.execute("BEGIN IMMEDIATE")
    database.executemany(
        "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", moved
    )
    for _, experiment in moved:
        found = database.execute(
            "SELECT run_uuid, artifact_uri FROM runs WHERE experiment_id = ?", (experiment,)
        )
        runs = [
            (home.as_uri(), key)
            for key, old in found
            if (home := _home(old, root)) and _follows(_local(old), home)
        ]
        database.executemany("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", runs)
    database.execute("COMMIT")


def _follows(stored: Path | None, home: Path) -> bool:
    """Whether a run's files came along.

    Those left behind where only the SQLite file was copied are read there.
    """
    return stored is not None and stored != home and (home.exists() or not stored.exists())


# --- where artifacts lie --------------------------------------------------------------------------


def place(location: str | None, root: Path) -> Path | None:
    """The folder of a run's artifacts on this machine, wherever the project has been moved to.

    Args:
        location: as MLflow stored it, a path or an address.
        root: the present root, absolute.

    Returns:
        None if the artifacts lie with a server.
    """
    stored, home = _local(location), _home(location, root)
    if stored is None or home is None:
        return stored
    kept = _artifacts_folder(stored)
    return stored if kept is not None and kept.is_dir() and not home.exists() else home


def earlier_root(location: str | None, root: Path) -> Path | None:
    """The project's folder under which MLflow stored this location, if it is not `root`."""
    stored = _local(location)
    kept = _artifacts_folder(stored) if stored is not None else None
    return None if kept is None or kept.parent == root else kept.parent


def _local(location: str | None) -> Path | None:
    parts = urlsplit(location or "")
    if parts.scheme == "file" and not parts.netloc:
        return Path(unquote(parts.path))
    return Path(location) if location and not parts.scheme else None


def _artifacts_folder(stored: Path) -> Path | None:
    return next((folder for folder in stored.parents if folder.name == paths.ARTIFACTS), None)


def _home(location: str | None, root: Path) -> Path | None:
    """The same under the present root; None for what was never under a root."""
    stored = _local(location)
    kept = _artifacts_folder(stored) if stored is not None else None
    return (
        None if stored is None or kept is None else paths.artifacts(root) / stored.relative_to(kept)
    )
