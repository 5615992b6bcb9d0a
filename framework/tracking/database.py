"""The store itself: its address, and its SQLite file, built aside, which follows a moved folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from framework.errors import SqueezelabError, UserError
from framework.system import paths
from framework.system.git_lfs import check_fetched
from framework.tracking import locations
from framework.tracking.address import address, sqlite_address, sqlite_file
from framework.tracking.client import BUSY_SECONDS, Busy, is_locked, patiently, quiet, translated
from framework.tracking.sqlite_refusals import is_unwritable, refusal

BUILD_SECONDS = 300.0
Rows = Iterable[tuple[Any, str | None]]
"""(id, location as MLflow stored it)."""


# --- is it there --------------------------------------------------------------------------------


def is_there(root: Path) -> bool:
    """Whether this project has a store already; one on a server counts as there."""
    file = sqlite_file(address(root))
    return file is None or exists(file)


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
    check_fetched(file)


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


# --- the SQLite file ------------------------------------------------------------------------------


def _make_tables(file: Path, root: Path) -> None:
    """All that MLflow makes in a new store; takes seconds."""
    with quiet(), translated(sqlite_address(file)):
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        make: Any = SqlAlchemyStore
        make(sqlite_address(file), paths.artifacts(root).as_uri()).engine.dispose()


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
        SqueezelabError: the file is no SQLite database, or is locked for minutes.
    """
    patiently(lambda: _relocate(file, root))


def _relocate(file: Path, root: Path) -> None:
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as database:
            if _has_location_columns(database):
                _rewrite(database, root)
    except sqlite3.DatabaseError as error:
        if is_locked(str(error)):
            raise Busy.locked(sqlite_address(file)) from error
        # without the new paths the files are found all the same, by `locations.place`
        if is_unwritable(str(error)):
            return
        raise refusal(error, str(file)) or SqueezelabError(
            f"The store cannot be read: {error}.",
            given=f"File: {file}.",
            todo="Look at it: make doctor. If it is damaged, move it away and put a backup there.",
        ) from error


def _has_location_columns(database: sqlite3.Connection) -> bool:
    needed = {
        "experiments": {"experiment_id", "artifact_location"},
        "runs": {"run_uuid", "experiment_id", "artifact_uri"},
        "logged_models": {"model_id", "experiment_id", "artifact_location"},
    }
    for table, columns in needed.items():
        rows = database.execute("SELECT name FROM pragma_table_info(?)", (table,))
        if not columns.issubset(name for (name,) in rows):
            return False
    return True


def _rewrite(database: sqlite3.Connection, root: Path) -> None:
    rows = database.execute("SELECT experiment_id, artifact_location FROM experiments")
    moved = list(_moved(rows.fetchall(), root))
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
        rows = database.execute(
            "SELECT model_id, artifact_location FROM logged_models WHERE experiment_id = ?",
            (experiment,),
        )
        # a model has no files of its own: its place is below its experiment's
        models = list(_moved(rows, root))
        database.executemany(
            "UPDATE logged_models SET artifact_location = ? WHERE model_id = ?", models
        )
    database.execute("COMMIT")


def _moved(rows: Rows, root: Path) -> Iterator[tuple[str, Any]]:
    """(new location, id) of each experiment or model whose location changes."""
    for identity, location in rows:
        home = locations.home_of(location, root)
        if home and home != locations.local(location):
            yield home.as_uri(), identity


def _moved_runs(rows: Rows, root: Path) -> Iterator[tuple[str, Any]]:
    """(new location, id) of each run whose files came along."""
    for run_id, location in rows:
        home = locations.home_of(location, root)
        if home and locations.follows(locations.local(location), home):
            yield home.as_uri(), run_id
