"""Numbers of a run that were edited or deleted in the store since they were measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from framework.errors import SqueezelabError, UnknownName
from framework.results.record import METRICS_JSON, Run, decimals


class Artifacts(Protocol):
    """What is asked of the store."""

    def artifact(self, run_id: str, name: str, /) -> bytes:
        """The content of one artifact."""


def read_metrics(content: bytes) -> dict[str, float]:
    """What a run measured, as it wrote it beside its other files.

    Raises:
        SqueezelabError: the content is no such file.
    """
    try:
        return {str(name): float(value) for name, value in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise SqueezelabError(
            "The file of a run's numbers is damaged.",
            given=str(error),
            todo="Restore it from a backup, or run the study again with FRESH=1.",
        ) from error


def differences(run: Run, measured: Mapping[str, float]) -> list[str]:
    """Where the store says otherwise, a clause each.

    Metrics that the store has besides are somebody's own and count for nothing.
    """
    # as it is with nearly all runs
    if measured.items() <= run.metrics.items():
        return []
    clauses = []
    for name, value in sorted(measured.items()):
        if name not in run.metrics:
            clauses.append(f"{name} was measured {decimals(value)} and is deleted")
        elif run.metrics[name] != value:
            stored = decimals(run.metrics[name])
            clauses.append(f"{name} was measured {decimals(value)} and is {stored} now")
    return clauses


def as_measured(
    store: Artifacts, runs: Iterable[Run], edited: dict[str, Sequence[str]]
) -> list[Run]:
    """The runs with what was deleted in the store since they were measured.

    What was edited stays as the store has it. Runs stored before they wrote their numbers down
    are taken as they are.

    Args:
        edited: gets, by run id, where the store says otherwise; only runs with a difference.
    """
    whole = []
    for run in runs:
        measured, clauses = _measured(store, run)
        if clauses:
            edited[run.run_id] = clauses
        whole.append(replace(run, metrics={**measured, **run.metrics}) if clauses else run)
    return whole


def _measured(store: Artifacts, run: Run) -> tuple[dict[str, float], list[str]]:
    """What a run wrote down, and where the store says otherwise."""
    try:
        measured = read_metrics(store.artifact(run.run_id, METRICS_JSON))
    except UnknownName:  # of old, or failed: nothing was written down
        return {}, []
    except SqueezelabError as error:
        return {}, [error.what.rstrip(".")]
    return measured, differences(run, measured)
