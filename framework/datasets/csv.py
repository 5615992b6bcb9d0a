"""A table of your own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.datasets._prepare.text import first_words
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
        columns = self._columns(table)
        self._say_what_counts_rows(dict(zip(columns, self._all_numbers(table), strict=True)))
        return DataInfo(task=self.asked, classes=classes, inputs={"sequence": (len(columns), 1)})

    def _say_what_counts_rows(self, columns: Mapping[str, Array]) -> None:
        for column, numbers in columns.items():
            if _counts_rows(numbers):
                self.say(
                    f"the column {column!r} counts the rows, and the net reads it. Leave it out: "
                    f'skip="{column}".'
                )

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
            texts = [first_words(text, self.length) for text in self._filled(table, self.text)]
            return {"text": packed(texts), LABELS: labels}
        numbers = np.stack(self._all_numbers(table), axis=1)
        return {"sequence": numbers[:, :, np.newaxis], LABELS: labels}

    def finish(self, splits: dict[str, Arrays]) -> dict[str, Arrays]:
        """Words become token numbers, numbers get one scale."""
        if self.text:
            return encoded(splits, size=self.vocabulary_size, length=self.length)
        mean, spread = self._mean_and_spread(splits["train"]["sequence"])
        scaled: dict[str, Arrays] = {}
        # what float32 cannot hold is refused when the splits are cached
        with np.errstate(over="ignore"):
            for split, arrays in splits.items():
                sequence = ((arrays["sequence"] - mean) / spread).astype(np.float32)
                scaled[split] = {**arrays, "sequence": sequence}
        return scaled

    def _mean_and_spread(self, train: Array) -> tuple[Array, Array]:
        """What is taken off each column, and what it is then divided by."""
        mean, spread = train.mean(axis=0), train.std(axis=0)
        if self.scale == "none":
            mean, spread = np.zeros_like(mean), np.ones_like(spread)
        # but for rounding, which would be blown up to noise
        constant = spread <= ROUNDING * np.abs(mean)
        # a division by infinity makes the whole column 0
        return np.where(constant, train[0], mean), np.where(constant, np.inf, spread)

    def _columns(self, table: Table) -> list[str]:
        """Those of numbers."""
        skipped = {"", self.target, *map(str.strip, self.skip.split(","))}
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
        self._check_classes(classes, len(labels))
        alone = lonely(labels)
        if alone is not None:
            raise self.wrong(
                f"the label {table[self.target][alone]!r} stands in one row only, row "
                f"{alone + FIRST_ROW}.",
                todo="Leave the row out: one sample cannot be both learnt and told.",
            )
        return labels, classes

    def _check_classes(self, classes: int, rows: int) -> None:
        """Refuse numbers of classes that the task, or so many rows, cannot have."""
        if classes < 2 or (self.task == "binary" and classes != 2):
            raise self.wrong(
                "there are two labels or more; of a binary task two.", f"Found: {classes}."
            )
        # a column of measurements taken for classes shows by nearly as many of them as rows
        if 2 * classes > rows:
            raise self.wrong(
                f"the column {self.target!r} has {classes} different labels in {rows} rows.",
                todo='Numbers are told by task="regression"; else name another column as target.',
            )

    def _filled(self, table: Table, column: str) -> list[str]:
        """The cells of a column, none of which may be empty."""
        for row, cell in enumerate(table[column], FIRST_ROW):
            if not cell.strip():
                way_out = f'; or leave out the column: skip="{column}".'
                raise self.wrong(
                    f"the column {column!r} is empty in row {row}.",
                    todo="Fill it or leave the row out"
                    + ("." if column == self.target else way_out),
                )
        return table[column]

    def _all_numbers(self, table: Table) -> list[Array]:
        """The columns of numbers in their order, each (rows,)."""
        return [self._numbers(table, column) for column in self._columns(table)]

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
        self._check_asked(head)
        self._check_rows(head, rows)
        table: Table = {}
        for place, name in enumerate(head):
            cells = [row[place] for row in rows]
            table[name] = cells
        return table

    def _check_asked(self, head: list[str]) -> None:
        """Refuse names that the knobs ask for and the file does not have."""
        for name in [self.target, self.text] if self.text else [self.target]:
            if name not in head:
                raise self.wrong(
                    f"there is no column {name!r}.",
                    f"Columns: {', '.join(head)}.",
                    "Set target=, or separator=.",
                )

    def _check_rows(self, head: list[str], rows: list[list[str]]) -> None:
        """Refuse names among the rows, and a row in place of the names."""
        if head in rows:
            raise self.wrong(
                f"row {rows.index(head) + FIRST_ROW} holds the names of the columns again.",
                todo="Leave it out.",
            )
        if not any(map(_is_number, head)):
            return
        place = head.index(self.target)
        if self.target in {row[place].strip() for row in rows}:
            raise self.wrong(
                f"its first row is one of the others: {self.target!r} is a label too.",
                f"Found: {', '.join(head)}.",
                "Put a row of names before it.",
            )

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        """The names in the first row, and the cells of the others."""
        first, *rows = self._cells()
        head = [str(name).strip() for name in first]
        if INDEX.fullmatch(head[0]):
            head[0] = ""
        return head, rows

    def _cells(self) -> list[list[str]]:
        """All rows as they are written; the cells that a short row lacks are empty."""
        import pandas as pd

        try:
            # as text: pandas would make numbers of labels, and take NA or nan for empty cells
            frame = pd.read_csv(
                self.path,
                sep=SEPARATORS[self.separator],
                header=None,
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
            )
        except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
            raise self.wrong(
                "it cannot be read as a table.",
                str(error),
                "Save it as CSV in UTF-8, or set separator=.",
            ) from error
        return frame.to_numpy().tolist()

    def _check_head(self, head: list[str]) -> None:
        """Refuse names that are none.

        Raises:
            InvalidValue: two columns of one name, a column without one that is no index, or data in
                place of names.
        """
        for name, count in sorted(Counter(head).items()):
            if name and count > 1:
                raise self.wrong(
                    f"two columns are called {name!r}.", todo="Give each a name of its own."
                )
        if "" in head[1:]:
            raise self.wrong(f"column {head.index('', 1) + 1} has no name.", todo="Give it one.")
        numbers = list(filter(_is_number, head))
        # whole numbers may be names, as years are, but not those of all columns
        if "." in "".join(numbers) or len(numbers) == len(list(filter(None, head))):
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
