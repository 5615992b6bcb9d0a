"""A table as a value: heads, cells, what its numbers mean. How it is written is said elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress


@dataclass(frozen=True)
class Cell:
    """Plain text, bold or not."""

    text: str
    bold: bool = False


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a column is.

    Args:
        name: by which it is asked for, as `val_accuracy`.
        text: its head where there are no groups, as in Markdown.
        group: the head that spans it and its neighbours on paper.
        short: the head below the group.
        doc: what it means; no full stop.
        number: whether it shows numbers, which are aligned right.
    """

    name: str
    text: str
    group: str = ""
    short: str = ""
    doc: str = ""
    number: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: all that Markdown, HTML, LaTeX and a page of one's own show of it.

    Args:
        name: stem of its file and its label, as `squeezenet_prune-pareto`.
        caption: plain text, one or two sentences.
        heads: (columns,).
        rows: (rows, columns).
        notes: sentences without full stops, plain text.
        rules: positions of rows that have a rule above them.
        first: names of columns, those first that paper has room for.
        hidden: names of columns that there was no room for.
    """

    name: str
    caption: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    rules: Collection[int] = ()
    first: Sequence[str] = ()
    hidden: Sequence[str] = ()

    @cached_property
    def names(self) -> list[str]:
        """Of the columns."""
        return [head.name for head in self.heads]

    def column(self, name: str) -> list[str]:
        """The texts of a column."""
        place = self.names.index(name)
        return [row[place].text for row in self.rows]

    def without_empty(self) -> Table:
        """Without the columns in which no row has anything."""
        return self.without([name for name in self.names if not any(self.column(name))])

    def without(self, names: Collection[str]) -> Table:
        """Without these columns, where they are there."""
        kept = [name not in names for name in self.names]
        rows = [list(compress(row, kept)) for row in self.rows]
        return replace(self, heads=list(compress(self.heads, kept)), rows=rows)


def words(name: str, text: str = "") -> Head:
    """A column of text."""
    return Head(name=name, text=text or name, number=False)
