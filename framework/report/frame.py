"""The runs of one study as the store holds them, and its trials as a table."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import pandas as pd

from framework.errors import UserError
from framework.report.resolved import alternatives, label_of, searched
from framework.results.fronts import Direction
from framework.results.metric_versions import newest, others
from framework.results.record import (
    BASELINE_PREFIX,
    CHANCE_ACCURACY,
    CHANCE_LIMIT,
    COUNTS,
    EPOCH_PREFIX,
    MACHINE,
    QUALITY,
    STUDY_JSON,
    Run,
    drop_of,
    quality_of,
)

ARCHITECTURE = "architecture"
RESULT_ROLES = ("trial", "control", "baseline")


class RunStore(Protocol):
    """What a report asks of the store; `framework.tracking.store.Store` is one."""

    def runs(self, study: str, /, **tags: str) -> list[Run]:
        """The runs of an experiment with these tags."""

    def artifact(self, run_id: str, name: str, /) -> bytes:
        """The content of one artifact."""

    def complete(self, run: Run, /) -> bool:
        """Whether the run counts: FAILED, or FINISHED with its manifest."""


@dataclass(frozen=True)
class StudyRuns:
    """All that the store knows of one generation of one study.

    Args:
        name: the experiment.
        study: the content of `study.json`; the resolved study lies under `study`.
        parent: the run of role `study`.
        baselines: one finished run per architecture.
        controls: the finished runs of the identity strategy, one per architecture.
        trials: finished and failed runs by number, the last attempt of each number.
    """

    name: str
    study: Mapping[str, Any]
    parent: Run
    baselines: Sequence[Run] = ()
    controls: Sequence[Run] = ()
    trials: Sequence[Run] = ()

    @property
    def resolved(self) -> Mapping[str, Any]:
        """`Study.json()`."""
        resolved: Mapping[str, Any] = self.study["study"]
        return resolved

    @property
    def finished(self) -> list[Run]:
        """Trials that ended with a result."""
        return [run for run in self.trials if run.status == "FINISHED"]

    @cached_property
    def unranked(self) -> list[Run]:
        """Finished trials whose objectives or constraints an earlier metric measured."""
        asked = [
            *self.objectives,
            *(metric for _, metric, _ in self.resolved.get("constraints", ())),
        ]
        return others(self.finished, newest(self.finished, asked))

    @property
    def failed(self) -> list[Run]:
        """Trials that ended with a reason instead of a result."""
        return [run for run in self.trials if run.status == "FAILED"]

    @cached_property
    def task(self) -> str:
        """`classes`, `binary` or `regression`.

        Where `study.json` does not say, the metrics of its runs do.
        """
        runs = (*self.baselines, *self.controls, *self.finished)
        measured = (
            task for task in QUALITY if any(quality_of(task) in run.metrics for run in runs)
        )
        return str(self.study.get("task") or next(measured, "classes"))

    @property
    def quality(self) -> str:
        """The task's own metric, as `val_accuracy`."""
        return quality_of(self.task)

    @property
    def quality_word(self) -> str:
        """The same for a reader: `accuracy` or `R2`."""
        return {"accuracy": "accuracy", "r2": "R2"}[QUALITY[self.task]]

    @property
    def drop(self) -> str:
        """What is lost of it against the baseline, as `accuracy_drop`."""
        return drop_of(self.task)

    @cached_property
    def objectives(self) -> dict[str, Direction]:
        """Metric -> direction."""
        # a study that was never resolved
        own = {"quality": self.quality, "quality_drop": self.drop}
        return {own.get(name, name): way for name, way in self.resolved["objectives"]}

    @property
    def several_nets(self) -> bool:
        """Whether the study searches over architectures."""
        return alternatives(self.resolved[ARCHITECTURE]) > 1

    def net(self, run: Run) -> str | None:
        """The architecture of a run.

        Its name, or its label where the study tells alternatives apart by one.
        """
        name = run.tags.get(ARCHITECTURE)
        if name is None:
            return None
        prefix = f"{ARCHITECTURE}."
        knobs = {
            key.removeprefix(prefix): parameter(run, key)
            for key in run.params
            if key.startswith(prefix)
        }
        return label_of(self.resolved[ARCHITECTURE], name, knobs)


def collect(
    store: RunStore, name: str, *, digest: str | None = None, generation: int | None = None
) -> StudyRuns:
    """The runs of a study.

    Args:
        digest: of the study, or how it begins; that of the parent run started last by default.
        generation: the highest one of this digest by default.

    Raises:
        UserError: the store has no such study, digest or generation.
    """
    parent = _parent(store, name, digest, generation)
    digest, generation = parent.tags.get("study_digest", ""), parent.generation
    ended = {
        role: [run for run in store.runs(name, role=role) if store.complete(run)]
        for role in RESULT_ROLES
    }
    trials = _last_attempts(run for run in ended["trial"] if _belongs(run, digest, generation))
    controls = [run for run in ended["control"] if _belongs(run, digest, generation)]
    named = {run.tags.get("baseline", "") for run in (*trials, *controls)} - {""}
    baselines = [run for run in ended["baseline"] if run.status == "FINISHED"]
    chosen = [run for run in baselines if run.run_id in named]
    return StudyRuns(
        name=name,
        study=json.loads(store.artifact(parent.run_id, STUDY_JSON)),
        parent=parent,
        baselines=_one_each(
            chosen or [run for run in baselines if _belongs(run, digest, generation)]
        ),
        controls=_one_each(run for run in controls if run.status == "FINISHED"),
        trials=trials,
    )


def trials_frame(runs: StudyRuns) -> pd.DataFrame:
    """A row a trial: number, status, reason, parameters that vary, metrics the spec determines.

    Times, latencies, hosts and run ids depend on the machine and are not in it, unless they are an
    objective.

    Returns:
        (trials, columns), dtype object: numbers are Python numbers, what a trial lacks is None.
    """
    varying = varying_parameters(runs)
    found = {run.number: result_metrics(run, shown=runs.objectives) for run in runs.trials}
    metrics = sorted({name for values in found.values() for name in values}, key=_own_first)
    rows = []
    for run in runs.trials:
        row: dict[str, Any] = {
            "number": run.number,
            "status": run.status,
            "reason": run.tags.get("reason") or None,
        }
        row |= parameters(runs, run, varying)
        row |= {name: found[run.number].get(name) for name in metrics}
        rows.append(row)
    return object_frame(rows, ["number", "status", "reason", *varying, *metrics])


def timing_frame(runs: StudyRuns) -> pd.DataFrame:
    """One row per baseline, control and trial with what depends on the machine.

    Seconds and latencies.

    Returns:
        (runs, columns), dtype object.
    """
    kinds = [("baseline", runs.baselines), ("control", runs.controls), ("trial", runs.trials)]
    found = {name for _, group in kinds for run in group for name in run.metrics}
    names = [name for name in MACHINE if name in found]
    rows = [
        {
            "row": kind,
            "trial": run.number if kind == "trial" else None,
            **{name: run.metrics.get(name) for name in names},
        }
        for kind, group in kinds
        for run in group
    ]
    return object_frame(rows, ["row", "trial", *names])


def varying_parameters(runs: StudyRuns) -> list[str]:
    """The parameters that the study searches, or that differ between its trials, sorted.

    A knob that every trial of its plug-in has alike is not among them: the plug-in's name tells it.
    """
    names = {name for run in runs.trials for name in run.params}
    differ = {name for name in names if _differs(name, runs.trials)}
    return sorted(differ | (searched(runs.resolved) & names))


def _differs(name: str, runs: Iterable[Run]) -> bool:
    # `compress.0` of `compress.0.sparsity`; no parameter for `train.epochs`
    owner = name.rpartition(".")[0]
    values: dict[str | None, set[str | None]] = {}
    for run in runs:
        if not owner or owner not in run.params or name in run.params:
            values.setdefault(run.params.get(owner), set()).add(run.params.get(name))
    return any(len(found) > 1 for found in values.values())


def parameters(runs: StudyRuns, run: Run, names: Iterable[str]) -> dict[str, Any]:
    """Parameters by name.

    The architecture by its label, where the study tells alternatives apart by one.
    """
    return {name: runs.net(run) if name == ARCHITECTURE else parameter(run, name) for name in names}


def parameter(run: Run, name: str) -> Any:
    """A parameter as a Python value; None where the run has none of that name."""
    text = run.params.get(name)
    try:
        return None if text is None else json.loads(text)
    except json.JSONDecodeError:
        return text


def result_metrics(run: Run, *, shown: Iterable[str] = ()) -> dict[str, Any]:
    """The metrics that the spec determines; counts are whole numbers.

    What chance reaches is said in words.

    Args:
        shown: names that are kept though they depend on the machine, as an objective of the study.
    """
    wanted, others = set(shown), {*MACHINE, CHANCE_ACCURACY, CHANCE_LIMIT}
    kept = {
        name: value for name, value in run.metrics.items() if name in wanted or name not in others
    }
    return {
        name: _number(name, value)
        for name, value in kept.items()
        if not name.startswith(EPOCH_PREFIX)
    }


def object_frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """A table of plain Python values: whole numbers stay whole beside gaps, gaps are None."""
    cells = {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in columns}
    return pd.DataFrame(cells, columns=list(columns))


def _number(name: str, value: float) -> float | int:
    count = name.removeprefix(BASELINE_PREFIX).startswith(COUNTS)
    return int(value) if count and math.isfinite(value) and float(value).is_integer() else value


def _own_first(name: str) -> tuple[bool, str]:
    return name.startswith(BASELINE_PREFIX), name


def _parent(store: RunStore, name: str, digest: str | None, generation: int | None) -> Run:
    parents = sorted(store.runs(name, role="study"), key=lambda run: (run.start_ms, run.run_id))
    fits = [run for run in parents if run.tags.get("study_digest", "").startswith(digest or "")]
    if fits and digest is not None and len({run.tags.get("study_digest") for run in fits}) > 1:
        raise UserError(
            "Several studies begin with this digest.",
            given=f"Given: {digest}.",
            todo="Give more digits.",
        )
    fits = [
        run for run in fits if run.tags.get("study_digest") == fits[-1].tags.get("study_digest")
    ]
    if generation is not None:
        fits = [run for run in fits if run.generation == generation]
    if fits:
        return max(fits, key=lambda run: (run.generation, run.start_ms, run.run_id))
    wanted = {"digest": digest, "generation": generation}
    given = ", ".join(f"{key} {value}" for key, value in wanted.items() if value is not None)
    raise UserError(
        f"The store holds no runs of study {name!r}{f' with {given}' if given else ''}.",
        given=_there(parents),
        todo=f"Run it first: make study NAME={name}",
    )


def _there(parents: Iterable[Run]) -> str:
    known = sorted({(run.tags.get("study_digest", "")[:8], run.generation) for run in parents})
    return (
        "There is: " + ", ".join(f"digest {head} generation {number}" for head, number in known)
        if known
        else ""
    )


def _belongs(run: Run, digest: str, generation: int) -> bool:
    return run.tags.get("study_digest") == digest and run.generation == generation


def _last_attempts(runs: Iterable[Run]) -> list[Run]:
    """Of runs that ended with a result or a reason, the last attempt of each number."""
    ordered = sorted(
        runs, key=lambda run: (int(run.tags.get("attempt", "0")), run.start_ms, run.run_id)
    )
    last = {run.number: run for run in ordered}
    return [last[number] for number in sorted(last)]


def _one_each(runs: Iterable[Run]) -> list[Run]:
    """One run per configuration: a study that was killed may have measured the same thing twice."""
    last = {}
    for run in sorted(runs, key=lambda run: (run.start_ms, run.run_id)):
        last[tuple(sorted(run.params.items()))] = run
    return [last[key] for key in sorted(last)]
