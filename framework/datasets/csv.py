"""A table of your own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.datasets._prepare.text import words
from framework.datasets._prepare.text_dataset import VOCABULARY, encoded, packed, unpacked
from framework.datasets._sources.splits import LABELS, Arrays
from framework.datasets._sources.user_files import FileDataset, lonely, numbered

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
Table = dict[str, list[str]]
"""Name of a column -> what is written in it, row by row."""
ROUNDING = 1e-9  # a spread below this share of a column's mean is that of its rounding
# what pandas calls a column without a name when it writes it again
INDEX = re.compile(r"Unnamed: \d+")
FIRST_ROW = 2  # of the file, behind the names


@dataset("csv", version=2)
@dataclass(frozen=True, kw_only=True)
class OwnTable(FileDataset):
    """A table of your own in a CSV file: numbers, or one column of text, and a label.

    Source: the file named by `path`, UTF-8, with the names of the columns in the first row.

    Numbers: all columns but `target` and those named in `skip`, each less its mean and over its
    standard deviation of the train split (or as written, see `scale`); the net reads them as
    `sequence`, one step for each column. Text: the column `text` alone, as lower-case words and
    marks of punctuation; the most frequent of the train split are the vocabulary. Classes are what
    is written in the column `target`, blanks around it left out, in the order of the alphabet; or
    of numbers, of which 1, 1.0 and 01 are one (of a binary task the second is 1). For `regression`
    it holds numbers, in any unit. No cell that is read may be empty. An index without a name, as
    pandas writes it in front, is left out.
    """

    target: str = knob("label", unit="name", doc="the column that is to be told from the others")
    text: str = knob("", unit="name", doc="the column of text, if it is a text that is read")
    skip: str = knob("", unit="name", doc="columns that are left out, as id,date")
    separator: str = knob("comma", choices=tuple(SEPARATORS), doc="what stands between two cells")
    scale: str = knob(
        "auto",
        choices=("auto", "train", "none"),
        doc="of numbers: each column less its mean and over its standard deviation of the train "
        "split, or as they are written; auto: for a net that comes trained the one on which it "
        "does better, for others `train`",
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
        classes = 0 if self.task == "regression" else self._labels(table)[1]
        if "" in table:
            self.say("the first column has no name. It is taken for an index and left out.")
        if self.text:
            tokens = {"text": self.vocabulary_size}
            return DataInfo(
                task=self.asked, classes=classes, inputs={"text": (self.length,)}, tokens=tokens
            )
        columns = {column: self._numbers(table, column) for column in self._columns(table)}
        for column, numbers in columns.items():
            if _counts_rows(numbers):
                self.say(
                    f"the column {column!r} counts the rows, and the net reads it. Leave it out: "
                    f'skip="{column}".'
                )
        return DataInfo(task=self.asked, classes=classes, inputs={"sequence": (len(columns), 1)})

    def vocabulary(self, root: Path, name: str) -> tuple[str, ...]:
        """What each token of the text stands for."""
        return (
            unpacked(self._open_splits(root)[0]["train"][VOCABULARY])
            if self.text and name == "text"
            else ()
        )

    def read_all(self) -> Arrays:
        """The numbers as they are written, or the words."""
        table = self._table()
        if self.task == "regression":
            labels = self._numbers(table, self.target)
        else:
            labels, _ = self._labels(table)
        if self.text:
            texts = [
                " ".join(words(text)[: self.length]) for text in self._filled(table, self.text)
            ]
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
        # but for rounding, which would be blown up to noise
        constant = spread <= ROUNDING * np.abs(mean)
        mean, spread = np.where(constant, train[0], mean), np.where(constant, np.inf, spread)
        # what float32 cannot hold is refused when the splits are cached
        with np.errstate(over="ignore"):
            return {
                split: {
                    **arrays,
                    "sequence": ((arrays["sequence"] - mean) / spread).astype(np.float32),
                }
                for split, arrays in splits.items()
            }

    def _columns(self, table: Table) -> list[str]:
        """Those of numbers."""
        skipped = {"", self.target, *(name.strip() for name in self.skip.split(","))}
        columns = [name for name in table if name not in skipped]
        if not columns:
            raise self.wrong("no column is left to be read.", f"Columns: {', '.join(table)}.")
        return columns

    def _labels(self, table: Table) -> tuple[Array, int]:
        """Class numbers, and how many classes there are.

        Raises:
            InvalidValue: there are fewer than two, more than two of a binary task, or nearly as
                many as rows; or one stands in a single row.
        """
        labels, classes = numbered(self._filled(table, self.target))
        if classes < 2 or (self.task == "binary" and classes != 2):
            raise self.wrong(
                "there are two labels or more; of a binary task two.", f"Found: {classes}."
            )
        if 2 * classes > len(labels):
            raise self.wrong(
                f"the column {self.target!r} has {classes} different labels in {len(labels)} rows.",
                todo='Numbers are told by task="regression"; else name another column as target.',
            )
        alone = lonely(labels)
        if alone is not None:
            raise self.wrong(
                f"the label {table[self.target][alone]!r} stands in one row only, row "
                f"{alone + FIRST_ROW}.",
                todo="Leave the row out: one sample cannot be both learnt and told.",
            )
        return labels, classes

    def _filled(self, table: Table, column: str) -> list[str]:
        """The cells of a column, none of which may be empty."""
        empty = next((row for row, cell in enumerate(table[column]) if not cell.strip()), None)
        if empty is not None:
            raise self.wrong(
                f"the column {column!r} is empty in row {empty + FIRST_ROW}.",
                todo="Fill it or leave the row out"
                + (
                    "." if column == self.target else f'; or leave out the column: skip="{column}".'
                ),
            )
        return table[column]

    def _numbers(self, table: Table, column: str) -> Array:
        try:
            numbers = np.array(self._filled(table, column), np.float64)
        except ValueError as error:
            raise self._no_number(column, str(error)) from error
        if not np.isfinite(numbers).all():
            raise self._no_number(
                column, f"in row {int(np.argmin(np.isfinite(numbers))) + FIRST_ROW}"
            )
        return numbers

    def _no_number(self, column: str, given: str) -> Exception:
        return self.wrong(
            f"the column {column!r} holds something that is no number.",
            f"Found: {given}.",
            f'Mend it, leave it out (skip="{column}"), or read it as text (text="{column}").',
        )

    def _table(self) -> Table:
        head, rows = self._rows()
        self._check_head(head)
        missing = [name for name in (self.target, *filter(None, [self.text])) if name not in head]
        if missing:
            raise self.wrong(
                f"there is no column {missing[0]!r}.",
                f"Columns: {', '.join(head)}.",
                "Set target=, or separator=.",
            )
        self._check_rows(head, rows)
        return {name: [row[number] for row in rows] for number, name in enumerate(head)}

    def _check_rows(self, head: list[str], rows: list[list[str]]) -> None:
        """Refuse names among the rows, and a row in place of the names."""
        again = next((number for number, row in enumerate(rows) if row == head), None)
        if again is not None:
            raise self.wrong(
                f"row {again + FIRST_ROW} holds the names of the columns again.",
                todo="Leave it out.",
            )
        place = head.index(self.target)
        if any(map(_is_number, head)) and self.target in {row[place].strip() for row in rows}:
            raise self.wrong(
                f"its first row is one of the others: {self.target!r} is a label too.",
                f"Found: {', '.join(head)}.",
                "Put a row of names before it.",
            )

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        """The names in the first row, and the cells of the others.

        Those that a short row lacks are empty.
        """
        import pandas as pd

        try:
            frame = pd.read_csv(
                self.path,
                sep=SEPARATORS[self.separator],
                header=None,
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
            )
        except (ValueError, OSError) as error:  # pandas' own are ValueErrors
            raise self.wrong(
                "it cannot be read as a table.",
                str(error),
                "Save it as CSV in UTF-8, or set separator=.",
            ) from error
        head, *rows = frame.to_numpy().tolist()
        names = [str(name).strip() for name in head]
        return [
            "" if place == 0 and INDEX.fullmatch(name) else name for place, name in enumerate(names)
        ], rows

    def _check_head(self, head: list[str]) -> None:
        """Refuse names that are none.

        Raises:
            InvalidValue: two columns of one name, a column without one that is no index, or data in
                place of names.
        """
        twice = sorted({name for name in head if name and head.count(name) > 1})
        if twice:
            raise self.wrong(
                f"two columns are called {twice[0]!r}.", todo="Give each a name of its own."
            )
        if "" in head[1:]:
            raise self.wrong(f"column {head.index('', 1) + 1} has no name.", todo="Give it one.")
        if any("." in name and _is_number(name) for name in head) or all(
            map(_is_number, filter(None, head))
        ):
            raise self.wrong(
                "its first row holds numbers, not the names of the columns.",
                f"Found: {', '.join(head)}.",
                "Put a row of names before it.",
            )


def _counts_rows(numbers: Array) -> bool:
    """Whether they go up by one from row to row, as an index does."""
    return bool((np.diff(numbers) == 1).all())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
