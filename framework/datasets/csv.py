"""A table of your own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.datasets._prepare.columns import mean_and_spread, one_hot
from framework.datasets._prepare.text import first_words
from framework.datasets._prepare.text_dataset import VOCABULARY, encoded, packed, unpacked
from framework.datasets._sources.column import Column
from framework.datasets._sources.contents import Contents, span, spread_out
from framework.datasets._sources.splits import LABELS, Arrays
from framework.datasets._sources.table import Table
from framework.datasets._sources.table_file import TableFile, setting

MOST_TOLD = 5  # values of a column
NUMBERS, VALUES = "sequence", "values"  # arrays before they become one


@dataclass(frozen=True)
class Scale:
    """What is learnt from the train split: three times (columns of numbers,), and categories."""

    filling: Array
    mean: Array
    spread: Array
    values: Sequence[Sequence[str]]


@dataset("csv", version=3)
@dataclass(frozen=True, kw_only=True)
class OwnTable(TableFile):
    """A table of your own in a CSV file: numbers and categories, or one column of text; a label.

    Source: the file named by `path`, UTF-8 or UTF-16, with the names of the columns in the first
    row.

    All columns but `target` and those named in `skip` are read, together as `sequence`, one step
    for each. A column of numbers is less its mean and over its standard deviation of the train
    split (or as written, see `scale`). A column of text becomes one of 0 and 1 for each value that
    the train split has, in the order of the alphabet; what it has not is all 0. Refused are a
    column that has both numbers and text, and text of more than 100 values or of more than half as
    many as there are rows, unless `categories` names it. Text alone: the column `text`, as
    lower-case words and marks of punctuation; the most frequent of the train split are the
    vocabulary. Classes are what is written in the column `target`, in the order of the alphabet; or
    of numbers, of which 1, 1.0 and 01 are one (of a binary task the second is 1). For `regression`
    it holds numbers, in any unit; for `reconstruction` of the other columns 0 (normal) and 1
    (anomaly), and a table without a column `label` is one of normal rows. Blanks around a cell do
    not count. An index without a name, as pandas writes it in front, and blank rows are left out.
    """

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
        table = self.understood()
        self._say_what_is_left_out(table.table)
        classes = len(table.classes)
        if self.text:
            tokens = {"text": self.vocabulary_size}
            return DataInfo(
                task=self.asked, classes=classes, inputs={"text": (self.length,)}, tokens=tokens
            )
        self._say_what_counts_rows(table.columns)
        self._say_what_is_filled(table.columns)
        width = len(table.columns)
        # how many columns categories become, the train split alone says
        if any(column.categories for column in table.columns):
            values = self._scale(self.cut()["train"]).values
            width += sum(map(len, values)) - len(values)
        return DataInfo(task=self.asked, classes=classes, inputs={NUMBERS: (width, 1)})

    def contents(self) -> Contents:
        """Columns with their kinds, and a few rows."""
        understood = self.understood()
        table, columns = understood.table, understood.columns
        parts = {f"column {column.name}": _told(column) for column in columns}
        if self.target in table.columns:
            parts[f"column {self.target}"] = "what is to be told"
        read = {self.target, *(column.name for column in columns)}
        left_out = [f"column {name}" for name in table.columns if name not in read]
        if table.unnamed:
            left_out.append(f"{table.unnamed} without a name")
        samples = {}
        for row in spread_out(len(table)):
            cells = [f"{name}={cells[row]}" for name, cells in table.columns.items()]
            samples[table.rows[row]] = ", ".join(cells)
        return Contents(parts, understood.labels, understood.classes, samples, left_out)

    def vocabulary(self, root: Path, name: str) -> tuple[str, ...]:
        """What each token of the text stands for."""
        return (
            unpacked(self._open_splits(root)[0]["train"][VOCABULARY])
            if self.text and name == "text"
            else ()
        )

    def read_all(self) -> Arrays:
        """The numbers and values as they are written, or the words."""
        understood = self.understood()
        labels = {LABELS: understood.labels}
        if self.text:
            (column,) = understood.columns
            return {
                "text": packed(first_words(text, self.length) for text in column.cells),
                **labels,
            }
        # apart as they are written: what they become hangs on the train split
        numbers, values = [], []
        for column in understood.columns:
            if column.categories:
                values.append(packed(column.cells))
            else:
                numbers.append(column.numbers())
        arrays: dict[str, Array] = {}
        if numbers:
            arrays[NUMBERS] = np.stack(numbers, axis=1)[:, :, np.newaxis]
        if values:
            arrays[VALUES] = np.stack(values, axis=1)
        return arrays | labels

    def finish(self, splits: dict[str, Arrays]) -> dict[str, Arrays]:
        """Words become token numbers; numbers get one scale, values become 0 and 1."""
        if self.text:
            return encoded(splits, size=self.vocabulary_size, length=self.length)
        kinds = [column.categories for column in self.understood().columns]
        scale = self._scale(splits["train"])
        finished: dict[str, Arrays] = {}
        for split, arrays in splits.items():
            read_by_net = np.concatenate(list(_encoded(arrays, kinds, scale)), axis=1)
            finished[split] = {NUMBERS: read_by_net[:, :, np.newaxis], LABELS: arrays[LABELS]}
        return finished

    def _scale(self, train: Arrays) -> Scale:
        rows = len(train[LABELS])
        numbers = train.get(NUMBERS, np.zeros((rows, 0, 1)))[:, :, 0]
        filling, mean, spread = mean_and_spread(numbers, scaled=self.scale != "none")
        cells = train.get(VALUES, np.zeros((rows, 0), np.bytes_))
        return Scale(filling, mean, spread, [unpacked(np.unique(column)) for column in cells.T])

    # --- what is said -----------------------------------------------------------------------------

    def _say_what_is_left_out(self, table: Table) -> None:
        if table.unnamed:
            self.say(
                "a column without a name (an index in front, or an empty one) is left out."
                if table.unnamed == 1
                else f"{table.unnamed} columns without a name are left out."
            )

    def _say_what_counts_rows(self, columns: Sequence[Column]) -> None:
        for column in columns:
            if not column.categories and _counts_rows(column.numbers()):
                self.say(
                    f"the column {column.name!r} counts the rows, and the net reads it. Leave it "
                    f"out: {setting('skip', column.name)}."
                )

    def _say_what_is_filled(self, columns: Sequence[Column]) -> None:
        counts = Counter({column.name: len(column.empty()) for column in columns})
        filled = [f"{count} of {name!r}" for name, count in counts.items() if count]
        if filled:
            self.say(f"empty cells are filled: {', '.join(filled)}.")


def _encoded(arrays: Arrays, kinds: Sequence[bool], scale: Scale) -> Iterator[Array]:
    """(rows, 1) of each column of numbers, (rows, values) of each of categories, in their order.

    Args:
        kinds: for each column, whether it is one of categories.
    """
    number = category = 0
    for is_one_of_categories in kinds:
        if is_one_of_categories:
            yield one_hot(arrays[VALUES][:, category], scale.values[category])
            category += 1
            continue
        cells = arrays[NUMBERS][:, number]
        filled = np.where(np.isnan(cells), scale.filling[number], cells)
        # what float32 cannot hold is refused when the splits are cached
        with np.errstate(over="ignore"):
            yield ((filled - scale.mean[number]) / scale.spread[number]).astype(np.float32)
        number += 1


def _told(column: Column) -> str:
    """What a column is read as."""
    if not column.categories:
        empty = f", {len(column.empty())} empty" if column.empty() else ""
        return f"numbers, {span(column.numbers())}{empty}"
    counts = Counter(column.cells)
    # an empty cell is a value of its own, and has to be seen among the others
    most = ", ".join(f"{value or '(empty)'} {n}" for value, n in counts.most_common(MOST_TOLD))
    return f"text, {len(counts)} values: {most}{', ...' if len(counts) > MOST_TOLD else ''}"


def _counts_rows(numbers: Array) -> bool:
    """Whether they go up by one from row to row, as an index does."""
    return bool((np.diff(numbers) == 1).all())
