"""Which columns of a table are read, and as what."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from framework.contracts import Array, knob
from framework.datasets._sources.anomalies import NAMES
from framework.datasets._sources.class_numbers import lonely, numbered
from framework.datasets._sources.column import (
    Column,
    is_category,
    is_dressed,
    why_no_number,
    with_points,
)
from framework.datasets._sources.table import AUTO, SEPARATORS, Table, is_number, read
from framework.datasets._sources.user_files import FileDataset, Stamp

LABEL = "label"  # what the column is called that is to be told, if nothing is said
MOST_VALUES = 100  # of a column of text that nobody called one of categories
MOST_ASKED = 1000  # of one that the knob names


@dataclass(frozen=True)
class Understood:
    """What a file says under the knobs.

    Args:
        columns: those that are read, in their order.
        labels: (rows,) class numbers, or the numbers of a regression.
        classes: their names by number; empty for a regression.
    """

    table: Table
    columns: Sequence[Column]
    labels: Array
    classes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class TableFile(FileDataset):
    """A table in a file of the user's own, and what its columns are taken for."""

    target: str = knob(LABEL, unit="name", doc="the column that is to be told from the others")
    text: str = knob("", unit="name", doc="the column of text, if it is a text that is read")
    skip: str = knob("", unit="name", doc="columns that are left out, as id,date")
    categories: str = knob(
        "", unit="name", doc="columns whose numbers, or many texts, stand for kinds, as zip,model"
    )
    separator: str = knob(
        AUTO,
        choices=(AUTO, *SEPARATORS),
        doc="what stands between two cells; auto: what the first row has most of",
    )
    decimal: str = knob(
        "point", choices=("point", "comma"), doc="what stands before the decimals of numbers"
    )
    empty: str = knob(
        "refuse",
        choices=("refuse", "fill"),
        doc="cells without a number (empty, NA, NaN, null, ?); fill: with the mean of the train "
        "split, and of categories as a value of its own",
    )

    def understood(self) -> Understood:
        """The file under the knobs, read once until it changes."""
        return _remembered(self, self.stamp())

    def understand(self) -> Understood:
        """The file under the knobs.

        Raises:
            InvalidValue: it is no table, has no such columns, or they do not hold what they should.
        """
        table = read(Path(self.path), self.separator)
        self._check_asked(table)
        if self.text:
            self._check_filled(Column(self.text, table.columns[self.text], True), table)
            columns = [Column(self.text, table.columns[self.text], True)]
        else:
            columns = list(self._columns(table))
        labels, classes = self._labels(table)
        return Understood(table, columns, labels, classes)

    def _columns(self, table: Table) -> Iterator[Column]:
        """Those that are read, each looked through."""
        left_out = {self.target, *_names(self.skip)}
        names = [name for name in table.columns if name not in left_out]
        if not names:
            raise self.wrong("no column is left to be read.", f"Columns: {table.names}.")
        for name in names:
            column = self._column(table, name)
            self._check_filled(column, table)
            self._check_numbers(column, table)
            self._check_values(column)
            yield column

    def _column(self, table: Table, name: str) -> Column:
        cells = table.columns[name]
        if name in _names(self.categories) or is_category(self._with_points(cells)):
            return Column(name, cells, True)
        return Column(name, self._with_points(cells), False)

    def _with_points(self, cells: Sequence[str]) -> Sequence[str]:
        return with_points(cells) if self.decimal == "comma" else cells

    def _check_asked(self, table: Table) -> None:
        """Refuse names that the knobs ask for and the file does not have, or data for names."""
        # a reconstruction needs no labels
        is_optional = self.task == "reconstruction" and self.target == LABEL
        asked = {
            "target": [] if is_optional else [self.target],
            "text": [self.text] if self.text else [],
        }
        asked |= {"skip": _names(self.skip), "categories": _names(self.categories)}
        for which, names in asked.items():
            for name in names:
                # a knob that has no effect would be believed to have one
                if name not in table.columns:
                    raise self.wrong(
                        f"there is no column {name!r}.",
                        f"Columns: {table.names}.",
                        f"Set {which}= to one of them"
                        + (", or separator=." if len(table.columns) == 1 else "."),
                    )
        # a number among the names may be data: then the target is one of the labels
        labels = table.columns.get(self.target, ())
        if any(map(is_number, table.columns)) and self.target in labels:
            raise self.wrong(
                f"its first row is one of the others: {self.target!r} is a label too.",
                f"Found: {table.names}.",
                "Put a row of names before it.",
            )

    def _check_filled(self, column: Column, table: Table) -> None:
        """Refuse an empty cell where nothing says what stands for it."""
        empty = column.empty()
        # of target and text every cell counts
        may_be_left_out = column.name not in (self.target, self.text)
        if may_be_left_out and len(empty) == len(column.cells):
            raise self.wrong(
                f"the column {column.name!r} holds nothing.",
                todo=f"Leave it out: {setting('skip', column.name)}.",
            )
        if not empty or (self.empty == "fill" and may_be_left_out):
            return
        ways_out = "."
        if may_be_left_out:
            skip = setting("skip", column.name)
            ways_out = f'; or set empty="fill"; or leave out the column: {skip}.'
        raise self.wrong(
            f"the column {column.name!r} is empty in row {table.rows[empty[0]]}.",
            f"Such rows: {len(empty)} of {len(column.cells)}.",
            f"Fill it or leave the row out{ways_out}",
        )

    def _check_numbers(self, column: Column, table: Table) -> None:
        """Refuse a column in which numbers stand beside something else."""
        row = column.odd()
        if row is None:
            return
        cell = column.cells[row]
        raise self.wrong(
            f"the column {column.name!r} holds something that is no number.",
            f"Found: {cell!r} in row {table.rows[row]}.",
            f"{why_no_number(cell)}Mend it, leave it out ({setting('skip', column.name)}), or "
            f"read all of it as names of kinds ({setting('categories', column.name)}).",
        )

    def _check_values(self, column: Column) -> None:
        """Refuse a column of so many values that they can be no categories."""
        if not column.categories:
            return
        values, asked = set(column.cells), column.name in _names(self.categories)
        # what somebody has called kinds is not doubted, but for memory
        most = MOST_ASKED if asked else min(MOST_VALUES, len(column.cells) // 2)
        are_numbers = not asked and all(map(is_dressed, filter(None, values)))
        if len(values) <= most and not are_numbers:
            return
        example = next(filter(None, column.cells))
        way_out = f"Leave it out: {setting('skip', column.name)}."
        if not asked and len(values) <= MOST_ASKED:
            way_out += f" Or, if they stand for kinds: {setting('categories', column.name)}."
        raise self.wrong(
            f"the column {column.name!r} holds numbers that are not written as such."
            if are_numbers
            else f"the column {column.name!r} holds {len(values)} different texts in "
            f"{len(column.cells)} rows, too many for kinds.",
            f"As: {example!r}.",
            f"{why_no_number(example)}{way_out}",
        )

    # --- the label --------------------------------------------------------------------------------

    def _labels(self, table: Table) -> tuple[Array, Sequence[str]]:
        """Class numbers and the names of the classes, or the numbers of a regression.

        Of a reconstruction 0 and 1 for an anomaly.

        Raises:
            InvalidValue: there are fewer than two classes, more than two of a binary task, or
                nearly as many as rows; or one stands in a single row.
        """
        if self.task == "reconstruction":
            return self._anomalies(table)
        cells = table.columns[self.target]
        if self.task == "regression":
            column = Column(self.target, self._with_points(cells), False)
            self._check_filled(column, table)
            self._check_label_numbers(column, table)
            return column.numbers(), ()
        self._check_filled(Column(self.target, cells, True), table)
        labels, classes = numbered(cells)
        self._check_classes(len(classes), len(labels))
        alone = lonely(labels)
        if alone is not None:
            raise self.wrong(
                f"the label {cells[alone]!r} stands in one row only, row {table.rows[alone]}.",
                todo="Leave the row out: one sample cannot be both learnt and told.",
            )
        return labels, classes

    def _anomalies(self, table: Table) -> tuple[Array, Sequence[str]]:
        """1 for each row that is an anomaly, and the names of both kinds where there is one.

        Raises:
            InvalidValue: the column holds something else than 0 and 1.
        """
        if self.target not in table.columns:
            return np.zeros(len(table), np.int64), ()
        column = Column(self.target, self._with_points(table.columns[self.target]), False)
        self._check_filled(column, table)
        row = column.odd()
        if row is not None:
            raise self.wrong(
                "labels of a reconstruction are 0 for normal rows and 1 for anomalies.",
                f"Found: {column.cells[row]!r} in the column {self.target!r}, row "
                f"{table.rows[row]}.",
                "Write them so, or take the column out of the file: every row then counts as "
                "normal.",
            )
        labels = column.numbers()
        kinds = self.kinds_of_samples(labels)
        return labels.astype(np.int64), NAMES[:kinds]

    def _check_label_numbers(self, column: Column, table: Table) -> None:
        row = column.odd()
        if row is not None:
            cell = column.cells[row]
            raise self.wrong(
                f"the column {column.name!r} holds something that is no number.",
                f"Found: {cell!r} in row {table.rows[row]}.",
                f'{why_no_number(cell)}Mend it, or tell classes: task="classes".',
            )

    def _check_classes(self, classes: int, rows: int) -> None:
        """Refuse numbers of classes that the task, or so many rows, cannot have."""
        if classes < 2 or (self.task == "binary" and classes != 2):
            todo = 'Set task="classes".' if classes > 2 else "Set target= to another column."
            raise self.wrong(
                "there are two labels or more; of a binary task two.",
                f"Different labels in the column {self.target!r}: {classes}, in {rows} rows.",
                todo,
            )
        # a column of measurements taken for classes shows by nearly as many of them as rows
        if 2 * classes > rows:
            raise self.wrong(
                f"the column {self.target!r} has {classes} different labels in {rows} rows.",
                todo='Numbers are told by task="regression"; else name another column as target.',
            )


@lru_cache(1)  # of one file: preparing asks several times
def _remembered(dataset: TableFile, stamp: Stamp) -> Understood:  # noqa: ARG001 - part of what is remembered
    return dataset.understand()


def _names(listed: str) -> list[str]:
    """Those of a list as `id, date`; a name with a comma stands in quotation marks."""
    names = next(csv.reader([listed], skipinitialspace=True), [])
    return list(filter(None, map(str.strip, names)))


def setting(knob: str, name: str) -> str:
    """What sets a knob that lists columns to this one."""
    return f"{knob}='\"{name}\"'" if "," in name else f'{knob}="{name}"'
