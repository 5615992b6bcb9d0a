"""Parts of a page in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from framework.contracts import Plugin


def page(parts: Iterable[str]) -> str:
    """The text of a page; parts that are empty are left out."""
    return "\n\n".join(filter(None, parts)) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    return "\n".join(_lines(heads, rows))


def _lines(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(map(_escaped, row))} |"


def _escaped(cell: str) -> str:
    """The text of a cell; a bar as it is would begin another cell."""
    return cell.replace("|", "\\|")


def code(text: object) -> str:
    """Set as code."""
    return f"`{text}`"


def link(name: str) -> str:
    """To the section of this name on the same page."""
    return f"[{name}](#{name})"


def paragraphs(cls: type[Plugin]) -> list[str]:
    """The paragraphs of a plug-in's docstring, each on one line."""
    blocks = re.split(r"\n\s*\n", (cls.__doc__ or "").strip())
    return [" ".join(block.split()) for block in blocks]


def knobs_table(cls: type[Plugin]) -> str:
    """A plug-in's knobs with their ranges; empty if it has none."""
    rows = []
    for name, knob in cls.knobs().items():
        cells = (code(name), code(repr(knob.default)), knob.unit, knob.range_text(), knob.doc)
        rows.append(cells)
    return table(["knob", "default", "unit", "range", "what"], rows) if rows else ""
