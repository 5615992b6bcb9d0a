"""A folder with one study of this checkout, in which commands run as a user types them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

WHERE = b"## Where and when"  # the last head of a page, below which it tells of the machine
# of the machine by intent: seconds, run ids, hosts
CLOCK = (
    "timing.csv",
    "speed.md",
    "provenance.json",
    "report.html",
    "compare_budgets.csv",
    "compare_provenance.json",
    "compare_report.html",
)


class Project:
    """A folder with the study.

    Args:
        root: is made.
        source: the checkout, whose code is used.
        study: name of one of its files in `studies/`.
        settings: overrides, `key=value`.
    """

    def __init__(self, root: Path, source: Path, study: str, settings: Sequence[str] = ()) -> None:
        self.root, self.study, self._source = root, study, source
        self._settings = tuple(settings)
        (root / "studies").mkdir(parents=True)
        shutil.copy(source / "studies" / f"{study}.py", root / "studies")
        ignored = shutil.ignore_patterns("out", "__pycache__")
        shutil.copytree(source / "reports", root / "reports", ignore=ignored)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """The command `study`, begun or gone on with.

        Args:
            options: of the command, as `--workers`, `2`.
        """
        command = [sys.executable, "-m", "framework", "study", self.study, *options]
        for setting in self._settings:
            command += ["--set", setting]
        variables = os.environ | {"PYTHONPATH": str(self._source)}
        with self.said.open("ab") as said:
            return subprocess.Popen(command, cwd=self.root, env=variables, stdout=said, stderr=said)

    @property
    def said(self) -> Path:
        """What the commands wrote."""
        return self.root / "said.txt"

    def tables(self) -> dict[str, bytes]:
        """Tables and figures of the last report: all that the specs of the study decide."""
        # the folder of a study with overrides is named by its digest
        found = sorted(self.root.glob("reports/**/pareto.csv"), key=os.path.getmtime)
        files = found[-1].parent.iterdir() if found else ()
        return {
            path.name: path.read_bytes().split(WHERE)[0] for path in files if path.name not in CLOCK
        }

    def processes(self) -> list[int]:
        """Those that live in this folder."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").resolve() == self.root:
                    found.append(int(entry.name))
            except OSError:  # it has ended, or is another user's
                continue
        return found
