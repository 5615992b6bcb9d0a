"""A study as an Optuna storage, for optuna-dashboard and Optuna's own plots.

What the search asked and was told, by the numbers of the trials. It is a copy: the store of runs
stays where studies go on from.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    json_to_distribution,
)
from optuna.trial import FrozenTrial, TrialState

from framework.errors import UserError
from framework.results.record import OPTUNA_JSON, STUDY_JSON, Run, latest_generation
from framework.results.replicates import constraints_of
from framework.tracking.lookup import asked

if TYPE_CHECKING:
    from framework.contracts import Catalog
    from framework.tracking.store import Store

optuna.logging.set_verbosity(optuna.logging.ERROR)

DIRECTIONS: Mapping[str, Literal["maximize", "minimize"]] = {"max": "maximize", "min": "minimize"}
RUN_FACTS = ("strategy", "architecture", "seed", "reason")
DONE = ("FINISHED", "FAILED")


def export(
    store: Store,
    root: Path,
    name: str,
    out: Path,
    *,
    catalog: Catalog,
    settings: Sequence[str] = (),
    force: bool = False,
) -> int:
    """Write the trials of a study's latest generation as a SQLite storage of Optuna's.

    Args:
        out: the file, in a folder that is there.
        settings: overrides that the study was run with.
        force: overwrite.

    Returns:
        How many trials it holds.

    Raises:
        UserError: the study has no trial that has ended, or `out` will not do.
    """
    _check_target(out, force=force)
    study = asked(root, name, settings=settings, catalog=catalog)
    runs = _trials(store, name, study.digest)
    if not runs:
        raise UserError(
            f"{name} has no trial that has ended.",
            given=f"Looked for: digest {study.digest[:8]}.",
            todo=f"Run it first: make study NAME={name}",
        )
    described = json.loads(store.artifact(_parent(store, runs[0]).run_id, STUDY_JSON))
    questions = {run.number: _question(store, run) for run in runs}
    spaces = _spaces(questions.values())
    trials = [_frozen(run, questions[run.number], spaces, described["study"]) for run in runs]
    # written aside and moved, so that a kill leaves no half of a storage under its name
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        _write(aside, name, described, _without_gaps(trials))
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return len(trials)


def _check_target(out: Path, *, force: bool) -> None:
    if not out.parent.is_dir() or out.is_dir() or set("?%#") & set(str(out)):
        raise UserError(
            "An Optuna storage is written to a file in a folder that is there.",
            given=f"Given: {out}.",
            todo="For example OUT=study.db; its address cannot hold a '?', '%' or '#'.",
        )
    if out.exists() and not force:
        raise UserError(
            f"{out} would be overwritten.",
            todo="Choose another name, or allow it: FORCE=1 (--force).",
        )


# --- from the store -------------------------------------------------------------------------------


def _trials(store: Store, name: str, digest: str) -> list[Run]:
    """Those of the latest generation that have ended, by number; the last attempt of each."""
    ended = [
        run
        for run in store.runs(name, role="trial", study_digest=digest)
        if run.status in DONE and store.complete(run)
    ]
    latest = latest_generation(ended)
    by_number = {run.number: run for run in ended if run.generation == latest}
    return [by_number[number] for number in sorted(by_number)]


def _parent(store: Store, run: Run) -> Run:
    identity = {"study_digest": run.tags["study_digest"], "generation": str(run.generation)}
    return store.runs(run.tags["study"], role="study", **identity)[-1]


def _question(store: Store, run: Run) -> Mapping[str, Any]:
    """What the sampler was asked and answered."""
    question: Mapping[str, Any] = json.loads(store.artifact(run.run_id, OPTUNA_JSON))
    return question


def _spaces(questions: Iterable[Mapping[str, Any]]) -> dict[str, BaseDistribution]:
    """Parameter -> its domain, one for all trials: Optuna takes no other.

    A grid names one value a trial; together they are the domain.
    """
    forms: dict[str, list[BaseDistribution]] = {}
    for question in questions:
        for name, form in question["distributions"].items():
            forms.setdefault(name, []).append(json_to_distribution(json.dumps(form)))
    return {name: _space(of_trials) for name, of_trials in forms.items()}


def _space(forms: Sequence[BaseDistribution]) -> BaseDistribution:
    if all(form == forms[0] for form in forms) and not forms[0].single():
        return forms[0]
    listed = [form.choices for form in forms if isinstance(form, CategoricalDistribution)]
    values: list[Any] = list(dict.fromkeys(chain.from_iterable(listed)))
    kinds = set(map(type, values))
    if kinds == {int}:
        return IntDistribution(min(values), max(values))
    if kinds and kinds <= {int, float}:
        return FloatDistribution(min(values), max(values))
    return CategoricalDistribution(values) if listed else forms[0]


# --- as Optuna has it -----------------------------------------------------------------------------


def _frozen(
    run: Run,
    question: Mapping[str, Any],
    spaces: Mapping[str, BaseDistribution],
    resolved: Mapping[str, Any],
) -> FrozenTrial:
    names = [name for name, _ in resolved["objectives"]]
    values = [run.metrics[name] for name in names if name in run.metrics]
    is_complete = run.status == "FINISHED" and len(values) == len(names)
    excess = {
        f"{type(limit).__name__} {limit.metric}": limit.violation(run.metrics)
        for limit in constraints_of(resolved)
        if is_complete and limit.metric in run.metrics
    }
    facts = {name: run.tags[name] for name in RUN_FACTS if run.tags.get(name)}
    trial = optuna.trial.create_trial(
        params=dict(question["params"]),
        distributions={name: spaces[name] for name in question["params"]},
        state=TrialState.COMPLETE if is_complete else TrialState.FAIL,
        values=values if is_complete else None,
        constraints=excess or None,
        user_attrs={"run": run.run_id, **facts, **run.metrics},
    )
    # what follows is Optuna's to set, who makes no trial that has ended long ago
    trial.number = run.number
    trial.datetime_start = datetime.fromtimestamp(run.start_ms / 1000)  # noqa: DTZ006  (as Optuna's)
    trial.datetime_complete = datetime.fromtimestamp(run.end_ms / 1000)  # noqa: DTZ006
    return trial


def _without_gaps(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """One for each number: Optuna counts anew, and a trial is to keep its own."""
    every, there = [], {trial.number: trial for trial in trials}
    for number in range(max(there) + 1):
        missing = optuna.trial.create_trial(
            state=TrialState.FAIL, user_attrs={"missing": "it has not ended"}
        )
        every.append(there.get(number, missing))
    return every


def _write(
    file: Path, name: str, described: Mapping[str, Any], trials: Sequence[FrozenTrial]
) -> None:
    storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
    objectives = described["study"]["objectives"]
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        directions=[DIRECTIONS[direction] for _, direction in objectives],
    )
    with warnings.catch_warnings():
        # Optuna says of it that it may still change
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([metric for metric, _ in objectives])
    for key in ("question", "digest", "overrides"):
        study.set_user_attr(key, described.get(key))
    study.add_trials(trials)
    storage.engine.dispose()
