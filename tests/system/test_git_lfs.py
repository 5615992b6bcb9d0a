"""A file that Git LFS left a pointer for is known as such, wherever a user brings one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from framework.contracts import datasets
from framework.datasets._prepare.images import read_picture
from framework.errors import DataUnavailable
from framework.nn import saved
from framework.planning.project import load_study
from framework.system.git_lfs import check_fetched
from framework.tracking import database

POINTER = b"version https://git-lfs.example/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


def own(name: str) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        return datasets.build(name, {"path": path.name}).located(path.parent).info

    return read


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("net.h5", saved.file.read),
        ("net.keras", saved.file.read),
        ("table.csv", own("csv")),
        ("data.npz", own("arrays")),
        ("studies/mine.py", lambda path: load_study(path.parents[1], "mine")),
        ("mlflow.db", database.require),
    ],
)
def test_a_pointer_is_named_with_what_fetches_it(
    name: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(POINTER)
    with pytest.raises(DataUnavailable, match="pointer of Git LFS") as told:
        read(path)
    assert "git lfs pull" in told.value.todo


def test_a_picture_that_is_a_pointer_says_so() -> None:
    with pytest.raises(ValueError, match="git lfs pull"):
        read_picture(POINTER, side=8, channels=1)


def test_what_only_speaks_of_it_is_no_pointer(tmp_path: Path) -> None:
    note = tmp_path / "note.csv"
    note.write_text("a,b\n1,version https://git-lfs\n")
    check_fetched(note)
    note.write_bytes(POINTER + bytes(2000))
    check_fetched(note)
    check_fetched(tmp_path / "nothing")
