"""One knob, all else fixed: configurations that differ in nothing but its value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import pandas as pd

from framework.errors import UnknownName
from framework.report.frame import (
    StudyRuns,
    object_frame,
    parameter,
    parameters,
    picked,
    result_metrics,
    varying_parameters,
)
from framework.report.pareto import axes_of
from framework.report.resolved import short_names
from framework.report.tables.columns import Column, table_of
from framework.report.tables.front import (
    SETTING,
    measured,
    setting_text,
    subject,
    value_text,
)
from framework.report.tables.layout import column
from framework.report.tables.table import Table
from framework.results.quantities import quantity
from framework.results.record import Run
from framework.results.replicates import SD


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """One knob.

    Args:
        knob: its path, as `compress.0.epochs`.
        word: how it is written.
        groups: runs that differ in its value alone, by value.
        labels: of the groups: what their runs have besides the knob.
    """

    knob: str
    word: str
    groups: Sequence[Sequence[Run]]
    labels: Sequence[str]


def ablations(runs: StudyRuns) -> list[Ablation]:
    """Of the knob that was asked for, or of each that varies alone somewhere.

    Raises:
        UnknownName: no knob of that name varies.
    """
    words = short_names(varying_parameters(runs))
    over = runs.choices.over
    if over and over not in {*words, *words.values()}:
        raise UnknownName("knob that varies", over, words)
    every = []
    for name, word in words.items():
        groups = _groups(runs, name) if over in ("", name, word) else []
        labels = [fixed_text(runs, name, group[0]) for group in groups]
        if groups:
            every.append(Ablation(knob=name, word=word, groups=groups, labels=labels))
    return every


def _groups(runs: StudyRuns, knob: str) -> list[list[Run]]:
    """Finished trials by all else, where the knob has several values."""
    groups: dict[str, dict[Any, Run]] = {}
    for run in runs.finished:
        if knob in run.params:
            others = dict(run.params)
            del others[knob]
            group = groups.setdefault(json.dumps(others, sort_keys=True), {})
            group.setdefault(run.params[knob], run)
    several = [list(group.values()) for group in groups.values() if len(group) > 1]
    for ordered in several:
        ordered.sort(key=lambda run: _sortable(parameter(run, knob)))
    return sorted(several, key=lambda ordered: ordered[0].number)


def _sortable(value: Any) -> tuple[bool, float, str]:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return not number, float(value) if number else 0.0, str(value)


def ablation_frame(runs: StudyRuns, every: Sequence[Ablation]) -> pd.DataFrame:
    """A row for each value of each knob, exact.

    Returns:
        (values, columns), dtype object; gaps are None.
    """
    rows: list[Mapping[str, Any]] = []
    for one in every:
        for number, group in enumerate(one.groups):
            for run in group:
                head = {"knob": one.knob, "group": number, "value": parameter(run, one.knob)}
                rows.append(head | {"trial": run.number} | _measured(runs, run))
    first = ["knob", "group", "value", "trial"]
    names = dict.fromkeys([*first, *chain.from_iterable(rows)])
    return object_frame(rows, list(names))


def _measured(runs: StudyRuns, run: Run) -> dict[str, Any]:
    """What an ablation shows of a run."""
    axes = axes_of(runs)
    names = [runs.quality, f"{runs.quality}{SD}", axes.quality, runs.drop, axes.size]
    return picked(result_metrics(runs, run, shown=names), dict.fromkeys(names))


def fixed_text(runs: StudyRuns, knob: str, run: Run) -> str:
    """What a run has besides the knob: `magnitude_prune, epochs=4`."""
    others = short_names(varying_parameters(runs))
    del others[knob]
    return setting_text(parameters(runs, run, others), others) or "all else"


def ablation_table(runs: StudyRuns, one: Ablation) -> Table:
    """The values of a knob below one another, a rule between settings of all else."""
    rows: list[dict[str, Any]] = []
    rules = []
    for group, label in zip(one.groups, one.labels, strict=True):
        rules.append(len(rows))
        for run in group:
            row = {
                "setting": label,
                "value": value_text(parameter(run, one.knob)),
            }
            rows.append(row | _measured(runs, run))
    names = list(dict.fromkeys(chain.from_iterable(rows)))
    columns = [
        replace(SETTING, head="fixed", short="Fixed"),
        Column(name="value", head=one.word),
        *(column(quantity(name, runs.catalog)) for name in names[2:] if not name.endswith(SD)),
    ]
    frame = object_frame(rows, names)
    table = table_of(
        frame,
        columns,
        name=f"{runs.name}-ablation-{one.word}",
        caption=f"{one.word} of {subject(runs)}, all else fixed: {measured(runs)}.",
    )
    return replace(table, rules=rules[1:])
