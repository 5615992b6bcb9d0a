"""What lies in `.cache`, and its deletion: all of it is made again when it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from framework.errors import StudyLocked
from framework.planning.project import study_names
from framework.system import paths
from framework.system.disk import remove, size_bytes
from framework.system.locks import is_held, study_lock

MEANINGS = {
    "data": "data sets as arrays; made again from what they came from",
    "sealed": "test splits; made again, and compared with the digests in the runs",
    "baselines": "trained dense nets; trained again, which takes the longest",
    "tried": "which trials passed on a few samples; tried again by the next check",
    "tfds": "data sets as tensorflow-datasets prepares them; downloaded or made again",
    "store": "the lock of who makes mlflow.db",
    "matplotlib": "its list of fonts",
}


@dataclass(frozen=True)
class Entry:
    """One folder or file of `.cache`.

    Args:
        size: bytes.
        meaning: what it is, and what its loss costs.
    """

    path: Path
    size: int
    meaning: str


def entries(root: Path) -> list[Entry]:
    """All that may be deleted, largest first."""
    folder = paths.cache(root)
    cached = []
    for path in folder.iterdir() if folder.is_dir() else ():
        # lock files stay, so that who waits finds the file of who holds the lock
        if path != paths.locks(root):
            meaning = MEANINGS.get(path.name, "left over")
            cached.append(Entry(path, size_bytes(path), meaning))
    return sorted(cached, key=lambda entry: (-entry.size, entry.path.name))


def refuse_if_busy(root: Path) -> None:
    """Return if nobody works with the cache.

    Raises:
        StudyLocked: a study is running, or a data set or baseline is being made.
    """
    for file in _lock_files(root):
        if is_held(file):
            raise StudyLocked(
                "Another process is at work with the cache.",
                given=f"It holds {file.relative_to(root)}.",
                todo="Wait until it ends, or stop it there with Ctrl-C.",
            )


def _lock_files(root: Path) -> Iterator[Path]:
    """What is locked by who runs a study, prepares data, trains a baseline or makes the store."""
    for folder in (paths.locks(root), paths.prepared_data(root), paths.baselines(root)):
        yield from sorted(folder.glob("*.lock"))
    yield paths.store_workplace(root) / "lock"


def clean(root: Path, found: list[Entry]) -> None:
    """Delete these; no study can start meanwhile.

    Raises:
        StudyLocked: somebody works with the cache.
    """
    refuse_if_busy(root)
    with ExitStack() as locks:
        for name in study_names(root):
            locks.enter_context(study_lock(root, name))
        for entry in found:
            remove(entry.path)


def leftovers(root: Path) -> list[Path]:
    """What killed processes left half written, and what was put aside as damaged.

    Nobody reads it.
    """
    patterns = {
        root: [f"{paths.unfinished_store(paths.store(root)).name}*"],
        paths.cache(root): [
            "tmp*",
            "*/*.part",
            "baselines/*.new",
            "tfds/*/incomplete.*",
            "**/*.damaged-*",
        ],
        paths.artifacts(root): ["*/*/.*.part"],
        paths.report_output(root): ["*/.new-*"],
    }
    matches: set[Path] = set()
    for folder, globs in patterns.items():
        for glob in globs:
            matches.update(folder.glob(glob))
    # what lies in a folder that is listed itself goes with it, and is not counted twice
    return sorted(path for path in matches if matches.isdisjoint(path.parents))
