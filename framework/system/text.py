"""Text from outside as it is shown: names, tags and messages may hold what a terminal obeys."""

from __future__ import annotations

import unicodedata

# controls, marks of direction and other signs that show nothing, halves of a sign, ends of lines
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# of lines and columns; and the two that join or part letters, which some scripts are written with
PLAIN = frozenset("\n\t\u200c\u200d")


def visible(text: str) -> str:
    """The text with every sign that shows nothing, or steers what follows, as its number.

    An escape, which may colour or erase a terminal, becomes a backslash and `x1b`, a mark that
    turns the direction of reading one and `u202e`. Ends of lines and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(sign: str) -> str:
    if sign in PLAIN or unicodedata.category(sign) not in HIDDEN:
        return sign
    code = ord(sign)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
