"""What a plug-in may look into while a study is resolved: files of the project and of its runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from framework.errors import InvalidStudy

RunFiles = Callable[[str, str], bytes]
"""(a run's id or 6 and more digits it begins with, an artifact's name) -> its content."""


def no_runs(run: str, name: str) -> bytes:
    """Where there is no store to look into.

    Raises:
        InvalidStudy: always.
    """
    raise InvalidStudy(
        "A run is named, and there is no store to look for it in.",
        given=f"Named: {run}, for its {name}.",
        todo="Run it as a study of a project.",
    )


@dataclass(frozen=True)
class Project:
    """What a plug-in is shown of the project.

    Args:
        root: its folder, from which knobs name files.
        run_file: reads an artifact of a finished run; it raises UserError where there is none.
    """

    root: Path
    run_file: RunFiles = no_runs
