"""A table as Markdown, CSV and LaTeX.

Whatever comes from outside (names, tags, text) is escaped for each.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd

from framework.results.fronts import Direction

LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''",
}  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\n")  # a spreadsheet would run a cell that begins so


@dataclass(frozen=True, kw_only=True)
class Column:
    """How one column of a frame is shown.

    Args:
        name: in the frame.
        head: in Markdown, where a head stands alone.
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
    text: Callable[[Any], str] = str
    better: Direction | None = None
    level: int = 0

    @property
    def numeric(self) -> bool:
        """Numbers are right aligned, text is left aligned."""
        return self.text is not str


def columns_of(
    frame: pd.DataFrame, columns: Sequence[Column], *, level: int, always: Sequence[str] = ()
) -> list[Column]:
    """The columns that the frame has a value for, up to a level.

    Args:
        always: names that are shown whatever their level.
    """
    has = {name for name in frame.columns if not all(_missing(value) for value in frame[name])}
    return [
        column
        for column in columns
        if column.name in has and (column.level <= level or column.name in always)
    ]


def markdown(frame: pd.DataFrame, columns: Sequence[Column], *, brief: bool = False) -> str:
    """A table of pipes, numbers right aligned; ends without a line break."""
    heads = [markdown_text((column.brief if brief else "") or column.head) for column in columns]
    cells = [
        [markdown_text(text) for text in _texts(frame[column.name], column)] for column in columns
    ]
    shown = pd.DataFrame(dict(enumerate(cells)))
    aligned = ["right" if column.numeric else "left" for column in columns]
    return str(
        shown.to_markdown(index=False, headers=heads, disable_numparse=True, colalign=aligned)
    )


def csv(frame: pd.DataFrame) -> str:
    """Comma-separated values.

    Floats exact, gaps empty, cells that a spreadsheet would run defused.
    """
    cells = {name: [csv_cell(value) for value in frame[name]] for name in frame.columns}
    safe = pd.DataFrame(cells, columns=frame.columns, dtype=object).rename(columns=csv_cell)
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
    body = [
        _bold(_texts(frame[column.name], column), list(frame[column.name]), column, compared)
        for column in columns
    ]
    rows = [" & ".join(cells) + r" \\" for cells in zip(*body, strict=True)]
    first = list(compared).index(True) if any(compared) and not all(compared) else 0
    rows = [*rows[:first], *([r"\midrule"] if first else []), *rows[first:]]
    if not any(compared):
        rows += [
            r"\midrule",
            rf"\multicolumn{{{len(columns)}}}{{l}}{{No trial is on the front.}} \\",
        ]
    aligned = "".join("r" if column.numeric else "l" for column in columns)
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table*}", r"\centering", r"\small", r"\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{latex_text(caption)}}}",
        rf"\label{{tab:{re.sub('[^A-Za-z0-9_.:-]', '-', label)}}}",
        rf"\begin{{tabular}}{{@{{}}{aligned}@{{}}}}",
        r"\toprule", *_heads(columns), r"\midrule", *rows, r"\bottomrule",
        r"\end{tabular}", r"\end{table*}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\`*\[\]|])", r"\\\1", text)
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def latex_text(text: str) -> str:
    """Text that LaTeX shows as it is, on one line."""
    return "".join(
        LATEX.get(letter, letter) for letter in " ".join(text.split()) if letter.isprintable()
    )


def csv_cell(value: Any) -> str:
    """One cell: `repr` of a number, nothing for a gap.

    Text that begins like a formula gets an apostrophe before it.
    """
    if _missing(value):
        return ""
    if isinstance(value, float):
        return repr(float(value))
    # a bare \r is not quoted and would end the row
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def percent(value: float) -> str:
    """A share as percent: 0.984 is `98.40`."""
    return f"{100 * value:.2f}".replace("-0.00", "0.00")


def four_digits(value: float) -> str:
    """A number of about 1: 0.98404 is `0.9840`."""
    return f"{value:.4f}".replace("-0.0000", "0.0000")


def grouped(value: float) -> str:
    """A count with its thousands apart: `190,734`."""
    return f"{value:,.0f}"


def ratio(value: float) -> str:
    """A ratio: `0.98x`, `5.2x`, `48.1x`, `124x`."""
    digits = 2 if value < 2 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}x"


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _texts(values: Any, column: Column) -> list[str]:
    return ["" if _missing(value) else column.text(value) for value in values]


def _bold(
    texts: Sequence[str], values: Sequence[Any], column: Column, compared: Sequence[bool]
) -> list[str]:
    """Cells for LaTeX.

    Those that show the best of the compared rows are bold, unless these all show the same.
    """
    rivals = [
        index
        for index, takes_part in enumerate(compared)
        if takes_part and not _missing(values[index])
    ]
    best = ""
    if column.better is not None and len({texts[index] for index in rivals}) > 1:
        choose = max if column.better == "max" else min
        best = texts[choose(rivals, key=lambda index: values[index])]
    cells = [_math(text) if column.numeric else latex_text(text) for text in texts]
    bold = {index for index in rivals if best and texts[index] == best}
    return [rf"\textbf{{{cell}}}" if index in bold else cell for index, cell in enumerate(cells)]


def _math(text: str) -> str:
    """A number with a true minus and a true multiplication sign."""
    return re.sub(r"(?<=\d)x$", r"$\\times$", re.sub("^-", "$-$", latex_text(text)))


def _heads(columns: Sequence[Column]) -> list[str]:
    """Two lines of heads: groups with a rule below each, then the columns' own."""
    spans, rules, start = [], [], 1
    for group, members in groupby(columns, key=lambda column: column.group):
        width = len(list(members))
        spans.append(
            rf"\multicolumn{{{width}}}{{c}}{{{latex_text(group)}}}"
            if group
            else " & ".join([""] * width)
        )
        rules += [rf"\cmidrule(lr){{{start}-{start + width - 1}}}"] if group else []
        start += width
    own = [latex_text(column.short or column.head) for column in columns]
    upper = [" & ".join(spans) + r" \\", " ".join(rules)] if rules else []
    return [*upper, " & ".join(own) + r" \\"]
