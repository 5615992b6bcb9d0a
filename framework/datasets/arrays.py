"""Arrays of your own."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.datasets._arrays import read_archive
from framework.datasets._cache import UNREADABLE
from framework.datasets._own import FileDataset
from framework.datasets._splits import LABELS, Arrays

Head = tuple[tuple[int, ...], np.dtype]
"""Shape and type of an array."""


@dataset("arrays", version=1)
@dataclass(frozen=True, kw_only=True)
class OwnArrays(FileDataset):
    """Samples of your own in a numpy file: `labels`, and one array for each input.

    Source: the file named by `path`, as `np.savez("mine.npz", image=images, labels=labels)` writes it.

    Inputs go by the names that nets know: `image`, `audio`, `sequence`, `text`, `question`. Bytes of shape (n, height,
    width, 1 or 3) are pictures. Whole numbers of shape (n, length) are tokens, of which 0 fills up. All else becomes
    float32: sequences (n, steps, features), spectrograms (n, frames, bins, 1); rows (n, k) are k steps of one feature.
    `labels` has shape (n,): class numbers from 0, or any numbers for `regression` (best around -1 to 1).
    """

    mirror: bool = knob(False, doc="whether a mirrored picture keeps its label")

    def describe(self) -> DataInfo:
        """Shapes from the head of each array; labels and tokens are looked through."""
        heads = self._heads()
        inputs = {name: _shape(head) for name, head in heads.items() if name != LABELS}
        tokens = {name: self._largest(name) + 1 for name in inputs if _is_text(heads[name])}
        classes = 0 if self.task == "regression" else self._largest(LABELS) + 1
        if self.task != "regression" and (classes < 2 or (self.task == "binary" and classes != 2)):
            raise self.wrong("labels are whole numbers from 0; of a binary task 0 and 1.", f"Largest: {classes - 1}.")
        return DataInfo(task=self.asked, classes=classes, inputs=inputs, tokens=tokens, mirror=self.mirror)

    def read_all(self) -> Arrays:
        """All arrays, in the types that are cached."""
        arrays = read_archive(Path(self.path))
        return {name: array if name == LABELS else _typed(array) for name, array in arrays.items()}

    def _heads(self) -> dict[str, Head]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                heads = {name.removesuffix(".npy"): _head(archive, name) for name in archive.namelist()}
        except (*UNREADABLE, TypeError) as error:
            raise self.wrong("it is no .npz file of plain arrays.", str(error), "Write it by np.savez.") from error
        self._check(heads)
        return heads

    def _check(self, heads: dict[str, Head]) -> None:
        """Refuse what are no samples with labels."""
        given = ", ".join(f"{name} {kind} {shape}" for name, (shape, kind) in heads.items())
        if LABELS not in heads or len(heads) < 2:
            raise self.wrong("there are labels and at least one input.", f"Found: {given or 'nothing'}.")
        (count, *more), kind = heads[LABELS]
        if more or (self.task != "regression" and not np.issubdtype(kind, np.integer)):
            raise self.wrong("labels are one number for each sample, whole ones unless it is a regression.", given)
        for name, (shape, array_kind) in heads.items():
            if shape[0] != count or (name != LABELS and len(shape) < 2) or array_kind.kind not in "biuf":
                raise self.wrong(f"{name} holds numbers, of shape (n, ...) with one sample for each label.", given)

    def _largest(self, name: str) -> int:
        """The largest of whole numbers that begin at 0."""
        with np.load(self.path, allow_pickle=False) as archive:
            numbers = archive[name]
        if numbers.min(initial=0) < 0:
            raise self.wrong(f"{name} holds numbers from 0.", f"Smallest: {numbers.min()}.")
        return int(numbers.max(initial=0))


def _head(archive: zipfile.ZipFile, name: str) -> Head:
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(file)
    return shape, kind


def _is_text(head: Head) -> bool:
    shape, kind = head
    return len(shape) == 2 and np.issubdtype(kind, np.integer)


def _is_picture(head: Head) -> bool:
    shape, kind = head
    return kind == np.uint8 and len(shape) == 4 and shape[3] in (1, 3)


def _shape(head: Head) -> tuple[int, ...]:
    """Of one sample; a row of numbers is a sequence."""
    shape = head[0][1:]
    return (*shape, 1) if len(shape) == 1 and not _is_text(head) else shape


def _typed(array: Array) -> Array:
    head = array.shape, array.dtype
    if _is_picture(head):
        return array
    return array.astype(np.int32 if _is_text(head) else np.float32).reshape(len(array), *_shape(head))
