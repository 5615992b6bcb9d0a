"""What a machine refuses is a sentence with the path, the reason and a way out."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from framework.errors import MachineError
from framework.system.paths import written
from framework.system.refusal import REFUSALS, explained, is_of_machine


@pytest.mark.parametrize("number", REFUSALS)
def test_every_refusal_has_a_sentence_and_a_way_out(number: int) -> None:
    error = explained(OSError(number, os.strerror(number), "some/file"))
    assert isinstance(error, MachineError)
    assert error.exit_code == 1
    assert error.what.endswith(".")
    assert error.given == "Path: some/file."
    assert error.todo.endswith(".")


def test_what_is_not_listed_is_said_as_the_system_says_it() -> None:
    error = explained(OSError(errno.EXDEV, "Invalid cross-device link", "a", None, "b"))
    assert error.what == "The machine refused: Invalid cross-device link."
    assert error.given == "Path: a -> b."
    assert explained(OSError("12 requested and 8 written")).what.endswith("8 written.")
    assert explained(MemoryError()).what == "The memory is used up."


def test_a_full_disk_without_a_path_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".artifacts").mkdir()
    usage = os.statvfs(tmp_path)

    def disk_usage(path: Path) -> object:
        free = 0 if Path(path).name == ".artifacts" else usage.f_bavail * usage.f_frsize
        return type("Usage", (), {"free": free})

    monkeypatch.setattr("shutil.disk_usage", disk_usage)
    error = explained(OSError(errno.ENOSPC, "No space left on device"), written(tmp_path))
    assert error.given == f"Nothing is free in: {tmp_path / '.artifacts'}."


def test_a_missing_file_is_the_trials_own_and_a_full_disk_is_not() -> None:
    assert is_of_machine(OSError(errno.ENOSPC, ""))
    assert is_of_machine(PermissionError(errno.EACCES, ""))
    assert not is_of_machine(FileNotFoundError(errno.ENOENT, ""))
    assert not is_of_machine(OSError("of a library, without a number"))
