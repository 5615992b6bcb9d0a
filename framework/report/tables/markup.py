"""A table as Markdown and as HTML; whatever comes from outside is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

from framework.report.tables.table import Cell, Table
from framework.report.tables.text import markdown_text
from framework.system.text import visible


def table_markdown(table: Table) -> str:
    """A table of pipes; ends without a line break."""
    ruler = [(":---", "---:")[head.number] for head in table.heads]
    lines = [_pipes(markdown_text(head.text) for head in table.heads), _pipes(ruler)]
    lines += [_pipes(map(_starred, row)) for row in table.rows]
    return "\n".join(lines)


def table_html(table: Table) -> str:
    """A fragment: one table element."""
    lines = ["<table>", f"<caption>{html_text(table.caption)}</caption>", "<thead><tr>"]
    lines += [f"<th>{html_text(head.text)}</th>" for head in table.heads]
    lines += ["</tr></thead>", "<tbody>"]
    for row in table.rows:
        cells = []
        for head, cell in zip(table.heads, row, strict=True):
            side = ' style="text-align: right"' if head.number else ""
            text = html_text(cell.text)
            cells.append(f"<td{side}>{f'<b>{text}</b>' if cell.bold else text}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>", ""])


def html_text(text: str) -> str:
    """Text that HTML shows as it is, on one line."""
    return html.escape(visible(" ".join(text.split())))


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _starred(cell: Cell) -> str:
    text = markdown_text(cell.text)
    return f"**{text}**" if cell.bold and text else text
