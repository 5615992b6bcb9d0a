"""How wide a text will be on paper, before TeX has seen it.

An upper bound: Computer Modern's letters, which are wider than those of Times.
"""

from __future__ import annotations

from collections.abc import Iterable

POINTS = 8.0  # of the type of a table
GAP = 8.0  # points between two columns
LINES = {"column": 252.0, "page": 345.0}  # points: IEEEtran's column, the page of an article
_NARROW = dict.fromkeys("ijlftrI.,:;'|!()[] ", 0.4)
_WIDE = dict.fromkeys("mwMWÆŒ@%", 1.05)
_CAPITALS = dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ±≈+=<>~&", 0.8)
EMS = _CAPITALS | _WIDE | _NARROW | dict.fromkeys("0123456789-", 0.52)
OTHER = 0.58  # of all other letters
BOLD = 1.16  # times as wide


def width(text: str, *, bold: bool = False) -> float:
    """Points that a text takes on one line."""
    ems = sum(map(_ems, text))
    return POINTS * ems * (BOLD if bold else 1.0)


def _ems(sign: str) -> float:
    # what the fonts have not is written as its number: `[U+4E2D]`
    return EMS.get(sign, OTHER if sign.isascii() else 4.5)


def widest(texts: Iterable[str]) -> float:
    """Points of the widest one; 0 without any."""
    return max(map(width, texts), default=0.0)


def wrapped(text: str, signs: int) -> list[str]:
    """Lines of at most so many signs; a longer word is broken."""
    lines = [""]
    for word in text.split():
        pieces = [word[start : start + signs] for start in range(0, len(word), signs)]
        for piece in pieces:
            joined = f"{lines[-1]} {piece}".strip()
            if len(joined) <= signs:
                lines[-1] = joined
            else:
                lines.append(piece)
    return list(filter(None, lines))
