"""A table of your own."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.datasets._own import FileDataset, numbered
from framework.datasets._splits import LABELS, Arrays
from framework.datasets._text import words
from framework.datasets._texts import VOCABULARY, encoded, packed, unpacked

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
Table = dict[str, list[str]]
"""Name of a column -> what is written in it, row by row."""


@dataset("csv", version=2)
@dataclass(frozen=True, kw_only=True)
class OwnTable(FileDataset):
    """A table of your own in a CSV file: numbers, or one column of text, and a label.

    Source: the file named by `path`, UTF-8, with the names of the columns in the first row.

    Numbers: all columns but `label` and those named in `skip`, each less its mean and over its standard deviation of
    the train split (or as written, see `scale`); the net reads them as `sequence`, one step for each column. Text:
    the column `text` alone, as lower-case words and marks of punctuation; the most frequent of the train split are
    the vocabulary. Classes are what is written in the column `label`, in the order of the alphabet, or of numbers (of
    a binary task the second is 1); for `regression` it holds numbers, best around -1 to 1.
    """

    label: str = knob("label", unit="name", doc="the column that is to be told from the others")
    text: str = knob("", unit="name", doc="the column of text, if it is a text that is read")
    skip: str = knob("", unit="name", doc="columns that are left out, as id,date")
    separator: str = knob("comma", choices=tuple(SEPARATORS), doc="what stands between two cells")
    scale: str = knob(
        "auto",
        choices=("auto", "train", "none"),
        doc="of numbers: each column less its mean and over its standard deviation of the train split, or as they are "
        "written; auto: for a net that comes trained the one on which it does better, for others `train`",
    )
    length: int = knob(64, low=1, high=4096, unit="tokens", doc="of a text; longer ones are cut")
    vocabulary_size: int = knob(
        2000, low=3, high=1_000_000, unit="tokens", doc="of texts: how many words are told apart"
    )

    def left_open(self, *, trained: bool) -> Mapping[str, Sequence[str]]:
        """The scale, where it is `auto`; nets that are trained here get that of the train split."""
        if self.scale != "auto" or self.text:
            return {}
        return {"scale": ("train", "none") if trained else ("train",)}

    def describe(self) -> DataInfo:
        """Columns and classes; the whole file is looked through."""
        table = self._table()
        classes = 0 if self.task == "regression" else numbered(table[self.label])[1]
        if self.task != "regression" and (classes < 2 or (self.task == "binary" and classes != 2)):
            raise self.wrong("there are two labels or more; of a binary task two.", f"Found: {classes}.")
        if self.text:
            tokens = {"text": self.vocabulary_size}
            return DataInfo(task=self.asked, classes=classes, inputs={"text": (self.length,)}, tokens=tokens)
        columns = [self._numbers(table, column) for column in self._columns(table)]
        return DataInfo(task=self.asked, classes=classes, inputs={"sequence": (len(columns), 1)})

    def vocabulary(self, root: Path, name: str) -> tuple[str, ...]:
        """What each token of the text stands for."""
        return unpacked(self._open_splits(root)[0]["train"][VOCABULARY]) if self.text and name == "text" else ()

    def read_all(self) -> Arrays:
        """The numbers as they are written, or the words."""
        table = self._table()
        if self.task == "regression":
            labels = self._numbers(table, self.label)
        else:
            labels, _ = numbered(table[self.label])
        if self.text:
            texts = [" ".join(words(text)[: self.length]) for text in table[self.text]]
            return {"text": packed(texts), LABELS: labels}
        numbers = [self._numbers(table, column) for column in self._columns(table)]
        return {"sequence": np.stack(numbers, axis=1)[:, :, np.newaxis], LABELS: labels}

    def finish(self, splits: dict[str, Arrays]) -> dict[str, Arrays]:
        """Words become token numbers, numbers get one scale."""
        if self.text:
            return encoded(splits, size=self.vocabulary_size, length=self.length)
        train = splits["train"]["sequence"]
        mean, spread = train.mean(axis=0), train.std(axis=0)
        if self.scale == "none":
            mean, spread = np.zeros_like(mean), np.ones_like(spread)
        spread = np.where(spread > 0, spread, 1)  # a column that is always the same becomes zero
        return {
            split: {**arrays, "sequence": ((arrays["sequence"] - mean) / spread).astype(np.float32)}
            for split, arrays in splits.items()
        }

    def _columns(self, table: Table) -> list[str]:
        """Those of numbers."""
        skipped = {self.label, *(name.strip() for name in self.skip.split(","))}
        columns = [name for name in table if name not in skipped]
        if not columns:
            raise self.wrong("no column is left to be read.", f"Columns: {', '.join(table)}.")
        return columns

    def _numbers(self, table: Table, column: str) -> Array:
        try:
            numbers = np.array(table[column], np.float64)
        except ValueError as error:
            raise self._no_number(column, str(error)) from error
        if not np.isfinite(numbers).all():
            raise self._no_number(column, f"in row {int(np.argmin(np.isfinite(numbers))) + 2}")
        return numbers

    def _no_number(self, column: str, given: str) -> Exception:
        return self.wrong(
            f"the column {column!r} holds something that is no number.",
            f"Found: {given}.",
            f'Mend it, leave it out (skip="{column}"), or read it as text (text="{column}").',
        )

    def _table(self) -> Table:
        try:
            with Path(self.path).open(encoding="utf-8-sig", newline="") as file:
                head, *rows = [row for row in csv.reader(file, delimiter=SEPARATORS[self.separator]) if row]
        except (ValueError, OSError, csv.Error) as error:
            raise self.wrong("it cannot be read as a table.", str(error), "Save it as CSV in UTF-8.") from error
        for number, row in enumerate(rows, start=2):
            if len(row) != len(head):
                raise self.wrong(f"row {number} has {len(row)} cells.", f"The first row has {len(head)}.")
        missing = [name for name in (self.label, *filter(None, [self.text])) if name not in head]
        if missing:
            raise self.wrong(
                f"there is no column {missing[0]!r}.", f"Columns: {', '.join(head)}.", "Set label=, or separator=."
            )
        return {name: [row[number] for row in rows] for number, name in enumerate(head)}
