"""A table whose cells are text, some of them bold: as Markdown, LaTeX and HTML.

Whatever comes from outside is escaped for each.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

from framework.report.tables.text import latex_text, markdown_text
from framework.system.text import visible


@dataclass(frozen=True)
class Cell:
    """Plain text, bold or not."""

    text: str
    bold: bool = False


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table.

    Args:
        heads: (columns,).
        rows: (rows, columns).
        words: the heads of columns of text, aligned left; all others are numbers.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    words: Collection[str] = ("method", "flags")

    def without_empty(self) -> Grid:
        """Without the columns in which no row has anything."""
        columns = zip(*self.rows, strict=True)
        empty = []
        for head, cells in zip(self.heads, columns, strict=True):
            if not any(cell.text for cell in cells):
                empty.append(head)
        return self.without(empty)

    def without(self, heads: Collection[str]) -> Grid:
        """Without these columns, where they are there."""
        kept = [head not in heads for head in self.heads]
        rows = [list(compress(row, kept)) for row in self.rows]
        return replace(self, heads=list(compress(self.heads, kept)), rows=rows)


def grid_markdown(grid: Grid) -> str:
    """A table of pipes; ends without a line break."""
    ruler = [(":---", "---:")[head not in grid.words] for head in grid.heads]
    lines = [_pipes(map(markdown_text, grid.heads)), _pipes(ruler)]
    lines += [_pipes(map(_starred, row)) for row in grid.rows]
    return "\n".join(lines)


def grid_latex(grid: Grid, *, caption: str, label: str) -> str:
    """A booktabs table over both columns of a page; caption and label are plain text."""
    aligned = "".join("lr"[head not in grid.words] for head in grid.heads)
    rows = [" & ".join(map(_latex_cell, row)) + r" \\" for row in grid.rows]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table*}", r"\centering", r"\small", r"\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{_latex_signs(caption)}}}",
        rf"\label{{tab:{re.sub('[^A-Za-z0-9_.:-]', '-', label)}}}",
        rf"\begin{{tabular}}{{@{{}}{aligned}@{{}}}}",
        r"\toprule", " & ".join(map(latex_text, grid.heads)) + r" \\", r"\midrule", *rows,
        r"\bottomrule",
        r"\end{tabular}", r"\end{table*}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def grid_html(grid: Grid, *, caption: str) -> str:
    """A fragment: one table element; caption is plain text."""
    lines = ["<table>", f"<caption>{_html_text(caption)}</caption>", "<thead><tr>"]
    lines += [f"<th>{_html_text(head)}</th>" for head in grid.heads]
    lines += ["</tr></thead>", "<tbody>"]
    for row in grid.rows:
        cells = []
        for head, cell in zip(grid.heads, row, strict=True):
            side = "" if head in grid.words else ' style="text-align: right"'
            text = _html_text(cell.text)
            cells.append(f"<td{side}>{f'<b>{text}</b>' if cell.bold else text}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>", ""])


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _starred(cell: Cell) -> str:
    text = markdown_text(cell.text)
    return f"**{text}**" if cell.bold and text else text


def _latex_cell(cell: Cell) -> str:
    # true signs, as in the tables of one study
    text = re.sub(r"(?<=\d)x$", r"$\\times$", re.sub("^-", "$-$", _latex_signs(cell.text)))
    return rf"\textbf{{{text}}}" if cell.bold and text else text


def _latex_signs(text: str) -> str:
    """Signs that not every font of LaTeX has."""
    return latex_text(text).replace("±", r"$\pm$").replace("≈", r"$\approx$")


def _html_text(text: str) -> str:
    return html.escape(visible(" ".join(text.split())))
