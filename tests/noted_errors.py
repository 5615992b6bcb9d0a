"""Errors, warnings and findings of ours note where they are made.

In the process of the tests, errors in those it starts too. This module has to be light: a process
that loads it is watched for what else it loads.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from framework.errors import SqueezelabError

ROOT = Path(__file__).parents[1]
PACKAGE = f"{ROOT / 'framework'}{os.sep}"
ERRORS = str(ROOT / "framework" / "errors.py")
NOTES = "SQUEEZELAB_NOTES"  # the folder to which other processes write
DEPTH = 12  # frames of ours above the one that makes an error
met: set[tuple[str, int]] = set()
"""(file from the repository's folder, line)."""


def note_places(*others: type[Exception]) -> None:
    """Let errors note their places, once in a process.

    Args:
        others: classes that are not of the tree and become one of it.
    """
    if hasattr(SqueezelabError, "noted"):
        return
    for kind in (SqueezelabError, *others):
        kind.__new__ = _noting(kind.__new__)  # type: ignore[method-assign,assignment]
    SqueezelabError.noted = True  # type: ignore[attr-defined]


def note_warnings() -> None:
    """Let what is logged as a warning note its place; neither handlers nor their stacks change."""
    make = logging.getLogRecordFactory()

    def noted(name: str, level: int, *args: Any, **options: Any) -> logging.LogRecord:
        if level >= logging.WARNING:
            _note(sys._getframe(1))
        return make(name, level, *args, **options)

    logging.setLogRecordFactory(noted)


def noting(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which notes from where it is called."""

    def noted(*args: Any, **options: Any) -> Any:
        _note(sys._getframe(1))
        return function(*args, **options)

    return noted


def _noting(make: Any) -> Any:
    def noted(cls: Any, *args: Any, **options: Any) -> Any:
        _note(sys._getframe(1))
        return make(cls, *args, **options)

    return noted


def _note(frame: Any) -> None:
    """The lines of ours that are being run: a function that makes an error, and its callers."""
    depth, places = 0, set()
    while frame is not None and depth < DEPTH:
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE) and file != ERRORS:
            places.add((Path(file).relative_to(ROOT).as_posix(), frame.f_lineno))
            depth += 1
        frame = frame.f_back
    met.update(places)
    # at once: a process may end in any way
    if NOTES in os.environ and "pytest" not in sys.modules:
        # threads of one process, as doctor's, would write into one another's file
        name = f"{os.getpid()}-{threading.get_ident()}.json"
        # a test may have left it no disk to write to, and the error is to be the command's own
        with suppress(OSError):
            Path(os.environ[NOTES], name).write_text(json.dumps(sorted(met)))
