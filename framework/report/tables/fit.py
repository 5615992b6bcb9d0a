"""Which columns of a table a page has room for, and what the notes say of the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, filterfalse
from operator import itemgetter
from typing import Literal

from framework.errors import InvalidValue, UnknownName
from framework.report.tables.table import Head, Table
from framework.report.tables.widths import GAP, LINES, widest, wrapped

Width = Literal["column", "page"]
MOST = {"column": 5, "page": 7}  # columns that are chosen by themselves
LEAST_TEXT = 76.0  # points that a column of text is left, in which it wraps
SLACK = 10.0  # points, by which the estimate may be wrong
TIMES = re.compile(r"[\d.,]+x")  # a ratio
LEAST_SIGNS, HEAD_SIGNS = 9, 24  # of a line of a head, at least and at most
MOST_SIGNS = 14  # of a word of it that stays whole


@dataclass(frozen=True)
class Layout:
    """How tables are put on paper.

    Args:
        columns: names of those that are shown, in this order; empty for a choice by importance.
        width: of a column of the text, or of the page.
        strict: a column that no table has is a mistake; else it is meant for another report.
    """

    columns: Sequence[str] = ()
    width: Width = "page"
    strict: bool = True


def layout_of(columns: str, width: str) -> Layout:
    """From words of the command line; empty for the defaults.

    Raises:
        InvalidValue: there is no such width.
    """
    if width not in ("", *LINES):
        raise InvalidValue(
            "A table is as wide as a column of the text or as the page.",
            given=f"WIDTH={width}.",
            todo="WIDTH=column or WIDTH=page.",
        )
    chosen: Width = "column" if width == "column" else "page"
    return Layout(columns.replace(",", " ").split(), chosen)


def fitted(tables: Sequence[Table], layout: Layout) -> list[Table]:
    """The tables with as many columns as there is room for.

    Raises:
        UnknownName: a column is asked for that none of the tables has.
    """
    known = dict.fromkeys(chain.from_iterable(table.names for table in tables))
    for name in layout.columns:
        if name not in known and layout.strict:
            raise UnknownName("column", name, known)
    if any(map(known.__contains__, layout.columns)):
        return [_asked(table, layout.columns) for table in tables]
    return [_chosen(without_constant(table), layout.width) for table in tables]


def _asked(table: Table, names: Sequence[str]) -> Table:
    """In the order in which they were asked for; what a row is called stays in front."""
    order = list(dict.fromkeys([table.names[0], *filter(table.names.__contains__, names)]))
    chosen = itemgetter(*map(table.names.index, order))
    # of one name the getter gives no tuple
    several = chosen if len(order) > 1 else lambda row: (chosen(row),)
    return replace(table, heads=several(table.heads), rows=list(map(several, table.rows)))


def without_constant(table: Table) -> Table:
    """What is the same in every row becomes a line of the notes."""
    constant: dict[str, str] = {}
    # how many seeds there are is said by every caption
    counts = {"seeds", "n"}
    for head in table.heads[1:]:
        texts = table.column(head.name)
        # a gap among numbers says that there is nothing to say; among words it may be a "no"
        stated = list(filter(None, texts)) if head.number else texts
        if len(stated) > 1 and len(set(stated)) == 1:
            constant[head.name] = f"{head.text} {stated[0]}"
    said = list(map(constant.__getitem__, filterfalse(counts.__contains__, constant)))
    notes = [f"The same in every row: {'; '.join(said)}"] if said else []
    return replace(table.without(constant), notes=[*table.notes, *notes])


def _chosen(table: Table, width: Width) -> Table:
    """By importance, as many as fit."""
    wanted = dict.fromkeys([*filter(table.names.__contains__, table.first), *table.names])
    kept = [table.names[0]]
    for name in wanted:
        trial = list(dict.fromkeys([*kept, name]))
        if len(trial) <= MOST[width] and least_width(table, trial) <= LINES[width] - SLACK:
            kept = trial
    left_out = list(filterfalse(kept.__contains__, table.names))
    return replace(table.without(left_out), hidden=left_out)


def least_width(table: Table, names: Sequence[str]) -> float:
    """Points that these columns take at least: numbers as they are, text wrapped."""
    total = GAP * (len(names) - 1)
    for name in names:
        head = table.heads[table.names.index(name)]
        natural = natural_width(table, head)
        total += natural if head.number else min(natural, LEAST_TEXT)
    return total


def natural_width(table: Table, head: Head) -> float:
    """Points of a column whose cells stay on one line, under a head that wraps."""
    texts = table.column(head.name)
    return max(widest(texts), widest(head_lines(head, texts)))


def head_lines(head: Head, texts: Sequence[str]) -> list[str]:
    """The lines of a head, about as wide as what is below it, at most three."""
    title = head.short or head.text
    # no word is parted that a column has room for
    longest = min(MOST_SIGNS, max(map(len, title.split()), default=0))
    below = max(map(len, texts), default=0) if head.number else HEAD_SIGNS
    signs = max(LEAST_SIGNS, longest, below)
    # of cells such as `5.2x` the sign stands in the head
    if head.number and any(map(TIMES.fullmatch, texts)):
        title = f"{title} (\u00d7)"
    lines = wrapped(title, min(signs, HEAD_SIGNS))
    return lines[:3] if len(lines) <= 3 else [*lines[:2], f"{lines[2][: signs - 3]}..."]
