"""A table for a paper: booktabs, siunitx, threeparttable, as wide as the text is.

Numbers are aligned at their points. Words wrap where the table would be wider than the page. A
table that is longer than a page goes on in a second one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import attrgetter
from re import Match

from framework.report.tables.fit import (
    LEAST_TEXT,
    SLACK,
    Layout,
    Width,
    fitted,
    head_lines,
    natural_width,
)
from framework.report.tables.table import Cell, Head, Table
from framework.report.tables.text import latex_text, shortened
from framework.report.tables.widths import GAP, LINES, width
from framework.system.text import visible

NEEDS = r"% needs \usepackage{booktabs,siunitx,threeparttable,tabularx}"
NUMBER = re.compile(r"(≈?)(-?)([\d,]+)((?:\.\d+)?)((?: ± [\d.,]+)?)(x?)")
PAGE_LINES = 46  # of rows and notes of one float: what a page holds below caption and heads
MOST_LINES, LEAST_LINES = 34, 8  # of rows
MOST_FLOATS = 10  # before TeX is told to place them
LONGEST_CELL = 400  # signs
SETUP = (
    r"\sisetup{group-digits=integer,group-separator={,},group-minimum-digits=4,detect-weight,"
    r"table-align-text-post=false,table-align-text-pre=false}"
)


def latex(tables: Sequence[Table], layout: Layout) -> str:
    """Tables as one file.

    Raises:
        UnknownName: a column is asked for that none of them has.
    """
    floats: list[str] = []
    for table in fitted(tables, layout):
        for part in _parts(table, layout.width):
            # TeX holds a few dozen floats at most until it has placed them
            if floats and len(floats) % MOST_FLOATS == 0:
                floats.append(r"\clearpage")
            floats.append(_float(part, layout.width))
    return "\n".join([NEEDS, *floats, ""])


def _parts(table: Table, width_of: Width) -> Iterator[Table]:
    """The table, or its pieces where it is longer than a page."""
    ends, lines = [], 0
    below = sum(math.ceil(width(note) / LINES[width_of]) for note in table.notes)
    room = min(MOST_LINES, max(LEAST_LINES, PAGE_LINES - below))
    for place, row in enumerate(table.rows):
        lines += _lines(table, row, width_of)
        if lines > room and place:
            ends.append(place)
            lines = _lines(table, row, width_of)
    starts = [0, *ends]
    for number, (start, end) in enumerate(zip(starts, [*ends, len(table.rows)], strict=True)):
        rules = [rule - start for rule in table.rules if start < rule < end]
        name = f"{table.name}-{number + 1}" if number else table.name
        caption = f"{table.caption} Part {number + 1} of {len(starts)}." if ends else table.caption
        # notes are of all parts, and stand below the last
        notes = table.notes if end == len(table.rows) else ()
        yield replace(
            table, name=name, caption=caption, rows=table.rows[start:end], rules=rules, notes=notes
        )


def _lines(table: Table, row: Sequence[Cell], width_of: Width) -> int:
    """How many lines a row will have where its words wrap."""
    if not _wraps(table, width_of):
        return 1
    lines = 1
    for head, cell in zip(table.heads, row, strict=True):
        if not head.number:
            lines = max(lines, math.ceil(1.25 * width(cell.text) / LEAST_TEXT))
    return lines


def _wraps(table: Table, width_of: Width) -> bool:
    """Whether the columns are too wide for the text, as they are."""
    gaps = GAP * (len(table.heads) - 1)
    natural = sum(map(partial(natural_width, table), table.heads))
    return gaps + natural > LINES[width_of] - SLACK


def _float(table: Table, width_of: Width) -> str:
    kind = "table*" if width_of == "page" else "table"
    # a single column has no gaps for what is left of the line
    wraps = _wraps(table, width_of) or len(table.heads) == 1
    environment = "tabularx" if wraps else "tabular*"
    columns = map(partial(_column, table, wraps=wraps), table.heads)
    # what is left of the line lies between the columns, or in those that wrap
    filled = "" if wraps else r"@{\extracolsep{\fill}}"
    # a remark, so on one line whatever the names are
    names = visible(" ".join(" ".join(table.hidden).split()))
    hidden = [f"% not shown, COLUMNS= chooses: {names}"] if names else []
    lines = [
        *hidden, rf"\begin{{{kind}}}", r"\centering",
        rf"\caption{{{latex_text(table.caption)}}}",
        rf"\label{{tab:{re.sub('[^A-Za-z0-9_.:-]', '-', table.name)}}}",
        r"\begin{threeparttable}", r"\footnotesize", SETUP, r"\setlength{\tabcolsep}{4pt}",
        rf"\begin{{{environment}}}{{\linewidth}}{{@{{}}{filled}{''.join(columns)}@{{}}}}",
        r"\toprule", *_heads(table), r"\midrule", *_body(table), r"\bottomrule",
        rf"\end{{{environment}}}", *_notes(table.notes), r"\end{threeparttable}",
        rf"\end{{{kind}}}",
    ]  # fmt: skip
    return "\n".join(lines)


def _column(table: Table, head: Head, *, wraps: bool) -> str:
    """The column's letter, with what siunitx is to leave room for."""
    texts = list(filter(None, table.column(head.name)))
    if not head.number:
        narrow = natural_width(table, head) <= LEAST_TEXT
        narrow = narrow and len(table.heads) > 1
        return "l" if narrow or not wraps else r">{\raggedright\arraybackslash}X"
    numbers = list(filter(None, map(NUMBER.fullmatch, texts)))
    if not numbers:
        return "r"
    marks, signs, wholes, parts, spreads, _ = zip(*map(Match.groups, numbers), strict=True)
    before = r"{$\approx$}" if any(marks) else ""
    whole = max(len(digits.replace(",", "")) for digits in wholes)
    digits = max(len(max(parts, key=len)) - 1, 0)
    after = _after(max(spreads, key=len))
    return f"S[table-format={before}{max(signs)}{whole}.{digits}{after}]"


def _heads(table: Table) -> list[str]:
    """Heads, with groups above them where a group has several columns."""
    lower: list[str] = []
    spans, rules, start = [], [], 1
    for group, members in groupby(table.heads, key=attrgetter("group")):
        heads = list(members)
        grouped = bool(group) and len(heads) > 1
        if grouped:
            spans.append(rf"\multicolumn{{{len(heads)}}}{{c}}{{{latex_text(group)}}}")
            # (lr) trims the ends, so that rules of two groups side by side do not run together
            rules.append(rf"\cmidrule(lr){{{start}-{start + len(heads) - 1}}}")
        else:
            spans.extend([""] * len(heads))
        # alone, what is below a group has to say all
        alone = bool(group) and not grouped
        shown = [replace(head, short="") for head in heads] if alone else heads
        lower += map(partial(_head, table), shown)
        start += len(heads)
    upper = [" & ".join(spans) + r" \\", " ".join(rules)] if rules else []
    return [*upper, " & ".join(lower) + r" \\"]


def _head(table: Table, head: Head) -> str:
    lines = list(map(latex_text, head_lines(head, table.column(head.name))))
    text = lines[0]
    if len(lines) > 1:
        side = "c" if head.number else "l"
        stack = r"\\".join(lines)
        text = rf"\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}{stack}\end{{tabular}}"
    return f"{{{text}}}" if head.number else text


def _body(table: Table) -> Iterator[str]:
    for place, row in enumerate(table.rows):
        if place in table.rules:
            yield r"\midrule"
        cells = []
        for head, cell in zip(table.heads, row, strict=True):
            cells.append(_number(cell) if head.number else _words(cell))
        yield " & ".join(cells) + r" \\"


def _words(cell: Cell) -> str:
    text = latex_text(shortened(cell.text, LONGEST_CELL))
    return rf"\textbf{{{text}}}" if cell.bold and text else text


def _number(cell: Cell) -> str:
    number = NUMBER.fullmatch(cell.text)
    if number is None:
        # braces keep siunitx from reading it
        return f"{{{_words(cell)}}}" if cell.text else ""
    before = r"{$\approx$}" if number[1] else ""
    digits = number[3].replace(",", "")
    bold = r"\bfseries " if cell.bold else ""
    return f"{bold}{before}{number[2]}{digits}{number[4]}{_after(number[5])}"


def _after(spread: str) -> str:
    """What follows a mean, as siunitx takes it."""
    return rf"{{\,$\pm$\,{spread.removeprefix(' ± ')}}}" if spread else ""


def _notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    lines = [rf"\item {latex_text(f'{note}.')}" for note in notes]
    return [r"\begin{tablenotes}[flushleft]\footnotesize\raggedright", *lines, r"\end{tablenotes}"]
