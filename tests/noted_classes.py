"""What notes where it is made or called, besides the tree of errors."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from framework.datasets._prepare.label_arrays import NoLabels
from framework.datasets._prepare.picture_arrays import NoPictures
from framework.display.progress import Progress
from framework.maintenance.doctor.finding import Finding
from framework.nn.saved import limits, net
from framework.nn.saved.file import Unusable

ERRORS: tuple[type[Exception], ...] = (Unusable, NoLabels, NoPictures)
"""Each becomes one of the tree."""
CALLED: tuple[tuple[type[Any], str], ...] = ((Finding, "__init__"), (Progress, "say"))
"""Methods that are called with what they make or say."""
UNREAD = ("Reading it took", "The process that read it")
"""How the reason begins where a net was not read to its end."""


def prepare() -> None:
    """Read here again what a process with limits refuses: what it has met is not known here.

    A file that it did not come through is not read again: it may loop, crash or take all memory.
    """
    look = limits._refused

    def noted(path: Path, output: str, state: object) -> Mapping[str, str]:
        refused = look(path, output, state)
        if refused and not refused["given"].startswith(UNREAD):
            with suppress(Exception):
                net.read_here(path, output)
        return refused

    limits._refused = noted  # type: ignore[assignment]
