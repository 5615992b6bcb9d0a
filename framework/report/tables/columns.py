"""How the columns of a frame are shown, and the tables that are made of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from csv import writer as csv_writer
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import pandas as pd

from framework.report.tables.table import Cell, Head, Table
from framework.report.tables.text import csv_cell, csv_cells, markdown_text, missing
from framework.results.fronts import Direction

Text = Callable[[Any], str]


@dataclass(frozen=True, kw_only=True)
class Column:
    """How one column of a frame is shown.

    Args:
        name: in the frame.
        head: in Markdown, where there are no groups.
        group: the head that spans it and its neighbours on paper.
        short: the head below the group.
        brief: the head in the terminal, where columns are scarce.
        doc: what the column means, for notes and the glossary; no full stop.
        text: a value as plain text; what is missing is shown as a gap without asking it.
        spread: the column of its standard deviation, shown behind it.
        better: which value is printed bold; None for no comparison.
        level: 0 everywhere, 1 not in the terminal, 2 in the ledger only.
    """

    name: str
    head: str
    group: str = ""
    short: str = ""
    brief: str = ""
    doc: str = ""
    text: Text = str
    spread: str = ""
    better: Direction | None = None
    level: int = 0

    @property
    def numeric(self) -> bool:
        """Whether it shows numbers."""
        return self.text is not str

    @property
    def side(self) -> str:
        """Where cells are aligned: numbers `right`, text `left`."""
        return "right" if self.numeric else "left"

    def as_head(self) -> Head:
        """What a table has of it."""
        shown = {"text": self.head, "group": self.group, "short": self.short, "doc": self.doc}
        return Head(name=self.name, number=self.numeric, **shown)


def columns_of(
    frame: pd.DataFrame, columns: Sequence[Column], *, level: int, always: Sequence[str] = ()
) -> list[Column]:
    """The columns that the frame has a value for, up to a level.

    Args:
        always: names that are shown whatever their level.
    """
    filled = frame.dropna(axis="columns", how="all").columns
    shown = []
    for column in columns:
        wanted = column.level <= level or column.name in always
        if wanted and column.name in filled:
            shown.append(column)
    return shown


def markdown(frame: pd.DataFrame, columns: Sequence[Column], *, brief: bool = False) -> str:
    """A table of pipes, numbers right aligned; ends without a line break."""
    heads, aligned, cells = [], [], {}
    for position, column in enumerate(columns):
        head = (column.brief if brief else "") or column.head
        heads.append(markdown_text(head))
        aligned.append(column.side)
        cells[position] = list(map(markdown_text, texts_of(frame, column)))
    table = pd.DataFrame(cells)
    # tabulate would read the cells as numbers again and print 0.9840 as 0.984
    return str(
        table.to_markdown(index=False, headers=heads, disable_numparse=True, colalign=aligned)
    )


def csv(frame: pd.DataFrame) -> str:
    """Comma-separated values.

    Floats exact, gaps empty, cells that a spreadsheet would run defused.
    """
    # names of columns hold knobs of plug-ins, which are text from outside like any cell
    cells = [csv_cells(list(frame.iloc[:, at])) for at in range(frame.shape[1])]
    text = io.StringIO()
    writer = csv_writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, frame.columns))
    writer.writerows(zip(*cells, strict=True))
    return text.getvalue()


def table_of(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    name: str,
    caption: str,
    compared: Sequence[bool] = (),
    notes: Sequence[str] = (),
) -> Table:
    """Rows of a frame as a table.

    Args:
        name, caption, notes: as of a `Table`.
        compared: per row, whether it takes part in the comparison for the bold values; a rule
            stands above the first that does.
    """
    takes_part = list(compared) or [False] * len(frame)
    by_level = sorted(columns, key=attrgetter("level"))
    cells = [_cells(frame, column, takes_part) for column in columns]
    first = takes_part.index(True) if any(takes_part) else 0
    return Table(
        name=name,
        caption=caption,
        heads=[column.as_head() for column in columns],
        rows=list(zip(*cells, strict=True)),
        notes=notes,
        rules=[first] if first else [],
        first=[column.name for column in by_level],
    )


def texts_of(frame: pd.DataFrame, column: Column) -> list[str]:
    """The cells of a column as plain text; gaps are empty."""
    texts = []
    spreads = frame[column.spread] if column.spread in frame.columns else [None] * len(frame)
    for value, spread in zip(frame[column.name], spreads, strict=True):
        text = "" if missing(value) else column.text(value)
        texts.append(text if missing(spread) or not text else f"{text} ± {column.text(spread)}")
    return texts


def _cells(frame: pd.DataFrame, column: Column, compared: Sequence[bool]) -> list[Cell]:
    """Those that show the best of the compared rows are bold, unless these all show the same."""
    texts, values = texts_of(frame, column), list(frame[column.name])
    texts, values = texts_of(frame, column), list(frame[column.name])
    # of means alone: a spread is no merit
    means = [text.partition(" ± ")[0] for text in texts]
    rivals = list(_rivals(values, compared))
    best = _best(means, values, column, rivals)
    cells = []
    for row, text in enumerate(texts):
        # by the text: rows that look the same to a reader are bold together
        cells.append(Cell(text, bold=bool(best) and means[row] == best and row in rivals))
    return cells


def _rivals(values: Sequence[Any], compared: Sequence[bool]) -> Iterator[int]:
    """The positions of the rows that are compared and have a value."""
    for row, takes_part in enumerate(compared):
        if takes_part and not missing(values[row]):
            yield row


def _best(
    texts: Sequence[str], values: Sequence[Any], column: Column, rivals: Sequence[int]
) -> str:
    """The text of the best value; empty where all show the same."""
    if column.better is None or len(set(map(texts.__getitem__, rivals))) <= 1:
        return ""
    choose = max if column.better == "max" else min
    return texts[choose(rivals, key=values.__getitem__)]
