"""Raw arrays on disk.

The open splits in one folder, the sealed test split in a file of its own elsewhere.

    .cache/data/<name>-<key>/    train.npz calibration.npz validation.npz digests.json
    .cache/sealed/<name>-<key>.npz

All is written aside and moved into place under a lock, and verified by sha256 whenever it is read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framework.datasets._sources.splits import Arrays, digest
from framework.errors import SqueezelabError
from framework.system import paths
from framework.system.locks import patient_lock

if TYPE_CHECKING:
    from framework.contracts import Array

OPEN = ("train", "calibration", "validation")
TEST = "test"
DIGESTS_JSON = "digests.json"
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
)
_log = logging.getLogger("framework")


class NotCached(SqueezelabError):
    """Nothing there yet, or it is not what was written."""


@dataclass(frozen=True)
class Cache:
    """The cached arrays of one data set under one split rule.

    Args:
        root: the project's folder.
        name: of the data set.
        key: 8 hex digits of all that decides the arrays.
    """

    root: Path
    name: str
    key: str

    @property
    def folder(self) -> Path:
        """Where the open splits lie."""
        return paths.prepared_data(self.root) / f"{self.name}-{self.key}"

    @property
    def sealed(self) -> Path:
        """The file of the test split."""
        return paths.sealed_data(self.root) / f"{self.name}-{self.key}.npz"

    def lock(self) -> AbstractContextManager[None]:
        """The lock of whoever prepares this data set; the kernel drops it with the process."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        return patient_lock(self.folder.parent / f"{self.name}.lock")

    def digests(self) -> dict[str, str]:
        """sha256 of each split, `test` included.

        Raises:
            NotCached: the file is missing or damaged.
        """
        try:
            written = json.loads((self.folder / DIGESTS_JSON).read_text("utf-8"))
            digests = {split: str(written["splits"][split]) for split in (*OPEN, TEST)}
            whole = written["sha256"] == _sum_of(digests)
        except (*UNREADABLE, TypeError) as error:
            raise NotCached("The digests cannot be read.", given=str(error)) from error
        if not whole:
            raise NotCached("The digests are not those that were written.", given=str(self.folder))
        return digests

    def read_open(self) -> tuple[dict[str, Arrays], dict[str, str]]:
        """The open splits and the digests of all four.

        Raises:
            NotCached: something is missing or damaged.
        """
        digests = self.digests()
        splits: dict[str, Arrays] = {}
        for split in OPEN:
            path = self.folder / f"{split}.npz"
            splits[split] = _read(path, digests[split])
        return splits, digests

    def read_sealed(self) -> Arrays:
        """The test split.

        Raises:
            NotCached: it is missing or damaged.
        """
        return _read(self.sealed, self.digests()[TEST])

    def check_sealed(self) -> None:
        """Return if the test split is there and whole, without handing it on.

        Raises:
            NotCached: it is missing or damaged.
        """
        _read(self.sealed, self.digests()[TEST])

    def write(self, splits: Mapping[str, Arrays]) -> None:
        """Write all four splits; the caller has the lock.

        The folder of the open ones appears last and whole.
        """
        # first, so that no folder of open splits is ever without its test split
        self.write_sealed(splits[TEST])
        digests = {split: digest(arrays) for split, arrays in splits.items()}
        aside = _part_of(self.folder)
        aside.mkdir()
        for split in OPEN:
            np.savez(aside / f"{split}.npz", allow_pickle=False, **splits[split])
        whole = {"splits": digests, "sha256": _sum_of(digests)}
        (aside / DIGESTS_JSON).write_text(json.dumps(whole, sort_keys=True, indent=1), "utf-8")
        aside.replace(self.folder)

    def write_sealed(self, test: Arrays) -> None:
        """Write the test split in place of one that is there; the caller has the lock."""
        self.sealed.parent.mkdir(parents=True, exist_ok=True)
        aside = _part_of(self.sealed)
        with aside.open("wb") as file:
            np.savez(file, allow_pickle=False, **test)
        aside.replace(self.sealed)


def damaged_entries(root: Path) -> list[str]:
    """What is cached and is not what was written, as paths from the project; nothing is changed.

    A sealed test split is verified here as well, and goes no further.
    """
    damaged = []
    for folder in sorted(paths.prepared_data(root).glob("*-????????")):
        name, _, key = folder.name.rpartition("-")
        cache = Cache(root, name, key)
        entry = folder  # that is being read when an error is raised
        try:
            cache.read_open()
            entry = cache.sealed
            cache.check_sealed()
        except NotCached:
            damaged.append(str(entry.relative_to(root)))
    return damaged


def put_aside(path: Path) -> Path | None:
    """Rename what is there, so that it can be looked at; None if there is nothing."""
    if not path.exists():
        return None
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    return aside


def put_aside_loudly(path: Path) -> None:
    """The same, with a warning that says what happens next."""
    aside = put_aside(path)
    if aside is not None:
        _log.warning(
            "The cached data in %s is damaged: put aside as %s and prepared again.",
            path,
            aside.name,
        )


def _sum_of(digests: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def _read(path: Path, expected: str) -> dict[str, Array]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
    except UNREADABLE as error:
        raise NotCached("The arrays cannot be read.", given=f"{path}: {error}") from error
    if digest(arrays) != expected:
        raise NotCached("The arrays are not those that were written.", given=str(path))
    return arrays


def _part_of(path: Path) -> Path:
    """Where to write before moving into place; what a killed process left there is removed."""
    part = path.with_name(f"{path.name}.part")
    if part.is_dir():
        shutil.rmtree(part)
    part.unlink(missing_ok=True)
    return part
