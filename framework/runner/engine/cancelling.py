"""Ending one run of a session from another terminal: a file named by the run says so."""

from __future__ import annotations

from pathlib import Path

from framework.system import paths

CANCELLED_TEXT = "Somebody ended it with `make cancel`."


def ask(root: Path, run_id: str) -> None:
    """Ask whoever does a run to end it."""
    file = _file(root, run_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def is_cancelled(root: Path, run_id: str) -> bool:
    """Whether a run is to end."""
    return _file(root, run_id).exists()


def forget(root: Path, run_id: str) -> None:
    """Remove what asked a run to end that has ended."""
    _file(root, run_id).unlink(missing_ok=True)


def _file(root: Path, run_id: str) -> Path:
    return paths.cancelled(root) / run_id
