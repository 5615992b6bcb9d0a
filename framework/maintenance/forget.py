"""All that there is of one study, and its deletion: runs, artifacts, reports.

The study file stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from framework.errors import UnknownName
from framework.results.record import ROLES
from framework.system import paths
from framework.system.disk import remove, size_bytes, size_text
from framework.system.host import host_name
from framework.tracking import database
from framework.tracking.address import address, sqlite_file
from framework.tracking.history import refuse_if_leased
from framework.tracking.store import Store
from framework.tracking.tables.deletion import Database


@dataclass(frozen=True)
class Kept:
    """What there is of a study.

    Args:
        roles: number of runs by role; `deleted in the UI` for those that MLflow hides.
        folders: its artifacts and reports.
    """

    name: str
    roles: dict[str, int]
    folders: tuple[Path, ...]

    def lines(self, root: Path) -> list[str]:
        """What would go, for the terminal."""
        runs = ", ".join(f"{count} {role}" for role, count in self.roles.items()) or "none"
        lines = [f"  runs: {runs}"]
        for folder in self.folders:
            size = size_text(size_bytes(folder))
            lines.append(f"  {folder.relative_to(root)}: {size}")
        return lines


def find(root: Path, name: str) -> Kept:
    """What there is of the study called `name`.

    Raises:
        UnknownName: nothing.
        UserError: the runs are on a server.
        StudyLocked: another host runs it.
    """
    root = root.resolve()
    folders = _folders(root)
    database = _database(root)
    # folders count too: a report may be left of a study that has no runs
    names = {*folders, *(database.studies() if database else ())}
    if name not in names:
        raise UnknownName("study with runs, artifacts or reports", name, names)
    roles = _roles(root, name, database) if database else {}
    return Kept(name, roles, tuple(sorted(folders.get(name, ()))))


def forget(root: Path, kept: Kept) -> None:
    """Delete it; the caller has locked the study.

    The runs go first: files without a run mislead nobody.
    """
    database = _database(root.resolve())
    if database:
        database.forget(kept.name)
    for folder in kept.folders:
        remove(folder)


def _database(root: Path) -> Database | None:
    file = sqlite_file(address(root))
    # looking must not make a store
    if file is not None and not database.exists(file):
        return None
    return Database(root, database.prepare(root, create=False))


def _roles(root: Path, name: str, database: Database) -> dict[str, int]:
    store = Store.open(root, create=False)
    runs = store.runs(name)
    refuse_if_leased(store, name, runs, host=host_name())
    counts = Counter(run.tags.get("role", "other") for run in runs)
    roles: dict[str, int] = {}
    for role in (*ROLES, "other"):
        if counts[role]:
            roles[role] = counts[role]
    # MLflow's UI marks runs as deleted and keeps them; its own search does not return them
    hidden = len(database.run_ids(name)) - len(runs)
    return roles | ({"deleted in the UI": hidden} if hidden else {})


def _folders(root: Path) -> dict[str, set[Path]]:
    """Study -> its folders; a report of an overridden study lies in NAME@DIGEST."""
    folders: dict[str, set[Path]] = {}
    for folder in _below(paths.artifacts(root)):
        folders.setdefault(folder.name, set()).add(folder)
    for folder in _below(paths.report_output(root)):
        folders.setdefault(folder.name.partition("@")[0], set()).add(folder)
    return folders


def _below(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from filter(Path.is_dir, folder.iterdir())
