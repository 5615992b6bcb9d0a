"""Trials without a result, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.report.frame import StudyRuns


GAPS = {
    "unfinished": "unfinished: it runs, or was killed and waits to be run again",
    "incomplete": "incomplete: FINISHED without its manifest, so it does not count",
    "deleted": "deleted: the store has no run of this number",
}


def gap_sentences(runs: StudyRuns) -> list[str]:
    """A sentence for each kind of gap, without full stops: which trials have no result."""
    sentences = []
    for why, numbers in runs.gaps.items():
        which = f"trial {numbers[0]}" if len(numbers) == 1 else f"trials {_ranges(numbers)}"
        sentences.append(f"{which} {'is' if len(numbers) == 1 else 'are'} {GAPS[why]}")
    return sentences


def _ranges(numbers: Sequence[int]) -> str:
    """`3, 5 to 8`."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(map(_range, groups))


def _range(numbers: Sequence[int]) -> str:
    return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
