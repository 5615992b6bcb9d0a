"""The store: is it whole, and does it agree with what lies on disk?

MLflow changes a file that it opens where it finds an older schema, so it is given a copy.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain, filterfalse
from operator import itemgetter
from pathlib import Path

from framework.maintenance.doctor.finding import Finding, guarded
from framework.results.record import Run
from framework.system import paths
from framework.system.disk import size_bytes, size_text
from framework.system.host import host_name
from framework.system.locks import is_held, lock_file
from framework.tracking import database
from framework.tracking.address import address, hide_password, sqlite_file
from framework.tracking.client import BUSY_SECONDS
from framework.tracking.history import LEASE_OVER_SECONDS
from framework.tracking.locations import earlier_root
from framework.tracking.store import Store


def examine_store(root: Path) -> Iterator[Finding]:
    """All checks of the store.

    Args:
        root: absolute.
    """
    uri = address(root)
    file = sqlite_file(uri)
    if file is None:
        yield Finding("ok", "store", hide_password(uri))
        yield from _runs(Store(root, uri), root)
    elif not database.exists(file):
        yield Finding("ok", "store", "not there yet; the first study makes it")
    else:
        yield from _file(file, root)


def _file(file: Path, root: Path) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory(prefix="squeezelab-") as folder:
        copy = paths.store(Path(folder))
        try:
            verdict, locations = _copied(file, copy)
        except sqlite3.Error as error:
            yield _broken(file, str(error))
            return
        if verdict != "ok":
            yield _broken(file, verdict)
            return
        text = f"{file.name}, {size_text(size_bytes(file))}, passes SQLite's integrity check"
        yield Finding("ok", "store", text)
        yield _moved(locations, root)
        # MLflow opens the copy, because it would migrate the file
        yield from guarded("store", lambda: _runs(Store(root, f"sqlite:///{copy}"), root))


def _copied(file: Path, copy: Path) -> tuple[str, list[str]]:
    """SQLite's verdict on the file, and where its experiments say that artifacts are.

    The copy is of one moment.
    """
    # read only, because a study may be writing it now
    with closing(
        sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    ) as connection:
        verdict = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        rows = connection.execute("SELECT artifact_location FROM experiments").fetchall()
        locations = list(map(itemgetter(0), rows))
        with closing(sqlite3.connect(copy)) as target:
            connection.backup(target)
    return verdict, locations


def _broken(file: Path, why: str) -> Finding:
    return Finding(
        "WRONG", "store", f"{file} is damaged: {why.strip()}. Move it away and put a backup there"
    )


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


def _runs(store: Store, root: Path) -> Iterator[Finding]:
    runs = {name: store.runs(name) for name in store.studies()}
    for name, of_study in runs.items():
        running = _with_status(of_study, "RUNNING")
        if running:
            yield _running(name, running, root)
    ended = _with_status(chain.from_iterable(runs.values()), "FINISHED")
    # the manifest is written last: a run without one has lost files, or never had them all
    lost = list(filterfalse(store.complete, ended))
    if lost:
        text = (
            f"{len(lost)} of {len(ended)} finished runs have no files, as {lost[0].run_id}; bring "
            f"back .artifacts"
        )
        yield Finding("WRONG", "runs", f"{text}, or the study runs them again")
    else:
        yield Finding("ok", "runs", f"{len(ended)} finished, each with its files")


def _with_status(runs: Iterable[Run], status: str) -> list[Run]:
    return [run for run in runs if run.status == status]


def _running(name: str, runs: list[Run], root: Path) -> Finding:
    if is_held(lock_file(root, name)):
        return Finding("ok", f"study {name}", "is being run now")
    lease = max(float(run.tags.get("lease", "0")) for run in runs)
    hosts = {run.tags.get("host", "?") for run in runs} - {host_name()}
    # a lock says nothing of another host; its lease does
    if hosts and time.time() - lease < LEASE_OVER_SECONDS:
        return Finding("ok", f"study {name}", f"is being run on {', '.join(sorted(hosts))}")
    text = (
        f"{len(runs)} runs are RUNNING and their process is dead; make study NAME={name} closes "
        f"them and goes on"
    )
    return Finding("hint", f"study {name}", text)
