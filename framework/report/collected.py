"""The runs of one study from the store, each configuration as the mean over its seeds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from framework.contracts import Catalog
from framework.errors import SqueezelabError
from framework.report.frame import StudyRuns
from framework.report.selection import (
    RunStore,
    complete_runs,
    confirmed_runs,
    gaps_of,
    last_attempts,
    like,
    one_each,
    parent_of,
    tag_values,
    with_status,
)
from framework.results.edited import as_measured
from framework.results.record import IMPORTANCE_JSON, STUDY_JSON, Run
from framework.results.replicates import averaged, by_configuration, constraints_of


def collect(
    store: RunStore,
    name: str,
    *,
    digest: str | None = None,
    generation: int | None = None,
    catalog: Catalog | None = None,
    averages: bool = True,
) -> StudyRuns:
    """The runs of a study.

    Args:
        digest, generation: of the study; of a digest how it begins is enough, and by default they
            are those of the run that was started last.
        catalog: of metrics; that of the package by default.
        averages: several seeds of a configuration are one run, their mean; else each is its own.

    Raises:
        UserError: the store has no such study, digest or generation.
    """
    parent = parent_of(store, name, digest, generation)
    study = json.loads(store.artifact(parent.run_id, STUDY_JSON))
    begun = like(parent, store.runs(name, role="trial"))
    trials = last_attempts(filter(store.complete, begun))
    further = last_attempts(like(parent, complete_runs(store, name, "replicate")))
    controls = like(parent, complete_runs(store, name, "control"))
    baselines = _baselines(store, name, parent, [*trials, *further, *controls])
    edited: dict[str, Sequence[str]] = {}
    # what somebody deleted in the store is filled in, so that no table has to do without it
    groups = (one_each(baselines), one_each(with_status(controls, "FINISHED")), [*trials, *further])
    baselines, controls, trials = (as_measured(store, group, edited) for group in groups)
    runs = StudyRuns(
        name=name,
        study=study,
        parent=parent,
        baselines=baselines,
        controls=controls,
        trials=sorted(trials, key=attrgetter("number")),
        catalog=catalog or Catalog(),
        edited=edited,
        gaps=gaps_of(begun, trials),
        **_noted(store, parent, [*baselines, *trials]),
    )
    return averaged_over_seeds(runs) if averages else runs


def averaged_over_seeds(runs: StudyRuns) -> StudyRuns:
    """The same with each configuration once, as the mean over its seeds.

    A study of one seed stays as it is in the store.
    """
    if "replicate" not in tag_values(runs.trials, "role"):
        return runs
    means = partial(_means, runs)
    return replace(
        runs,
        baselines=means(runs.baselines),
        controls=means(runs.controls),
        trials=sorted(means(runs.trials), key=attrgetter("number")),
    )


def _noted(store: RunStore, parent: Run, runs: Iterable[Run]) -> dict[str, Any]:
    """What the store has of a study besides the metrics of its runs."""
    return {
        "confirmed": confirmed_runs(store, parent.tags["study"], parent),
        "data": _data(store, runs),
        "importance": _importance(store, parent),
        "curve": store.steps,
    }


def _baselines(store: RunStore, name: str, parent: Run, runs: Iterable[Run]) -> list[Run]:
    """Those that runs were measured against, which they name, whatever study trained them."""
    named = set(tag_values(runs, "baseline")) - {""}
    finished = with_status(complete_runs(store, name, "baseline"), "FINISHED")
    chosen = [run for run in finished if run.run_id in named]
    return chosen or like(parent, finished)


def _importance(store: RunStore, parent: Run) -> list[Mapping[str, Any]]:
    """What the study noted at its end; nothing where it did not."""
    try:
        return list(json.loads(store.artifact(parent.run_id, IMPORTANCE_JSON)))
    # a report is made without it, as of studies before it was noted
    except SqueezelabError:
        return []


def _data(store: RunStore, runs: Iterable[Run]) -> Mapping[str, Any]:
    """Of the first run that noted any."""
    for run in runs:
        noted = store.data(run.run_id)
        if noted:
            return noted
    return {}


def _means(study: StudyRuns, runs: Sequence[Run]) -> list[Run]:
    """Each configuration once, as the mean over its seeds."""
    limits = constraints_of(study.resolved)
    spread = [study.quality, study.drop]
    return [averaged(group, limits, spread=spread) for group in by_configuration(runs)]
