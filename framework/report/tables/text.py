"""Text from outside (names, tags, notes) as Markdown, LaTeX and CSV show it, escaped for each."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from framework.system.text import visible

LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''",
})  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\n")  # a spreadsheet would run a cell that begins so


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    # `&` first, or it would escape the one of `&lt;`
    text = visible(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\`*\[\]|])", r"\\\1", text)
    # Markdown shows an underscore within a word as it is
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def latex_text(text: str) -> str:
    """Text that LaTeX shows as it is, on one line."""
    return visible(" ".join(text.split())).translate(LATEX)


def csv_cell(value: Any) -> str:
    """One cell: `repr` of a number, nothing for a gap.

    Text that begins like a formula gets an apostrophe before it.
    """
    if missing(value):
        return ""
    if isinstance(value, float):
        return repr(float(value))
    # a bare \r is not quoted and would end the row
    text = visible(str(value).replace("\r\n", "\n").replace("\r", "\n"))
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def missing(value: Any) -> bool:
    """Whether this is a gap."""
    return value is None or (isinstance(value, float) and math.isnan(value))
