"""Stdout and stderr as they may be: closed, full, read by nobody, or of another alphabet."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO, cast


class Unheard:
    """Stderr that goes quiet once it cannot be written: what is said never ends the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or drop it; the number of characters."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, or drop it."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def prepare() -> None:
    """Let every later write to stdout and stderr find an open file."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # the lowest free number is taken: else a store would be opened as stdout
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = cast("TextIO", Unheard(sys.stderr or _nowhere()))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a name in letters that the terminal does not have is shown by their numbers
        sys.stdout.reconfigure(errors="backslashreplace")


def silence_stdout() -> None:
    """Drop what is left: Python would try to write it once more at its end, and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _nowhere() -> TextIO:
    return cast("TextIO", open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123 - for good
