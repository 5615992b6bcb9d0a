"""Texts as nets read them: words, a vocabulary from the training split alone, numbers of one length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from framework.contracts import Array

PADDING, UNKNOWN = 0, 1
SPECIAL = ("<pad>", "<unknown>")
"""Tokens 0 and 1 of every vocabulary."""
WORD = re.compile(r"\w+|'\w+|[^\w\s]")


def words(text: str) -> list[str]:
    """Lower-case words and single marks of punctuation: "It's 5!" is it, 's, 5 and !."""
    return WORD.findall(text.lower())


def vocabulary(texts: Iterable[str], size: int) -> tuple[str, ...]:
    """What each token number stands for: padding, unknown, then the most frequent words.

    Args:
        texts: of the training split and no other.
        size: how many tokens at most, the first two included.

    Returns:
        At most `size` different words; those of one frequency are in alphabetical order.
    """
    counts = Counter(word for text in texts for word in words(text))
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
    numbers = {word: number for number, word in enumerate(vocabulary) if number >= len(SPECIAL)}
    rows = np.full((len(texts), length), PADDING, np.int32)
    for row, text in zip(rows, texts, strict=True):
        tokens = [numbers.get(word, UNKNOWN) for word in words(text)[:length]]
        row[: len(tokens)] = tokens
    return rows
