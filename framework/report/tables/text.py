"""Text from outside (names, tags, notes) as Markdown, LaTeX and CSV show it, escaped for each."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from framework.system.text import visible

LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "`": r"\textasciigrave{}", "±": r"$\pm$", "≈": r"$\approx$", "\u00d7": r"$\times$",
    "µ": r"$\mu$", "μ": r"$\mu$", "≤": r"$\leq$", "≥": r"$\geq$", "·": r"$\cdot$",
    "°": r"$^\circ$", "→": r"$\to$", "…": "...", "ß": r"\ss{}", "ø": r"\o{}", "æ": r"\ae{}",
    "\u2019": "'", "\u2013": "--", "\u2014": "---",
})  # fmt: skip
# combining sign -> the accent that fonts of TeX can make
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r",
    "\u030c": "v", "\u0327": "c",
}  # fmt: skip
LONG_WORD = 16  # signs, after which a word without marks may be broken anywhere
PLAIN = re.compile("[A-Za-z0-9.,]*")  # which no format takes for more than it is
FORMULA = ("=", "+", "-", "@", "\t", "\n")  # a spreadsheet would run a cell that begins so


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    # most cells are numbers
    if PLAIN.fullmatch(text):
        return text
    # `&` first, or it would escape the one of `&lt;`
    text = visible(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\`*\[\]|])", r"\\\1", text)
    # Markdown shows an underscore within a word as it is
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def latex_text(text: str) -> str:
    """Text that LaTeX shows as it is, on one line; long words may be broken.

    A sign that the fonts of TeX have not is shown as its number: `[U+4E2D]`.
    """
    return " ".join(_latex_word(word) for word in visible(" ".join(text.split())).split(" "))


def _latex_word(word: str) -> str:
    pieces: list[str] = []
    # behind marks first: names of plug-ins are read in their parts; a setting stays whole
    marks = "_+/=," if len(word) > LONG_WORD else "_+/"
    for part in re.findall(rf"[^{marks}]*[{marks}]|[^{marks}]+", word):
        step = len(part) if len(part) <= LONG_WORD else LONG_WORD // 2
        pieces += [part[start : start + step] for start in range(0, len(part), step)]
    return r"\hspace{0pt}".join(map(latex_signs, pieces))


def latex_signs(text: str) -> str:
    """The same without places where a word may be broken."""
    # two hyphens would become a dash
    return "".join(map(_latex_sign, text)).replace("--", "-{}-")


def _latex_sign(sign: str) -> str:
    if sign.isascii() or ord(sign) in LATEX:
        return sign.translate(LATEX)
    letter, *marks = list(unicodedata.normalize("NFD", sign))
    if len(marks) == 1 and letter.isascii() and marks[0] in ACCENTS:
        return rf"\{ACCENTS[marks[0]]}{{{letter}}}"
    return f"[U+{ord(sign):04X}]"


def shortened(text: str, most: int) -> str:
    """The text, or its beginning."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def csv_cell(value: Any) -> str:
    """One cell: `repr` of a number, nothing for a gap.

    Text that begins like a formula gets an apostrophe before it.
    """
    # most cells, so they come first
    if type(value) is float:
        return "" if math.isnan(value) else repr(value)
    if missing(value):
        return ""
    if isinstance(value, float):
        return repr(float(value))
    text = _csv_text(str(value))
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def csv_cells(values: Sequence[Any]) -> list[str]:
    """A column of them."""
    # whole columns of numbers, as most are, need no look at each
    if set(map(type, values)) == {float} and not any(map(math.isnan, values)):
        return list(map(repr, values))
    return list(map(csv_cell, values))


# of text alone: 1 and true would be the same key, and a list is none
@lru_cache(maxsize=4096)
def _csv_text(text: str) -> str:
    # a bare \r is not quoted and would end the row
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def missing(value: Any) -> bool:
    """Whether this is a gap."""
    return value is None or (isinstance(value, float) and math.isnan(value))
