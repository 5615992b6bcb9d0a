"""Texts as nets read them.

Words, a vocabulary from the training split alone, numbers of one length.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from framework.contracts import Array

PADDING, UNKNOWN = 0, 1
SPECIAL = ("<pad>", "<unknown>")
"""Tokens 0 and 1 of every vocabulary."""
WORD = re.compile(r"\w+|'\w+|[^\w\s]")
ALONE = re.compile(  # letters of scripts that put no blanks between words
    # Thai, Lao
    "[\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"
    "\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3"  # Burmese, Khmer
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    # kana, bopomofo, Chinese characters
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]"
)
JOINERS = "\u200c\u200d"  # between letters of one word


def words(text: str) -> list[str]:
    """Lower-case words and single marks of punctuation: "It's 5!" is it, 's, 5 and !.

    In scripts without blanks between words, as Chinese, Japanese and Thai, each letter is one;
    accents and vowel signs stay with the letter that they are written to.
    """
    text = text.lower()
    return WORD.findall(text) if text.isascii() else _letter_by_letter(text)


def first_words(text: str, length: int) -> str:
    """The first `length` words of a text, with a blank between two."""
    return " ".join(words(text)[:length])


def _letter_by_letter(text: str) -> list[str]:
    tokens: list[str] = []
    inside = False  # a word that the next letter belongs to
    for before, letter, behind in zip(" " + text, text, text[1:] + " ", strict=False):
        is_mark = unicodedata.category(letter).startswith("M") or letter in JOINERS
        if is_mark and not before.isspace():
            tokens[-1] += letter
        elif letter.isspace():
            inside = False
        elif ALONE.match(letter) or not (letter.isalnum() or letter == "_"):
            tokens.append(letter)
            inside = (
                letter == "'" and (behind.isalnum() or behind == "_") and not ALONE.match(behind)
            )
        elif inside:
            tokens[-1] += letter
        else:
            tokens.append(letter)
            inside = True
    return tokens


def vocabulary(texts: Iterable[str], size: int) -> tuple[str, ...]:
    """The token of each number: padding, unknown, then the most frequent words.

    Args:
        texts: of the training split and no other.
        size: how many tokens at most, the first two included.

    Returns:
        At most `size` different words; those of one frequency are in alphabetical order.
    """
    counts = Counter(chain.from_iterable(map(words, texts)))
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return (*SPECIAL, *ordered[: max(size - len(SPECIAL), 0)])


def encode(texts: Sequence[str], vocabulary: Sequence[str], length: int) -> Array:
    """Token numbers of the first `length` words of each text.

    Args:
        texts: n texts.
        vocabulary: as from `vocabulary`.
        length: tokens of every row.

    Returns:
        (n, length) int32; 0 behind a short text, 1 for a word that is not in the vocabulary.
    """
    ordinary = vocabulary[len(SPECIAL) :]
    numbers = dict(zip(ordinary, count(len(SPECIAL)), strict=False))
    rows = np.full((len(texts), length), PADDING, np.int32)
    for row, text in zip(rows, texts, strict=True):
        tokens = [numbers.get(word, UNKNOWN) for word in words(text)[:length]]
        row[: len(tokens)] = tokens
    return rows
