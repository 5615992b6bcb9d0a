"""What is in `.cache`, what may go, and when it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from framework.errors import StudyLocked
from framework.maintenance.cache import clean, entries, leftovers


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "mine.py").touch()
    for name, size in {
        "data/digits-0/train.npz": 30,
        "sealed/digits-0.npz": 10,
        "what/is/this": 20,
        "file": 5,
    }.items():
        path = tmp_path / ".cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (tmp_path / ".cache" / "locks").mkdir()
    return tmp_path


def test_the_largest_comes_first_and_locks_are_not_offered(root: Path) -> None:
    assert [(entry.path.name, entry.size) for entry in entries(root)] == [
        ("data", 30),
        ("what", 20),
        ("sealed", 10),
        ("file", 5),
    ]


def test_all_that_was_offered_goes_and_links_are_not_followed(root: Path) -> None:
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (root / ".cache" / "tfds").symlink_to(elsewhere)
    clean(root, entries(root))
    assert [path.name for path in (root / ".cache").iterdir()] == ["locks"]
    assert (elsewhere / "kept").exists()
    assert entries(root) == []


@pytest.mark.parametrize(
    "lock", ["locks/mine.lock", "locks/gone.lock", "data/digits.lock", "baselines/0.lock"]
)
def test_nothing_goes_while_somebody_works(root: Path, lock: str) -> None:
    path = root / ".cache" / lock
    path.parent.mkdir(exist_ok=True)
    with FileLock(path), pytest.raises(StudyLocked, match=lock):
        clean(root, entries(root))
    assert (root / ".cache" / "data" / "digits-0" / "train.npz").exists()
    clean(root, entries(root))
    assert not (root / ".cache" / "data").exists()


def test_left_over_is_what_nobody_reads(root: Path) -> None:
    left = {
        ".cache/data/digits-0.part",
        ".cache/baselines/0.new",
        ".cache/tfds/digits/incomplete.1",
        ".cache/tmpabc",
    }
    left |= {
        ".cache/sealed/digits-0.npz.damaged-1",
        ".artifacts/mine/0/.17.part",
        "reports/out/mine/.new-1",
    }
    for name in left | {
        ".artifacts/mine/0/artifacts/model.tflite",
        ".cache/baselines/0/weights.npz",
    }:
        (root / name).mkdir(parents=True)
        (root / name / "damaged.part").touch()  # inside of what is named already
    (root / ".cache" / "baselines" / "0" / "weights.npz" / "damaged.part").unlink()
    assert {str(path.relative_to(root)) for path in leftovers(root)} == left
