"""What doctor says of the machine: known answers for a lock file, a full disk, a greedy study."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from framework.maintenance.doctor import machine

Usage = namedtuple("Usage", "total used free")
STUDY = (
    '"""How?"""\n\nfrom framework import Study, Train, use\n\nSTUDY = '
    'Study(dataset=use("digits"), {})\n'
)


def write_lock(root: Path, *lines: str) -> None:
    (root / "requirements.lock").write_text(
        "# made by hand\n" + "".join(f"{line} \\\n    --hash=x\n" for line in lines)
    )


def test_libraries_are_compared_with_the_lock(tmp_path: Path) -> None:
    numpy = importlib.metadata.version("numpy")
    for_each_python = (
        f"numpy=={numpy} ; python_full_version < '3.99'",
        "numpy==99.1 ; python_full_version >= '3.99'",
    )
    write_lock(tmp_path, *for_each_python, "no-such-library==1.0 ; sys_platform == 'win32'")
    assert machine.libraries(tmp_path).line() == "ok     libraries: 1 as in requirements.lock"
    (tmp_path / "requirements-more.lock").write_text("filelock==99.2 \\\n    --hash=x\n")
    write_lock(tmp_path, "numpy==99.1")
    found = machine.libraries(tmp_path)
    assert found.level == "hint"
    assert f"numpy {numpy}, not 99.1" in found.text
    assert "filelock" in found.text


def test_a_library_that_is_not_installed_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [
        "numpy>=2",
        "no-such-library>=3",
        "not-for-us>=1; python_version < '3'",
        'only-dev>=1; extra == "dev"',
    ]
    monkeypatch.setattr(machine, "requires", lambda name: wanted)
    found = machine.libraries(tmp_path)
    assert found.level == "WRONG"
    assert "not installed: no-such-library." in found.text


@pytest.mark.parametrize(
    ("version", "level"), [((3, 10), "WRONG"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "WRONG")]
)
def test_python_is_one_of_three(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], level: str
) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    assert machine.python().level == level


@pytest.mark.parametrize(("free", "level"), [(10**12, "ok"), (10**9, "hint"), (10**7, "WRONG")])
def test_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**13, 0, free))
    assert machine.free_disk(tmp_path).level == level


def test_a_study_with_more_threads_than_there_are_cores_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    (tmp_path / "studies").mkdir()
    for name, threads in {"modest": 1, "greedy": 3}.items():
        parts = f'architecture=use("lenet5"), train=Train(threads={threads})'
        (tmp_path / "studies" / f"{name}.py").write_text(STUDY.format(parts))
    (tmp_path / "studies" / "broken.py").write_text("STUDY = (")
    found = machine.cores(tmp_path)
    assert (found.level, found.text.split(": ")[1]) == ("hint", "greedy (3)")


def test_memory_is_that_of_this_machine() -> None:
    assert machine.memory().text.split()[1].startswith(("MB", "GB", "TB"))
