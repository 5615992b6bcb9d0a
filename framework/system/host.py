"""Which machine this is, and which revision of the project's code."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path


def host_name() -> str:
    """This machine, as runs name it in their tag `host`."""
    return platform.node() or str(os.getuid())


def host_tags(root: Path) -> dict[str, str]:
    """Who runs this, from which revision.

    Args:
        root: the project; a revision is `unknown` where it is no git checkout, or git is missing.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:  # slim images have no git
            return "unknown"
        return done.stdout.strip() if done.returncode == 0 else "unknown"

    dirty = git("status", "--porcelain", "--untracked-files=no")
    state = "unknown" if dirty == "unknown" else str(bool(dirty)).lower()
    return {"host": host_name(), "git": git("rev-parse", "HEAD"), "dirty": state}


def most_bytes() -> int:
    """How much of this machine's memory a file may fill: half of it."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
