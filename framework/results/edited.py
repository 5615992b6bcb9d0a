"""Numbers of a run that were edited or deleted in the store since they were measured."""

from __future__ import annotations

import json
from collections.abc import Mapping

from framework.errors import SqueezelabError
from framework.results.record import Run, decimals


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
    clauses = []
    for name, value in sorted(measured.items()):
        if name not in run.metrics:
            clauses.append(f"{name} was measured {decimals(value)} and is deleted")
        elif run.metrics[name] != value:
            stored = decimals(run.metrics[name])
            clauses.append(f"{name} was measured {decimals(value)} and is {stored} now")
    return clauses
