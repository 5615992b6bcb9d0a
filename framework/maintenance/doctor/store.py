"""The store: is it whole, and does it agree with what lies on disk?

MLflow changes a file that it opens where it finds an older schema, so it is given a copy.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from operator import itemgetter
from pathlib import Path

from framework.maintenance.doctor.finding import Finding, guarded
from framework.maintenance.doctor.runs import examine_runs, run_folders
from framework.system import paths
from framework.system.disk import size_bytes, size_text
from framework.tracking import database
from framework.tracking.address import address, hide_password, sqlite_address, sqlite_file
from framework.tracking.client import BUSY_SECONDS
from framework.tracking.locations import earlier_root
from framework.tracking.sqlite_refusals import is_refused, refusal
from framework.tracking.store import Store


def examine_store(root: Path, *, deep: bool = False) -> Iterator[Finding]:
    """All checks of the store.

    Args:
        root: absolute.
        deep: compare every file of every run with its sha256, however many there are.
    """
    uri = address(root)
    file = sqlite_file(uri)
    if file is None:
        yield Finding("ok", "store", hide_password(uri))
        yield from examine_runs(Store(root, uri), root, deep=deep)
    elif not database.exists(file):
        yield _missing(file, root)
    else:
        yield from _file(file, root, deep=deep)


def _missing(file: Path, root: Path) -> Finding:
    left = run_folders(root)
    if not left:
        return Finding("ok", "store", "not there yet; the first study makes it")
    state = "empty" if file.exists() else "gone"
    text = (
        f"{file} is {state}, and files of {len(left)} runs lie in {paths.ARTIFACTS}, as "
        f"{min(left)}: put a backup of it there before anything is run"
    )
    return Finding("WRONG", "store", text)


def _file(file: Path, root: Path, *, deep: bool) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory(prefix="squeezelab-") as folder:
        copy = paths.store(Path(folder))
        try:
            halfway = _copy(file, copy)
            verdict, locations = _looked_at(copy)
        except sqlite3.Error as error:
            yield _unreadable(file, error)
            return
        if verdict != "ok":
            yield _broken(file, verdict)
            return
        text = f"{file.name}, {size_text(size_bytes(file))}, passes SQLite's integrity check"
        if halfway:
            text += "; a process was killed while it wrote, which the next command puts right"
        yield Finding("hint" if halfway else "ok", "store", text)
        yield _moved(locations, root)
        # MLflow opens the copy, because it would migrate the file
        yield from guarded(
            "store", lambda: examine_runs(Store(root, sqlite_address(copy)), root, deep=deep)
        )


def _copy(file: Path, copy: Path) -> bool:
    """Copy the store as it is at one moment.

    Returns:
        Whether its last change is half done: such a store is mended by whoever writes it next, and
        here in the copy.
    """
    try:
        # read only, because a study may be writing it now
        with closing(
            sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        ) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            with closing(sqlite3.connect(copy)) as target:
                connection.backup(target)
            return False
    except sqlite3.OperationalError as error:
        journal = _journal(file)
        if "readonly" not in str(error) or not journal.exists():
            raise
    # no process is at work on such a file, or it would not be left half done
    copy.unlink(missing_ok=True)
    shutil.copyfile(journal, _journal(copy))
    shutil.copyfile(file, copy)
    return True


def _journal(file: Path) -> Path:
    return file.with_name(f"{file.name}-journal")


def _looked_at(copy: Path) -> tuple[str, list[str]]:
    """SQLite's verdict, and where experiments say that artifacts are."""
    with closing(sqlite3.connect(copy)) as connection:
        verdict = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        rows = connection.execute("SELECT artifact_location FROM experiments").fetchall()
    return verdict, list(map(itemgetter(0), rows))


def _unreadable(file: Path, error: sqlite3.Error) -> Finding:
    refused = refusal(error, str(file))
    # what a disk or a permission refuses says nothing of the file
    if refused and is_refused(str(error)):
        return Finding("WRONG", "store", f"{refused.what} {refused.given} {refused.todo}")
    return _broken(file, str(error))


def _broken(file: Path, why: str) -> Finding:
    text = f"{file} is damaged: {why.strip()}. Keep a copy of it and put a backup there"
    return Finding("WRONG", "store", text)


def _moved(locations: list[str], root: Path) -> Finding:
    roots: set[str] = set()
    for location in locations:
        earlier = earlier_root(location, root)
        if earlier:
            roots.add(str(earlier))
    if roots:
        names = ", ".join(sorted(roots))
        text = f"moved here from {names}; the next command writes the paths anew"
        return Finding("hint", "folder", text)
    return Finding("ok", "folder", "where the store knows it")
