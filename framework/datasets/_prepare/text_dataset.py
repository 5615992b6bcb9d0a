"""Texts that come through TFDS.

Words cut to one length, copies left out, a vocabulary of the training split alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from framework.datasets._prepare.text import encode, first_words, vocabulary
from framework.datasets._sources import tfds_folder
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.cached import TfdsDataset
from framework.datasets._sources.splits import LABELS, Arrays, carve, in_order, take

if TYPE_CHECKING:
    from framework.contracts import Array

VOCABULARY = "vocabulary"


class TextDataset(TfdsDataset):
    """One text and a label; `info` says how many tokens a text has, and how many there are.

    The text is cut to that many words first: what is compared, counted and encoded is what a net
    may see. A text of the training part that is in the test split as well is left out, and of
    copies the first by the split rule stays.

    Class attributes:
        features: those of TFDS that make up the text, one behind the other.
    """

    features: ClassVar[Mapping[str, str]] = {"text": "text"}

    def rule(self) -> list[object]:
        """Those of the builder, and the two sizes."""
        return [*super().rule(), self.info.inputs["text"], self.info.tokens["text"]]

    def read_split(self, root: Path, split: str) -> Arrays:
        """The words of each text, with a blank between two, in UTF-8; and `labels`."""
        return self.read(root, lambda folder: self._texts_of(tfds_folder.samples(folder, split)))

    def texts(self, root: Path) -> dict[str, Arrays]:
        """All four splits before words become numbers."""
        test = in_order(self.read_split(root, TEST))
        others = without_copies(in_order(self.read_split(root, "train")), of=test["text"])
        calibration, others = carve(others, self.calibration_size)
        validation, train = carve(others, self.validation_size)
        return {"train": train, "calibration": calibration, "validation": validation, TEST: test}

    def make_splits(self, root: Path) -> dict[str, Arrays]:
        """All four splits as token numbers; with that of training lies the vocabulary."""
        return encoded(
            self.texts(root), size=self.info.tokens["text"], length=self.info.inputs["text"][0]
        )

    def vocabulary(self, root: Path, name: str) -> tuple[str, ...]:
        """The token of each number."""
        return unpacked(self._open_splits(root)[0]["train"][VOCABULARY]) if name == "text" else ()

    def _texts_of(self, samples: Iterable[Mapping[str, Any]]) -> Arrays:
        length = self.info.inputs["text"][0]
        texts, labels = [], []
        for sample in samples:
            parts = [sample[feature] for feature in self.features.values()]
            texts.append(first_words(b" ".join(parts).decode("utf-8", "replace"), length))
            labels.append(sample[self.label])
        return {"text": packed(texts), LABELS: np.array(labels, np.int64)}


def encoded(
    splits: dict[str, Arrays], *, size: int, length: int, name: str = "text"
) -> dict[str, Arrays]:
    """The splits with the text `name` as tokens, the vocabulary among `train`'s arrays."""
    tokens = vocabulary(unpacked(splits["train"][name]), size)
    numbers: dict[str, Arrays] = {}
    for split, arrays in splits.items():
        rows = encode(unpacked(arrays[name]), tokens, length)
        numbers[split] = {**arrays, name: rows}
    numbers["train"] = {**numbers["train"], VOCABULARY: packed(tokens)}
    return numbers


def without_copies(arrays: Arrays, *, of: Array) -> dict[str, Array]:
    """The samples whose text is not among `of`, and of those with the same text the first."""
    seen, first_ones = set(of.tolist()), []
    for index, text in enumerate(arrays["text"].tolist()):
        if text not in seen:
            seen.add(text)
            first_ones.append(index)
    return take(arrays, np.array(first_ones, np.int64))


def packed(texts: Iterable[str]) -> Array:
    """Texts as an array of UTF-8 bytes, which a file of plain arrays can store."""
    return np.array(list(map(str.encode, texts)), np.bytes_)


def unpacked(array: Array) -> tuple[str, ...]:
    """The texts again."""
    return tuple(map(bytes.decode, array.tolist()))
