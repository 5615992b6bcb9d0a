"""The picture of a front, and a Markdown table, as a notebook shows them."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from framework.errors import UnknownName

FIGURE_PIXELS = 488  # width on a page
FORMS = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class Figure:
    """The picture of a front: shown by a notebook, kept with `save`.

    Args:
        files: suffix (`.png`, `.pdf`, `.svg`) -> content.
    """

    files: dict[str, bytes]

    def save(self, path: str | Path) -> Path:
        """Write it to a file; the suffix says in which form.

        Raises:
            UnknownName: there is no such form.
        """
        path = Path(path)
        if path.suffix not in self.files:
            raise UnknownName("form of a figure", path.suffix, sorted(self.files))
        path.write_bytes(self.files[path.suffix])
        return path

    @classmethod
    def among(cls, paths: Iterable[Path]) -> Figure:
        """That of a report's files."""
        return cls({path.suffix: path.read_bytes() for path in paths if path.suffix in FORMS})

    def __repr__(self) -> str:
        return f"<figure: show it in a notebook, or .save() it as {', '.join(sorted(self.files))}>"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.files[".png"]).decode()
        return (
            f'<img alt="Pareto front" width="{FIGURE_PIXELS}" src="data:image/png;base64,{data}">'
        )


def html_table(markdown: str) -> str:
    """Markdown tables and the lines between them as HTML.

    The first column of a table is text, the others are numbers.
    """
    return "".join(map(_html_block, markdown.split("\n\n")))


def _html_block(block: str) -> str:
    if not block.startswith("|"):
        return f"<p>{html.escape(block)}</p>"
    head, _, *body = block.splitlines()
    rows = [_html_row("td", line) for line in body]
    return f"<table>{_html_row('th', head)}{''.join(rows)}</table>"


def _html_row(kind: str, line: str) -> str:
    """One row; a bar that is escaped belongs to its cell."""
    cells: list[str] = []
    for text in re.split(r"(?<!\\)\|", line.strip())[1:-1]:
        align = "right" if cells else "left"
        content = html.escape(text.strip().replace("\\|", "|"))
        cells.append(f'<{kind} style="text-align: {align}">{content}</{kind}>')
    return f"<tr>{''.join(cells)}</tr>"
