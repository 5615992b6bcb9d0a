"""A table as Markdown, CSV and LaTeX.

Whatever comes from outside (names, tags, text) is escaped for each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

import pandas as pd

from framework.report.tables.text import csv_cell, latex_text, markdown_text, missing
from framework.results.fronts import Direction

Text = Callable[[Any], str]


@dataclass(frozen=True, kw_only=True)
class Column:
    """How one column of a frame is shown.

    Args:
        name: in the frame.
        head: in Markdown, where there are no groups.
        group: the head that spans it and its neighbours in LaTeX.
        short: the head below the group.
        brief: the head in the terminal, where columns are scarce.
        doc: what the column means, for notes and captions; no full stop.
        text: a value as plain text; what is missing is shown as a gap without asking it.
        better: which value is printed bold; None for no comparison.
        level: 0 everywhere, 1 not in the terminal, 2 in Markdown only.
    """

    name: str
    head: str
    group: str = ""
    short: str = ""
    brief: str = ""
    doc: str = ""
    text: Text = str
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
        cells[position] = list(map(markdown_text, _texts(frame[column.name], column)))
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
    safe = frame.map(csv_cell).rename(columns=csv_cell)
    return str(safe.to_csv(index=False, lineterminator="\n"))


def latex(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    compared: Sequence[bool],
    caption: str,
    label: str,
) -> str:
    """A booktabs table over both columns of a page.

    Args:
        compared: per row, whether it takes part in the comparison for the bold values.
        caption: plain text.
        label: what follows `tab:`; characters that LaTeX does not take in a label become `-`.
    """
    aligned = "".join(column.side[0] for column in columns)
    # the caption goes above the tabular, as journals want it of tables
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table*}", r"\centering", r"\small", r"\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{latex_text(caption)}}}",
        rf"\label{{tab:{re.sub('[^A-Za-z0-9_.:-]', '-', label)}}}",
        rf"\begin{{tabular}}{{@{{}}{aligned}@{{}}}}",
        r"\toprule", *_heads(columns), r"\midrule", *_body(frame, columns, compared),
        r"\bottomrule",
        r"\end{tabular}", r"\end{table*}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _text(column: Column, value: Any) -> str:
    return "" if missing(value) else column.text(value)


def _texts(values: Any, column: Column) -> list[str]:
    return list(map(partial(_text, column), values))


def _body(frame: pd.DataFrame, columns: Sequence[Column], compared: Sequence[bool]) -> list[str]:
    """The rows for LaTeX, with a rule above the first of those that are compared."""
    cells = [_bold(list(frame[column.name]), column, compared) for column in columns]
    rows = [" & ".join(row) + r" \\" for row in zip(*cells, strict=True)]
    if not any(compared):
        empty = rf"\multicolumn{{{len(columns)}}}{{l}}{{No trial is on the front.}} \\"
        return [*rows, r"\midrule", empty]
    first = list(compared).index(True)
    if first:
        rows.insert(first, r"\midrule")
    return rows


def _bold(values: Sequence[Any], column: Column, compared: Sequence[bool]) -> list[str]:
    """Cells for LaTeX.

    Those that show the best of the compared rows are bold, unless these all show the same.
    """
    texts = _texts(values, column)
    rivals = list(_rivals(values, compared))
    best = _best(texts, values, column, rivals)
    cells = []
    for row, text in enumerate(texts):
        cell = _math(text) if column.numeric else latex_text(text)
        # by the text: rows that look the same to a reader are bold together
        bold = best and text == best and row in rivals
        cells.append(rf"\textbf{{{cell}}}" if bold else cell)
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


def _math(text: str) -> str:
    """A number with a true minus and a true multiplication sign."""
    return re.sub(r"(?<=\d)x$", r"$\\times$", re.sub("^-", "$-$", latex_text(text)))


def _heads(columns: Sequence[Column]) -> list[str]:
    """Two lines of heads: groups with a rule below each, then the columns' own."""
    spans, rules, start = [], [], 1
    for group, members in groupby(columns, key=attrgetter("group")):
        width = len(list(members))
        if group:
            spans.append(rf"\multicolumn{{{width}}}{{c}}{{{latex_text(group)}}}")
            # (lr) trims the ends, so that rules of two groups side by side do not run together
            rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        else:
            spans.extend([""] * width)
        start += width
    names = " & ".join(latex_text(column.short or column.head) for column in columns)
    upper = [" & ".join(spans) + r" \\", " ".join(rules)] if rules else []
    return [*upper, names + r" \\"]
