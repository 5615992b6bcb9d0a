"""What a file or folder of the user's own was understood to hold, as rows of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from framework.contracts import Array

MOST_LISTED = 24  # columns, or classes
MOST_LETTERS = 160  # of a sample


@dataclass(frozen=True)
class Contents:
    """What was read, before anything is made of it.

    Args:
        parts: what each column, array or folder is taken for.
        labels: (n,) class numbers, or the numbers of a regression.
        classes: their names by number; empty for a regression.
        samples: sample number -> what it is; a few, all over the file.
        left_out: what is there and not read.
        given: split that came told apart -> how many samples it has.
    """

    parts: Mapping[str, str]
    labels: Array
    classes: Sequence[str]
    samples: Mapping[int, str]
    left_out: Sequence[str] = ()
    given: Mapping[str, int] = field(default_factory=dict)


def rows(contents: Contents, sizes: Mapping[str, int]) -> dict[str, str]:
    """Name -> text of each row.

    Args:
        sizes: split -> how many samples it gets.
    """
    lines = _shortened(contents.parts)
    lines["left out"] = "; ".join(contents.left_out) or "nothing"
    if contents.classes:
        counts = np.bincount(contents.labels, minlength=len(contents.classes))
        named = dict(zip(contents.classes, map(str, counts.tolist()), strict=True))
        lines["classes"] = ", ".join(f"{name} {count}" for name, count in _shortened(named).items())
    else:
        lines["labels"] = span(contents.labels)
    lines["splits"] = ", ".join(f"{count} {split}" for split, count in sizes.items())
    for number, text in contents.samples.items():
        lines[f"sample {number}"] = (
            text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}..."
        )
    # a cell may hold an end of a line, and each row is one
    return {_in_one_line(name): _in_one_line(text) for name, text in lines.items()}


def _in_one_line(text: str) -> str:
    return "\\n".join(text.splitlines())


def spread_out(count: int) -> list[int]:
    """The numbers of three samples all over a file of `count`."""
    return sorted({0, count // 2, count - 1})


def span(numbers: Array) -> str:
    """From where to where numbers go, those that are missing left out."""
    there = numbers[np.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers
    return f"{there.min():.6g} to {there.max():.6g}" if there.size else "none"


def _shortened(lines: Mapping[str, str]) -> dict[str, str]:
    """The first of many, and how many are not listed."""
    listed = dict(list(lines.items())[:MOST_LISTED])
    if len(lines) > MOST_LISTED:
        listed["and"] = f"{len(lines) - MOST_LISTED} more"
    return listed
