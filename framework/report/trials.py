"""Every trial as a row: what its spec determines, and apart from it what depends on the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from framework.report.frame import (
    StudyRuns,
    in_order,
    metric_names,
    object_frame,
    parameters,
    result_metrics,
    seeds_of,
    varying_parameters,
)
from framework.results.record import BASELINE_PREFIX, MACHINE
from framework.results.replicates import SEEDS


def trials_frame(runs: StudyRuns) -> pd.DataFrame:
    """A row a trial: number, status, reason, parameters that vary, metrics the spec determines.

    Times, latencies, hosts and run ids depend on the machine and are not in it, unless they are an
    objective.

    Returns:
        (trials, columns), dtype object: numbers are Python numbers, what a trial lacks is None.
    """
    varying = varying_parameters(runs)
    rows: list[dict[str, Any]] = []
    metrics: set[str] = set()
    for run in runs.trials:
        measured = result_metrics(runs, run, shown=runs.objectives)
        metrics |= measured.keys()
        reason = run.tags.get("reason") or None
        head = {"number": run.number, "status": run.status, "reason": reason}
        rows.append(head | seeds_of(run) | parameters(runs, run, varying) | measured)
    averages = [SEEDS] if any(map(seeds_of, runs.trials)) else []
    head_names = ["number", "status", "reason", *averages]
    columns = [*head_names, *varying, *sorted(metrics, key=_baseline_last)]
    return object_frame(rows, columns)


def timing_frame(runs: StudyRuns) -> pd.DataFrame:
    """One row per baseline, control and trial with what depends on the machine.

    Seconds and latencies.

    Returns:
        (runs, columns), dtype object.
    """
    kinds = [("baseline", runs.baselines), ("control", runs.controls), ("trial", runs.trials)]
    rows: list[Mapping[str, Any]] = []
    for kind, group in kinds:
        for run in group:
            number = run.number if kind == "trial" else None
            rows.append({**run.metrics, "row": kind, "trial": number})
    measured = metric_names([*runs.baselines, *runs.controls, *runs.trials])
    return object_frame(rows, ["row", "trial", *in_order(MACHINE, measured)])


def _baseline_last(name: str) -> tuple[bool, str]:
    return name.startswith(BASELINE_PREFIX), name
