"""Runs of role `confirm`: which of them have looked at the test split, and at what they saw.

One that has measured a stored file, as confirm does without seeds, is a look from its beginning.
One that trained a net anew has an attempt, as a trial has, and is a look from the tag `look` on,
which is set before the split is opened.
"""

from __future__ import annotations

from collections.abc import Iterable

from framework.results.record import Run

ROLE = "confirm"
LOOK = "look"  # tag
OPENED = "true"
PREFIX = "test_"  # of metrics of the test split


def is_anew(run: Run) -> bool:
    """Whether it trained a net, under a seed of its own."""
    return "attempt" in run.tags


def has_looked(run: Run) -> bool:
    """Whether the test split was opened for it, with or without an answer."""
    return LOOK in run.tags or not is_anew(run)


def of_test(run: Run) -> dict[str, float]:
    """What it measured on the test split."""
    return {name: value for name, value in run.metrics.items() if name.startswith(PREFIX)}


def is_lost(run: Run) -> bool:
    """Whether its look came to no answer, as one that was killed: it is never looked at again."""
    return is_anew(run) and has_looked(run) and not of_test(run)


def confirmed(runs: Iterable[Run]) -> list[Run]:
    """Those that trained a net and have measured it on the test split."""
    return [run for run in runs if is_anew(run) and run.status == "FINISHED" and of_test(run)]
