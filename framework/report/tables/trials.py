"""Every trial with what became of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import Any

import pandas as pd

from framework.report.facts.outcomes import ON_FRONT, outcomes
from framework.report.frame import (
    StudyRuns,
    in_order,
    object_frame,
    parameters,
    picked,
    result_metrics,
    seeds_of,
    varying_parameters,
)
from framework.report.pareto import axes_of
from framework.report.tables.columns import Column, table_of
from framework.report.tables.front import SETTING, measured, subject, with_settings
from framework.report.tables.layout import NAMES, column
from framework.report.tables.table import Table
from framework.results.quantities import quantity
from framework.results.replicates import SD, SEEDS

OUTCOME = Column(name="outcome", head="outcome", short="Outcome")
LABEL = Column(name="label", head="trial", short="Trial")


def outcome_frame(runs: StudyRuns) -> pd.DataFrame:
    """A row for each number of a trial: what was tried, what became of it, what was measured.

    Returns:
        (numbers, columns), dtype object; gaps are None.
    """
    varying, axes = varying_parameters(runs), axes_of(runs)
    shown = list(dict.fromkeys([runs.quality, axes.quality, runs.drop, axes.size]))
    by_number = dict(zip(map(attrgetter("number"), runs.trials), runs.trials, strict=True))
    rows = []
    for number, outcome in outcomes(runs).items():
        row: dict[str, Any] = {"number": number, "label": str(number), "outcome": outcome}
        run = by_number.get(number)
        if run is not None:
            metrics = result_metrics(runs, run, shown=shown)
            row |= {"strategy": runs.chain(run), **seeds_of(run)} | parameters(runs, run, varying)
            row |= picked(metrics, [*shown, f"{runs.quality}{SD}"])
        rows.append(row)
    present = set(chain.from_iterable(rows))
    wanted = ["number", "label", "strategy", *varying, "outcome", SEEDS]
    for name in shown:
        wanted += [name, f"{name}{SD}"]
    return object_frame(rows, in_order(dict.fromkeys(wanted), present))


def trials_table(runs: StudyRuns) -> Table:
    """The same for a reader; those on the front are bold."""
    frame = with_settings(runs, outcome_frame(runs))
    axes = axes_of(runs)
    columns = [LABEL, *NAMES[1:], SETTING, OUTCOME]
    names = dict.fromkeys([runs.quality, axes.quality, runs.drop, axes.size])
    columns += [column(quantity(name, runs.catalog)) for name in names]
    columns = [one for one in columns if one.name in frame.columns]
    table = table_of(
        frame,
        columns,
        name=f"{runs.name}-trials",
        caption=f"All trials of {subject(runs)}: {measured(runs)}.",
        compared=[outcome == ON_FRONT for outcome in frame["outcome"]],
    )
    # in the order of the trials, those on the front lie among the others
    return replace(table, rules=[])
