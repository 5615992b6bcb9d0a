"""A lock is seen from another process, and goes with the process that held it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from framework.errors import StudyLocked
from framework.system.locks import is_held, lock_file, study_lock

HOLD = (
    "import pathlib, sys, time\n"
    "from framework.system.locks import study_lock\n"
    "with study_lock(pathlib.Path(sys.argv[1]), 'mine'):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(600)\n"
)


def test_who_else_holds_it_is_seen_and_a_dead_one_does_not(tmp_path: Path) -> None:
    path = lock_file(tmp_path, "mine")
    assert not is_held(path)
    assert not path.parent.exists()  # asking writes nothing
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert is_held(path)
        with pytest.raises(StudyLocked, match="mine"), study_lock(tmp_path, "mine"):
            pass
        with study_lock(tmp_path, "other"):
            assert is_held(lock_file(tmp_path, "other"))
    finally:
        other.kill()
        other.communicate()
    assert not is_held(path)
    with study_lock(tmp_path, "mine"):
        assert is_held(path)
    assert not is_held(path)
