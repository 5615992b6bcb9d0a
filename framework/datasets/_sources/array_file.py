"""Arrays in a file, or in a folder of files, by their names.

What stands in the heads is held against what is there before anything is unpacked.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from framework.contracts import Array
from framework.datasets._sources.cache import UNREADABLE
from framework.datasets._sources.table import MOST_UNPACKED, SMALL, wrong
from framework.errors import InvalidValue
from framework.system.host import most_bytes

Head = tuple[tuple[int, ...], np.dtype]
"""Shape and type of an array."""


def heads(path: Path) -> dict[str, Head]:
    """Name -> head of each array in an `.npz` file, or a folder of `.npy` files.

    Raises:
        InvalidValue: it is none, holds more than plain arrays, or less than its heads say.
    """
    try:
        sizes = dict(_in_folder(path) if path.is_dir() else _in_archive(path))
    except (*UNREADABLE, TypeError) as error:
        raise no_arrays(path, str(error)) from error
    # of what is stored, not of what heads say: those are held against it below
    unpacked = sum(stored for _, stored in sizes.values())
    packed = 0 if path.is_dir() else path.stat().st_size
    if packed and unpacked > max(SMALL, MOST_UNPACKED * packed):
        raise wrong(
            path,
            f"its arrays are {unpacked // packed} times as large as the file.",
            f"Unpacked: {unpacked:,} bytes.",
            "If they are so, write them by np.savez, which does not pack.",
        )
    if unpacked > most_bytes():
        raise wrong(
            path,
            "its arrays are larger than half of this machine's memory.",
            f"Unpacked: {unpacked:,} bytes.",
            "Write fewer samples, or smaller ones.",
        )
    for name, (head, stored) in sizes.items():
        _check_stored(path, name, head, stored)
    return {name: head for name, (head, _) in sizes.items()}


def arrays(path: Path, names: Mapping[str, Head]) -> dict[str, Array]:
    """The arrays of these names.

    Raises:
        InvalidValue: one cannot be read.
    """
    try:
        if path.is_dir():
            return {name: np.load(path / f"{name}.npy", allow_pickle=False) for name in names}
        # a pickled array could run code
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except (*UNREADABLE, TypeError) as error:
        raise no_arrays(path, str(error)) from error


def no_arrays(path: Path, why: str) -> InvalidValue:
    """The error of a file that holds no plain arrays."""
    code = 'np.savez("mine.npz", image=images, labels=labels)'
    if path.suffix == ".npy":
        code = f'np.savez("{path.stem}.npz", image=np.load("{path.name}"), labels=labels)'
    return wrong(path, "it is no .npz file of plain arrays.", why, f"Write it by {code}.")


def _in_archive(path: Path) -> Iterator[tuple[str, tuple[Head, int]]]:
    """Name, head and stored bytes of each array, without reading what it holds."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as file:
                head = _head(file)
                yield entry.filename.removesuffix(".npy"), (head, entry.file_size - file.tell())


def _in_folder(path: Path) -> Iterator[tuple[str, tuple[Head, int]]]:
    for entry in sorted(path.glob("*.npy")):
        with entry.open("rb") as file:
            head = _head(file)
            yield entry.stem, (head, entry.stat().st_size - file.tell())


def _head(file: IO[bytes]) -> Head:
    version = np.lib.format.read_magic(file)
    # numpy writes 2.0 for heads above 64 kB alone
    if version == (1, 0):
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, kind = np.lib.format.read_array_header_2_0(file)
    return shape, kind


def _check_stored(path: Path, name: str, head: Head, stored: int) -> None:
    """Refuse an array of objects, and one that is not all there."""
    shape, kind = head
    if kind.hasobject:
        raise wrong(
            path,
            f"{name} holds objects of Python, which could be code.",
            f"Found: {kind} of shape {shape}.",
            f"Write it as text or numbers: {name}={name}.astype(str).",
        )
    if math.prod(shape) * kind.itemsize != stored:
        raise wrong(
            path,
            f"{name} is not all there.",
            f"Its head says {kind} of shape {shape}; stored are {stored:,} bytes.",
            "Write the file again.",
        )
