"""The machine and what is installed on it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from framework.errors import SqueezelabError
from framework.maintenance.doctor.finding import Finding, Level
from framework.planning.project import load_study, study_names
from framework.system.disk import size_text

OLDEST, NEWEST = (3, 11), (3, 13)
MEMORY_HINT_BYTES = 2_000_000_000  # a study with TensorFlow takes about one
DISK_HINT_BYTES, DISK_WRONG_BYTES = 2_000_000_000, 100_000_000
LOCK, LOCKS_OF_EXTRAS = "requirements.lock", "requirements-*.lock"
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
NAMED_FIRST = 5  # of a long list


def python() -> Finding:
    """The interpreter."""
    text = f"{platform.python_version()}, {sys.executable}"
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return Finding("ok", "Python", text)
    return Finding(
        "WRONG",
        "Python",
        f"{text}; Squeezelab needs 3.11 to 3.13. make clean setup PYTHON=python3.12",
    )


def libraries(root: Path) -> Finding:
    """What is installed against `requirements.lock`."""
    missing = [name for name in _required() if _installed(name) is None]
    if missing:
        return Finding(
            "WRONG", "libraries", f"not installed: {_shortened(missing)}. make clean setup"
        )
    if not (root / LOCK).is_file():
        return Finding(
            "ok", "libraries", f"all that are needed are installed; no {LOCK} to compare with"
        )
    return _against_lock(root)


def _against_lock(root: Path) -> Finding:
    count, others = 0, []
    for name, versions in _locked(root).items():
        installed = _installed(name)
        # the file has the libraries of every platform and Python, so not all of them are here
        if installed is not None:
            count += 1
            if installed not in versions:
                others.append(f"{name} {installed}, not {' or '.join(sorted(versions))}")
    if others:
        text = f"others than in {LOCK}, so numbers may differ: {_shortened(others)}"
        return Finding("hint", "libraries", text)
    return Finding("ok", "libraries", f"{count} as in {LOCK}")


def cores(root: Path) -> Finding:
    """Cores, and studies that train with more threads."""
    # `taskset` or a cpuset may leave fewer than the machine has; macOS has no such call
    count = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    greedy = []
    for name in study_names(root):
        threads = _threads(root, name)
        if threads > count:
            greedy.append(f"{name} ({threads})")
    if greedy:
        text = f"{count}; studies with more threads, which gains nothing: {_shortened(greedy)}"
        return Finding("hint", "cores", text)
    return Finding("ok", "cores", f"{count}; no study trains with more threads")


def memory() -> Finding:
    """All of the machine's."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size < MEMORY_HINT_BYTES:
        return Finding(
            "hint", "memory", f"{size_text(size)}; a study takes about 1 GB, so run one at a time"
        )
    return Finding("ok", "memory", size_text(size))


def free_disk(root: Path) -> Finding:
    """What is left where the project lies."""
    free = shutil.disk_usage(root).free
    if free < DISK_HINT_BYTES:
        level: Level = "WRONG" if free < DISK_WRONG_BYTES else "hint"
        advice = "make room, or: make clean-cache, make forget NAME=..."
        return Finding(level, "free disk", f"{size_text(free)}; {advice}")
    return Finding("ok", "free disk", size_text(free))


def _required() -> list[str]:
    """The names of the libraries that Squeezelab itself asks for, on this Python."""
    try:
        wanted = requires("squeezelab") or []
    except PackageNotFoundError:  # used from a folder, without being installed
        return []
    names = []
    for requirement in wanted:
        match = re.match(r"[A-Za-z0-9._-]+", requirement)
        # what is behind a `;` is for some Pythons, or for an extra as `dev`
        if match and ";" not in requirement:
            names.append(match[0])
    return names


def _locked(root: Path) -> dict[str, set[str]]:
    """The versions that the lock files have of each library: one for each range of Pythons."""
    versions: dict[str, set[str]] = {}
    # an extra's file has what it needs besides
    for file in (root / LOCK, *sorted(root.glob(LOCKS_OF_EXTRAS))):
        for name, version_text in LOCKED.findall(file.read_text("utf-8")):
            versions.setdefault(name, set()).add(version_text)
    return versions


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _threads(root: Path, name: str) -> int:
    try:
        return load_study(root, name).study.train.threads
    except SqueezelabError:  # `make check` says what is wrong with it
        return 0


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_FIRST} more" if len(names) > NAMED_FIRST else ""
    return ", ".join(names[:NAMED_FIRST]) + more
