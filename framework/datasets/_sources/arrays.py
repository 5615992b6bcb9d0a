"""Data sets from arrays: made by rule, or a numpy file of the user's own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from framework.datasets._sources.cache import TEST, UNREADABLE
from framework.datasets._sources.cached import CachedDataset
from framework.datasets._sources.splits import LABELS, RULE, Arrays, carve
from framework.errors import DataUnavailable, InvalidValue
from framework.system.git_lfs import check_fetched

if TYPE_CHECKING:
    from framework.contracts import Array


class ArrayDataset(CachedDataset):
    """Samples from one set of arrays.

    Test, calibration and validation are carved off it by our published rule.

    Class attributes:
        test_size: samples of the test split, classes in proportion.
        file: an `.npz` file, as a path from the project's folder; empty if `make` makes the arrays.
        sha256: of that file, so that another file of the same name is noticed.
    """

    test_size: ClassVar[int]
    file: ClassVar[str] = ""
    sha256: ClassVar[str] = ""

    def make(self) -> Arrays:
        """All samples, made by rule.

        `image` as bytes, texts as int32, other inputs as float32, and `labels` (n,).
        """
        raise self._wrong("it has neither a `file` nor a rule, `make`.", "")

    def rule(self) -> list[object]:
        """Name and version of the plug-in, the file and its content, sizes and split rule."""
        return [self.name, self.plugin_version, self.file, self.sha256, self.test_size, RULE]

    def check_source(self, root: Path) -> None:
        """Return if the arrays are made by rule, or their file is there and is the named one."""
        if not self.file:
            return
        path = root / self.file
        if not path.is_file():
            raise DataUnavailable(
                f"The data set {self.name!r} is not there.",
                given=f"Looked for: {path}.",
                todo=self._way_out(),
            )
        check_fetched(path)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 != self.sha256:
            raise InvalidValue(
                f"{self.file} is not the file that the data set {self.name!r} names.",
                given=f"Its sha256: {sha256}.",
                # versions are part of every digest: results of the old file stay apart
                todo="If it is the right one, set `sha256` to this and raise `version=` where "
                "there are results.",
            )

    def source_state(self, root: Path) -> str:
        """Made by rule, the file, or where to put it."""
        if not self.file:
            return "made by rule"
        return f"in {self.file}" if (root / self.file).is_file() else f"not here. {self._way_out()}"

    def read_split(self, root: Path, split: str) -> Arrays:
        """The samples of `train` or `test`; all are checked."""
        arrays = self._read_file(root) if self.file else self.make()
        self._check(arrays)
        test, others = carve(arrays, self.test_size)
        return test if split == TEST else others

    def _read_file(self, root: Path) -> Arrays:
        self.check_source(root)
        return read_archive(root / self.file)

    def _check(self, arrays: Arrays) -> None:
        """Refuse arrays that are not what `info` says."""
        wanted = sorted([*self.info.inputs, LABELS])
        if sorted(arrays) != wanted:
            raise self._wrong(
                f"The arrays are {', '.join(wanted)}.",
                f"Given: {', '.join(sorted(arrays)) or 'none'}.",
            )
        for name in self.info.inputs:
            self._check_input(name, arrays[name], len(arrays[LABELS]))
        self._check_labels(arrays[LABELS])

    def _check_input(self, name: str, array: Array, samples: int) -> None:
        kind, shape = self._type(name), self.info.inputs[name]
        if array.dtype != kind or array.shape[1:] != shape:
            raise self._wrong(
                f"{name!r} is {kind} of shape (n, {', '.join(map(str, shape))}).", _kind(array)
            )
        if len(array) != samples:
            raise self._wrong("There is one label for each sample.", f"{name!r}: {_kind(array)}")

    def _type(self, name: str) -> str:
        """Pictures are bytes, texts token numbers, all else is as a net reads it."""
        if name == "image":
            return "uint8"
        return "int32" if name in self.info.tokens else "float32"

    def _check_labels(self, labels: Array) -> None:
        if self.info.task == "regression":
            good, wanted = labels.ndim == 1 and np.isfinite(labels).all(), "finite numbers"
        else:
            whole = labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer) and len(labels) > 0
            good = whole and labels.min() >= 0 and labels.max() < self.info.classes
            wanted = f"whole numbers, 0 to {self.info.classes - 1}"
        if not good:
            raise self._wrong(f"'labels' has shape (n,) and holds {wanted}.", _kind(labels))

    def _wrong(self, what: str, given: str) -> InvalidValue:
        return InvalidValue(
            f"Data set {self.name!r}: {what}", given=given, todo="Change the arrays, or `info`."
        )

    def _way_out(self) -> str:
        arrays = ", ".join(map(self._described, self.info.inputs))
        return (
            f"Put {self.file} into the project's folder: an .npz file with {arrays} and labels (n)."
        )

    def _described(self, name: str) -> str:
        """Name, type and shape that the array of an input has to have."""
        sides = " x ".join(map(str, self.info.inputs[name]))
        return f"{name} ({self._type(name)}, n x {sides})"


def read_archive(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz` file.

    Raises:
        InvalidValue: it is none, or has more than plain arrays.
    """
    try:
        # a pickled array could run code
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (*UNREADABLE, TypeError) as error:  # a lone .npy is an array, no archive
        raise InvalidValue(
            f"{path.name} is no .npz file of plain arrays.",
            given=str(error),
            todo="Write it by np.savez.",
        ) from error


def _kind(array: Array) -> str:
    span = f", {array.min()} to {array.max()}" if array.size else ""
    return f"Given: {array.dtype} of shape {array.shape}{span}."
