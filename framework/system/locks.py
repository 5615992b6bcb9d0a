"""Who is at work: lock files under `.cache`, whose locks the kernel drops when a process dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from framework.errors import StudyLocked
from framework.system import interrupt, paths

LOOK_SECONDS = 0.5  # between two looks whether an interrupt has come


@contextmanager
def study_lock(root: Path, name: str) -> Iterator[None]:
    """Hold a study's lock.

    Raises:
        StudyLocked: another process on this machine holds it.
    """
    path = lock_file(root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout as error:
        raise StudyLocked(
            f"Study {name} is being run by another process on this machine.",
            todo="Wait until it ends, or stop it there with Ctrl-C: what is done is kept.",
        ) from error


@contextmanager
def patient_lock(path: Path | str) -> Iterator[None]:
    """Hold a lock as soon as whoever has it is done.

    Raises:
        KeyboardInterrupt: an interrupt came while waiting.
    """
    lock = FileLock(path)
    while not lock.is_locked:
        interrupt.check()
        with suppress(Timeout):
            lock.acquire(timeout=LOOK_SECONDS)
    try:
        yield
    finally:
        lock.release()


def lock_file(root: Path, name: str) -> Path:
    """Where a study's lock lies."""
    return paths.locks(root) / f"{name}.lock"


def is_held(path: Path) -> bool:
    """Whether a process holds the lock; a file that is missing is not made."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
