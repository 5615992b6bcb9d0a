"""The command line as a user meets it: real processes, an empty home folder, nothing written by a
mistake."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from forked_commands import Commands

ROOT = Path(__file__).parents[1]
# the second notes which errors the process meets
IMPORTED = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'noting'}"
LINES = 14  # the most that a mistake is told in


def squeezelab(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command in this folder, with an empty home."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    named = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MLFLOW_TRACKING_URI", "COLUMNS")
    }
    named |= {"HOME": str(home), "TFDS_DATA_DIR": str(home), "PYTHONPATH": IMPORTED, **environment}
    began = time.monotonic()
    # a checkout has a package of its own, and an interpreter reads its settings when it starts
    own = (folder / "framework").is_dir() or any(name.startswith("PYTHON") for name in environment)
    done = (fresh if own else forked)(folder, arguments, named)
    print(f"{time.monotonic() - began:.1f} s: squeezelab {' '.join(arguments)}")
    return done


def fresh(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """The command by a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-m", "framework", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def forked(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """The command by a process that begins where its imports end."""
    with TemporaryDirectory() as streams:
        stdout, stderr = Path(streams, "stdout"), Path(streams, "stderr")
        code = commands().run(arguments, folder, environment, stdout=stdout, stderr=stderr)
        return subprocess.CompletedProcess(
            ["squeezelab", *arguments], code, stdout.read_text("utf-8"), stderr.read_text("utf-8")
        )


@cache
def commands() -> Commands:
    """One for all tests of this process; it ends with it."""
    # without threads of its own: those of numpy's would not be there in what is forked
    return Commands(os.environ | {"PYTHONPATH": IMPORTED, "OPENBLAS_NUM_THREADS": "1"})


def listing(root: Path) -> dict[str, int]:
    """Every file and folder below `root` with its size."""
    return {str(path.relative_to(root)): path.lstat().st_size for path in sorted(root.rglob("*"))}


def refused(project: Path, *arguments: str, **environment: str) -> str:
    """What a mistaken command says; it wrote nothing, said nothing on stdout and ended with 2."""
    before = listing(project)
    done = squeezelab(project, *arguments, **environment)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert 2 <= len(done.stderr.splitlines()) <= LINES, done.stderr
    assert listing(project) == before
    assert listing(project.parent / "home") == {}
    return done.stderr
