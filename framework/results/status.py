"""The status of a study: its front and its failures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING

from framework.errors import TrialDiverged
from framework.results import fronts, metric_versions
from framework.results.record import Record, Run, one_of_each
from framework.study.constraints import feasible

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.study.study import Study

OTHER_METRICS = (
    "were measured by other versions of a metric: they stay, and are not ranked. "
    "FRESH=1 measures all by one."
)

DELETED_METRICS = (
    "have lost an objective or a constraint's metric in the store: they stay, and are not ranked. "
    "FRESH=1 measures all anew."
)


def objective_values(study: Study, metrics: Mapping[str, float]) -> tuple[float, ...]:
    """The objectives' values, in their order."""
    return tuple(metrics[name] for name in study.objectives)


def violations(study: Study, metrics: Mapping[str, float]) -> dict[str, float]:
    """How far each constraint is violated; at most 0 where it is met."""
    excess = {}
    for constraint in study.constraints:
        name = f"{type(constraint).__name__} {constraint.metric}"
        excess[name] = constraint.violation(metrics)
    return excess


def _in_use(study: Study) -> list[str]:
    """The metrics of the objectives and of the constraints, in the study's order."""
    return [*study.objectives, *map(attrgetter("metric"), study.constraints)]


def unmeasured(study: Study, metrics: Mapping[str, float]) -> list[str]:
    """The objectives and constraints for which there is no finite value."""
    return [name for name in _in_use(study) if not math.isfinite(metrics.get(name, math.nan))]


def failed_if_unmeasured(study: Study, result: Record) -> Record:
    """The record as a failure, if an objective or a constraint has no finite value."""
    names = [] if result.reason else unmeasured(study, result.values)
    if not names:
        return result
    error = f"Not a finite number: {', '.join(names)}."
    return replace(result, reason=TrialDiverged.reason, error=error)


def unranked(study: Study, runs: Iterable[Run], catalog: Catalog) -> set[str]:
    """Ids of finished trials that another version of a metric in use measured."""
    registered = set(catalog.metrics.names())
    today = {}
    for name in _in_use(study):
        plugin = metric_versions.plugin_of(name)
        if plugin in registered:  # latencies, for one, are measured by no plug-in
            today[name] = catalog.metrics.get(plugin).plugin_version
    run_ids = set()
    for run in metric_versions.others(runs, today):
        if run.status == "FINISHED":
            run_ids.add(run.run_id)
    return run_ids


def with_deleted(study: Study, runs: Iterable[Run]) -> set[str]:
    """Ids of finished trials without a metric in use: somebody deleted it, for it was measured."""
    finished = [run for run in runs if run.status == "FINISHED"]
    return {run.run_id for run in finished if unmeasured(study, run.metrics)}


@dataclass(frozen=True)
class StudyStatus:
    """The trials of a study that are done.

    Args:
        done: runs by trial number, failed ones included.
    """

    study: Study
    done: Mapping[int, Run]

    def front(self) -> set[int]:
        """Numbers of the trials on the Pareto front."""
        points = self._points()
        return set(compress(points, fronts.on_front(list(points.values()), self._directions())))

    def metrics(self) -> dict[int, Mapping[str, float]]:
        """Metrics of the finished trials that meet the constraints, by number."""
        return {number: run.metrics for number, run in self.done.items() if _is_usable(run)}

    def failed(self) -> int:
        """How many trials failed."""
        return sum(run.status == "FAILED" for run in self.done.values())

    def _points(self) -> dict[int, tuple[float, ...]]:
        """Objective values of the finished trials that meet the constraints, by number.

        Each spec once.
        """
        usable = {number: run for number, run in self.done.items() if _is_usable(run)}
        points = {}
        for number, run in one_of_each(usable).items():
            points[number] = objective_values(self.study, run.metrics)
        return points

    def _directions(self) -> list[fronts.Direction]:
        return list(self.study.objectives.values())


def _is_usable(run: Run) -> bool:
    """Whether it has values and meets the constraints."""
    return run.status == "FINISHED" and feasible(run.metrics)
