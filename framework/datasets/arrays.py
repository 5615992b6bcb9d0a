"""Arrays of your own."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.datasets._sources.arrays import read_archive
from framework.datasets._sources.cache import UNREADABLE
from framework.datasets._sources.cached import first_not_finite
from framework.datasets._sources.splits import LABELS, Arrays
from framework.datasets._sources.user_files import FileDataset, lonely

TEXTS = ("question", "text", "tokens")
"""Inputs of these names hold tokens if their shape is (n, length), else numbers."""
TOKENS = 2**31  # they are cached as int32
Head = tuple[tuple[int, ...], np.dtype]
"""Shape and type of an array."""


@dataset("arrays", version=2)
@dataclass(frozen=True, kw_only=True)
class OwnArrays(FileDataset):
    """Samples of your own in a numpy file: `labels`, and one array for each input.

    Source: the file named by `path`, as `np.savez("mine.npz", image=images, labels=labels)` writes
    it.

    Inputs go by the names that nets know: `image`, `audio`, `sequence`, `text`, `question`. Arrays
    of shape (n, height, width, 1 or 3) are pictures: bytes, and whole numbers of any type from 0 to
    255 that go above 1, are scaled to 0 to 1; others stay as they are. Whole numbers of shape (n,
    length) are tokens in `text`, `question` and `tokens`, and 0 fills up. All else becomes float32:
    sequences (n, steps, features), spectrograms (n, frames, bins, 1); rows (n, k) are k steps of
    one feature. NaN and inf are refused. `labels` has shape (n,): whole numbers, of which those
    that occur are the classes, in their order; or any numbers for `regression`. For
    `reconstruction` of the one input they are 0 (normal) and 1 (anomaly), or left out.
    """

    mirror: bool = knob(False, doc="whether a mirrored picture keeps its label")

    def describe(self) -> DataInfo:
        """Shapes, and how many classes and tokens there are; each number is looked at."""
        heads = self._heads()
        arrays = read_archive(Path(self.path))
        inputs, tokens = {}, {}
        for name, array in arrays.items():
            self._check_finite_samples(name, array)
            if name == LABELS:
                continue
            shape = inputs[name] = _shape(name, heads[name])
            if _is_text(name, shape):
                tokens[name] = self._count_of_tokens(name, array)
        return DataInfo(
            task=self.asked,
            classes=self._classes(arrays.get(LABELS)),
            inputs=inputs,
            tokens=tokens,
            mirror=self.mirror,
        )

    def read_all(self) -> Arrays:
        """All arrays, in the types that are cached.

        Classes by number, in the order of their labels.
        """
        arrays = read_archive(Path(self.path))
        labels = arrays.pop(LABELS, None)
        if labels is None:  # of a reconstruction: every sample is normal
            labels = np.zeros(len(next(iter(arrays.values()))), np.int64)
        elif self.task == "reconstruction":
            labels = labels.astype(np.int64)
        elif self.task != "regression":
            labels = _numbered(labels)
        return {name: _typed(name, array) for name, array in arrays.items()} | {LABELS: labels}

    def _heads(self) -> dict[str, Head]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                heads = dict(_heads_in(archive))
        except (*UNREADABLE, TypeError) as error:
            raise self.wrong(
                "it is no .npz file of plain arrays.", str(error), "Write it by np.savez."
            ) from error
        self._check(heads)
        return heads

    def _check(self, heads: dict[str, Head]) -> None:
        """Refuse what are no samples with labels."""
        listed = ", ".join(f"{name} {kind} {shape}" for name, (shape, kind) in heads.items())
        rebuilds = self.task == "reconstruction"
        if rebuilds and heads and LABELS not in heads:
            # without labels one input tells how many samples there are
            heads = {LABELS: (next(iter(heads.values()))[0][:1], np.dtype(np.int64)), **heads}
        if LABELS not in heads or len(heads) < 2:
            raise self.wrong(
                "there are labels and at least one input.", f"Found: {listed or 'nothing'}."
            )
        samples, kind = heads[LABELS]
        if len(samples) != 1 or (self.task != "regression" and not np.issubdtype(kind, np.integer)):
            raise self.wrong(
                "labels are one number for each sample, whole ones unless it is a regression.",
                listed,
            )
        for name, (shape, kind) in heads.items():
            least = 1 if name == LABELS else 2  # sides
            if shape[:1] != samples or len(shape) < least or kind.kind not in "biuf":
                raise self.wrong(
                    f"{name} holds numbers, of shape (n, ...) with one sample for each label.",
                    listed,
                )

    def _classes(self, labels: Array | None) -> int:
        """How many there are; None are the labels of a reconstruction without any."""
        if labels is None or self.task == "regression":
            return 0
        if self.task == "reconstruction":
            return self.kinds_of_samples(labels)
        numbers = _numbered(labels)
        classes, alone = int(numbers.max(initial=-1)) + 1, lonely(numbers)
        if classes < 2 or (self.task == "binary" and classes != 2):
            raise self.wrong(
                "two labels or more occur; in a binary task two.", f"Different labels: {classes}."
            )
        if alone is not None:
            raise self.wrong(
                f"the label {labels[alone]} is that of one sample only: labels[{alone}].",
                todo="Leave the sample out: one cannot be both learnt and told.",
            )
        return classes

    def _check_finite_samples(self, name: str, array: Array) -> None:
        """Refuse NaN, inf, and what float32 cannot hold."""
        sample = first_not_finite(array)
        if sample is not None:
            raise self.wrong(
                f"{name} holds NaN, inf, or a number too large for float32.",
                f"The first such sample: {name}[{sample}].",
                "Leave such samples out, or put a number there: np.nan_to_num(...) writes 0 for "
                "NaN.",
            )

    def _count_of_tokens(self, name: str, array: Array) -> int:
        """How many different tokens a vocabulary of these numbers has."""
        if not (
            _is_whole(array) and 0 <= array.min(initial=0) <= array.max(initial=0) < TOKENS - 1
        ):
            raise self.wrong(
                f"{name} holds token numbers: whole ones from 0.",
                f"Found: {array.min()} to {array.max()}, {array.dtype}.",
                "Call the array sequence if these are measurements.",
            )
        return int(array.max(initial=0)) + 1


def _heads_in(archive: zipfile.ZipFile) -> Iterator[tuple[str, Head]]:
    """Name and head of each array, without reading what it holds."""
    for name in archive.namelist():
        yield name.removesuffix(".npy"), _head(archive, name)


def _numbered(labels: Array) -> Array:
    """Classes by number, in the order of their labels."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _head(archive: zipfile.ZipFile, name: str) -> Head:
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        # numpy writes 2.0 for heads above 64 kB alone
        if version == (1, 0):
            shape, _, kind = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, kind = np.lib.format.read_array_header_2_0(file)
    return shape, kind


def _is_text(name: str, shape: tuple[int, ...]) -> bool:
    """Whether samples of this shape are token numbers."""
    return name in TEXTS and len(shape) == 1


def _is_whole(array: Array) -> bool:
    return array.dtype.kind in "biu" or bool((array == np.rint(array)).all())


def _is_picture(array: Array) -> bool:
    """Whether these are bytes, whatever their type.

    All samples decide together, so that one scale holds for all.
    """
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        return False
    return array.dtype == np.uint8 or (
        array.min(initial=0) >= 0
        and 1 < array.max(initial=0) <= np.iinfo(np.uint8).max
        and _is_whole(array)
    )


def _shape(name: str, head: Head) -> tuple[int, ...]:
    """Of one sample; a row of numbers is a sequence."""
    shape = head[0][1:]
    return (*shape, 1) if len(shape) == 1 and not _is_text(name, shape) else shape


def _typed(name: str, array: Array) -> Array:
    if _is_picture(array):
        return array.astype(np.uint8)
    kind = np.int32 if _is_text(name, array.shape[1:]) else np.float32
    return array.astype(kind).reshape(len(array), *_shape(name, (array.shape, array.dtype)))
