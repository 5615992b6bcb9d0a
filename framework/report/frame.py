"""The runs of one study, and their values as rows of tables."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import attrgetter, itemgetter
from typing import Any

import pandas as pd

from framework.contracts import Catalog
from framework.report.choices import Choices
from framework.report.resolved import alternatives, is_label, label_of, searched, stored_value
from framework.report.selection import (
    with_status,
)
from framework.results.fronts import Direction
from framework.results.metric_versions import newest, others
from framework.results.quantities import counts, ledger_lines
from framework.results.record import (
    BASELINE_PREFIX,
    CHANCE_ACCURACY,
    CHANCE_LIMIT,
    EPOCH_PREFIX,
    MACHINE,
    QUALITY,
    Run,
    drop_of,
    quality_of,
)
from framework.results.replicates import SEEDS

ARCHITECTURE = "architecture"
HIDDEN = {*MACHINE, CHANCE_ACCURACY, CHANCE_LIMIT}  # of a table of results
Curve = Callable[[str, str], Sequence[tuple[int, float]]]


def no_curve(_run_id: str, _metric: str) -> Sequence[tuple[int, float]]:
    """Where no store is asked."""
    return ()


@dataclass(frozen=True, eq=False)
class StudyRuns:
    """All that the store knows of one generation of one study.

    Two are never equal, so that what is computed of one is found again by what it is of.

    Args:
        name: the experiment.
        study: the content of `study.json`; the resolved study lies under `study`.
        parent: the run of role `study`.
        baselines: one finished run per architecture.
        controls: the finished runs of the identity strategy, one per architecture.
        trials: finished and failed runs by number, the last attempt of each number.
        catalog: says what metrics are called and how they are written.
        edited: run id -> where the store says otherwise than the run measured.
        confirmed: nets of the same configurations, trained anew and measured on test, too.
        gaps: `unfinished`, `incomplete` or `deleted` -> numbers of trials without a result.
        data: what its runs noted of their data: sizes and sha256 of splits.
        importance: what `importance.json` has; empty where the study noted none.
        curve: (run id, metric) -> (step, value) of each step, read when it is asked for.
        choices: of whoever asks for a report.
    """

    name: str
    study: Mapping[str, Any]
    parent: Run
    baselines: Sequence[Run] = ()
    controls: Sequence[Run] = ()
    trials: Sequence[Run] = ()
    catalog: Catalog = field(default_factory=Catalog)
    edited: Mapping[str, Sequence[str]] = field(default_factory=dict)
    confirmed: Sequence[Run] = ()
    gaps: Mapping[str, Sequence[int]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    importance: Sequence[Mapping[str, Any]] = ()
    curve: Curve = no_curve
    choices: Choices = field(default_factory=Choices)

    @cached_property
    def counts(self) -> set[str]:
        """Names of metrics that are whole numbers."""
        return counts(self.catalog)

    @cached_property
    def counted(self) -> set[str]:
        """The same, and the baseline's beside them."""
        return self.counts | {f"{BASELINE_PREFIX}{name}" for name in self.counts}

    @cached_property
    def ledger_lines(self) -> set[str]:
        """Names of metrics that are lines of the size ledger."""
        return ledger_lines(self.catalog)

    @property
    def resolved(self) -> Mapping[str, Any]:
        """`Study.json()`."""
        resolved: Mapping[str, Any] = self.study["study"]
        return resolved

    @property
    def finished(self) -> list[Run]:
        """Trials that ended with a result."""
        return with_status(self.trials, "FINISHED")

    @cached_property
    def unranked(self) -> list[Run]:
        """Finished trials whose objectives or constraints an earlier metric measured."""
        # a constraint is stored as (kind, metric, limit)
        limited = map(itemgetter(1), self.resolved.get("constraints", ()))
        return others(self.finished, newest(self.finished, [*self.objectives, *limited]))

    @property
    def failed(self) -> list[Run]:
        """Trials that ended with a reason instead of a result."""
        return with_status(self.trials, "FAILED")

    @cached_property
    def task(self) -> str:
        """`classes`, `binary`, `regression` or `reconstruction`.

        Where `study.json` does not say, the metrics of its runs do.
        """
        stored = self.study.get("task")
        if stored:
            return str(stored)
        measured = metric_names([*self.baselines, *self.controls, *self.finished])
        for task in QUALITY:
            if quality_of(task) in measured:
                return task
        return "classes"

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
        # a study that was never resolved still has the names that mean a task's own metric
        of_task = {"quality": self.quality, "quality_drop": self.drop}
        directions = {}
        for name, direction in self.resolved["objectives"]:
            directions[of_task.get(name, name)] = direction
        return directions

    @property
    def several_nets(self) -> bool:
        """Whether the study searches over architectures."""
        return alternatives(self.resolved[ARCHITECTURE]) > 1

    def net(self, run: Run) -> str | None:
        """The architecture of a run.

        Its name, or its label where the study distinguishes alternatives by one.
        """
        name = run.tags.get(ARCHITECTURE)
        if name is None:
            return None
        return _label(self.resolved[ARCHITECTURE], name, run, ARCHITECTURE)

    def chain(self, run: Run) -> str | None:
        """The steps of a run joined by `+`, `none` without one; None where no tag says.

        Each has its name, or its label where the study has given it one: two formats are `ptq`.
        """
        names, labels = [], []
        for number, step in enumerate(self.resolved["compress"]):
            path = f"compress.{number}"
            if path in run.params:
                names.append(run.params[path])
                labels.append(_label(step, names[-1], run, path))
        stated = run.tags.get("strategy")
        # steps of an early store may be numbered without those that were left out
        return "+".join(labels) if "+".join(names) == stated else stated

    def nets(self, runs: Iterable[Run]) -> set[str]:
        """The architectures of runs; a run without one gives the empty text."""
        return {self.net(run) or "" for run in runs}


def seeds_of(run: Run) -> dict[str, int]:
    """How many seeds a run is the mean of, where it is one."""
    return {SEEDS: int(run.tags[SEEDS])} if SEEDS in run.tags else {}


def in_order(names: Iterable[str], present: Container[str]) -> list[str]:
    """Those of the names that are present, in the order of the names."""
    return [name for name in names if name in present]


def picked(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Of some values those with these names, in the order of the names."""
    return {name: values[name] for name in in_order(names, values)}


def metric_values(runs: Iterable[Run], name: str) -> list[float]:
    """A metric of the runs that have it."""
    return [run.metrics[name] for run in runs if name in run.metrics]


def metric_names(runs: Iterable[Run]) -> set[str]:
    """The metrics that any of the runs has."""
    return set().union(*map(attrgetter("metrics"), runs))


def varying_parameters(runs: StudyRuns) -> list[str]:
    """The parameters that the study searches, or that differ between its trials, sorted.

    A knob that is equal in all trials of its plug-in is not among them: the name implies it.
    """
    return list(_varying(runs))


@lru_cache(maxsize=1)  # every table of a report asks for them
def _varying(runs: StudyRuns) -> tuple[str, ...]:
    in_search = searched(runs.resolved)
    names = sorted(set().union(*map(attrgetter("params"), runs.trials)))
    return tuple(name for name in names if name in in_search or _differs(name, runs.trials))


def _differs(name: str, runs: Iterable[Run]) -> bool:
    # `compress.0` of `compress.0.sparsity`; no parameter for `train.epochs`
    owner = name.rpartition(".")[0]
    pairs = {(run.params.get(owner), run.params.get(name)) for run in runs}
    # a plug-in without a value has none of these knobs
    owners = [one for one, value in pairs if one is None or value is not None]
    return len(set(owners)) < len(owners)


def parameters(runs: StudyRuns, run: Run, names: Iterable[str]) -> dict[str, Any]:
    """Parameters by name.

    The architecture by its label, where the study distinguishes alternatives by one.
    """
    values = {name: parameter(run, name) for name in names}
    if ARCHITECTURE in values:
        values[ARCHITECTURE] = runs.net(run)
    return values


def parameter(run: Run, name: str) -> Any:
    """A parameter as a Python value; None where the run has none of that name."""
    text = run.params.get(name)
    return None if text is None else stored_value(text)


def result_metrics(runs: StudyRuns, run: Run, *, shown: Iterable[str] = ()) -> dict[str, Any]:
    """The metrics that the spec determines; counts are whole numbers.

    What chance reaches is said in words.

    Args:
        shown: names that are kept though they depend on the machine, as an objective of the study.
    """
    hidden = HIDDEN - set(shown)
    counted, values = runs.counted, {}
    for name, value in run.metrics.items():
        if name not in hidden and not name.startswith(EPOCH_PREFIX):
            values[name] = _whole(value) if name in counted else value
    return values


def object_frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """A table of plain Python values: whole numbers stay whole next to gaps, gaps are None."""
    cells = [list(map(row.get, columns)) for row in rows]
    # any other dtype makes floats of whole numbers and NaN of None, as soon as a column has a gap
    return pd.DataFrame(cells, columns=list(columns), dtype=object)


def _label(part: Mapping[str, Any] | None, name: str, run: Run, path: str) -> str:
    """What the plug-in of a part is called; its knobs are read only where they tell."""
    return name if is_label(part, name) else label_of(part, name, _knobs(run, path))


def _knobs(run: Run, part: str) -> dict[str, Any]:
    """A run's values of the knobs of `architecture` or of `compress.0`."""
    prefix = f"{part}."
    knobs = {}
    for key in run.params:
        if key.startswith(prefix):
            knobs[key.removeprefix(prefix)] = parameter(run, key)
    return knobs


def _whole(value: float) -> float | int:
    # the store has every metric as a float
    return int(value) if float(value).is_integer() else value
