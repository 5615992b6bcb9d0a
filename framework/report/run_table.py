"""Every run of some studies as one table with dtypes, for an analysis of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from framework.errors import UnknownName
from framework.report.collected import collect
from framework.report.frame import ARCHITECTURE, StudyRuns, metric_names, parameter
from framework.report.pareto import front, pareto_frame
from framework.report.selection import RunStore
from framework.results.record import BASELINE_PREFIX, SPEC_JSON, Run
from framework.study.spec import spec_from_json

COLUMNS = {
    "study": "name of the study",
    "role": "`baseline`, `control`, `trial`, or `replicate`: a trial under a further seed",
    "trial": "number of the trial, empty for a baseline or a control",
    "seed": "of everything that is drawn in the run",
    "status": "`FINISHED`, or `FAILED` with a reason",
    "reason": "one word, empty where it finished",
    "front": "whether it is on its study's front; of several seeds the mean is",
    "net": "the architecture, by its label where the study gives it one",
    "method": "the steps of compression joined by `+`, `none` for the dense net",
    "configuration": "sha256 of all that was set but the seed: equal in replicates, over studies",
    "run_id": "of MLflow",
    "study_digest": "sha256 of the resolved study",
    "generation": "0, and 1 more for each time that the study was begun anew",
    "started": "when the run began, UTC",
}
"""What comes first; then parameters by their place in the chain (`compress.0.sparsity`), where
runs differ in them, then metrics, at the end those of the own baseline (`baseline.macs_dense`)."""


def run_table(store: RunStore, studies: Sequence[StudyRuns]) -> pd.DataFrame:
    """One row a run: baselines, controls, trials and their replicates, failed ones among them.

    Args:
        studies: of different names or digests, each with its means over seeds.

    Returns:
        (runs, columns): text is `string`, counts are `Int64`, other numbers `float64`, `front` is
        `boolean`, `started` a time in UTC. What a run lacks is missing.
    """
    every: list[tuple[StudyRuns, set[int], Run]] = []
    for study in studies:
        # of several seeds a front is of means, while each seed has a row of its own
        best = {run.number for run in front(study)}
        every += [(study, best, run) for run in _of_each_seed(store, study)]
    names = _parameters(run for _, _, run in every)
    rows = []
    for study, best, run in every:
        values = {name: parameter(run, name) for name in names}
        rows.append({**_head(store, study, run, best), **values, **run.metrics})
    # what is not known of any run has no column, and no two tables differ by the order of the runs
    metrics = sorted(metric_names(run for _, _, run in every), key=_baseline_last)
    counted = set().union(*(study.counts for study in studies))
    return typed(pd.DataFrame(rows, columns=[*COLUMNS, *names, *metrics], dtype=object), counted)


def front_table(study: StudyRuns) -> pd.DataFrame:
    """The trials that no other beats, largest first; of several seeds the means.

    Returns:
        (trials, columns), dtypes as of `run_table`.
    """
    table = pareto_frame(study)
    rows = table[table["row"] == "front"].drop(columns=["row", "label"]).reset_index(drop=True)
    ids = {run.number: run.run_id for run in study.trials}
    rows.insert(0, "study", study.name)
    rows.insert(2, "run_id", [ids[number] for number in rows["trial"]])
    return typed(rows, study.counts)


def stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables one below the other; what one of them lacks is missing in its rows."""
    return pd.concat(tables, ignore_index=True)


def typed(frame: pd.DataFrame, counts: Iterable[str]) -> pd.DataFrame:
    """The same table, whose columns have the dtype of what they hold.

    Args:
        frame: dtype object.
        counts: names of metrics that are whole numbers.
    """
    counted = set(counts)
    columns = {}
    for name in frame.columns:
        plain = name.removeprefix(BASELINE_PREFIX)
        columns[name] = _typed(frame[name], is_count=plain in counted)
    return pd.DataFrame(columns)


def _typed(column: pd.Series[Any], *, is_count: bool) -> pd.Series[Any]:
    kinds = set(map(type, column.dropna()))
    if not kinds or kinds == {str}:
        return column.astype("string")
    if kinds == {bool}:
        return column.astype("boolean")
    if kinds <= {int, float}:
        numbers = column.astype("float64")
        # a mean over seeds is no count any more
        is_whole = kinds == {int} or (is_count and bool((numbers.dropna() % 1 == 0).all()))
        return numbers.astype("Int64") if is_whole else numbers
    # a knob that is a number or a word; times are ones already
    return column.infer_objects()


def _of_each_seed(store: RunStore, study: StudyRuns) -> Iterator[Run]:
    """The runs themselves, where `study` has their means."""
    if int(study.study.get("seeds", 1)) > 1:
        where: dict[str, Any] = {"digest": study.parent.tags.get("study_digest")}
        where |= {"generation": study.parent.generation, "catalog": study.catalog}
        study = collect(store, study.name, **where, averages=False)
    yield from study.baselines
    yield from study.controls
    yield from study.trials


def _head(store: RunStore, study: StudyRuns, run: Run, best: set[int]) -> dict[str, Any]:
    # a baseline may be of another study, which trained it first
    is_trial = run.number >= 0
    return {
        "study": study.name,
        "role": run.tags.get("role"),
        "trial": run.number if is_trial else None,
        "seed": run.seed,
        "status": run.status,
        "reason": run.tags.get("reason") or None,
        "front": is_trial and run.number in best,
        "net": study.net(run),
        "method": study.chain(run),
        "configuration": _configuration(store, run),
        "run_id": run.run_id,
        "study_digest": study.parent.tags.get("study_digest"),
        "generation": run.generation,
        "started": pd.Timestamp(run.start_ms, unit="ms", tz="UTC"),
    }


def _configuration(store: RunStore, run: Run) -> str | None:
    try:
        content = store.artifact(run.run_id, SPEC_JSON)
    except UnknownName:  # it failed before anything was written
        return None
    return spec_from_json(json.loads(content)).configuration


def _parameters(runs: Iterable[Run]) -> list[str]:
    """The parameters in which runs differ; seed, net and method have columns of their own."""
    values: dict[str, set[str | None]] = {}
    every = list(runs)
    for name in set().union(*(run.params for run in every)) - {"seed", ARCHITECTURE}:
        values[name] = {run.params.get(name) for run in every}
    return sorted(name for name, different in values.items() if len(different) > 1)


def _baseline_last(name: str) -> tuple[bool, str]:
    return name.startswith(BASELINE_PREFIX), name
