"""How a study stands: its front, the volume it covers, its failures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.results import fronts, metric_versions
from framework.results.record import Run, one_of_each
from framework.study.constraints import feasible

if TYPE_CHECKING:
    from framework.contracts import Catalog
    from framework.study import Study

OTHER_METRICS = (
    "were measured by other versions of a metric: they stay, and are not ranked. "
    "FRESH=1 measures all by one."
)


def objective_values(study: Study, metrics: Mapping[str, float]) -> tuple[float, ...]:
    """The objectives' values, in their order."""
    return tuple(metrics[name] for name in study.objectives)


def violations(study: Study, metrics: Mapping[str, float]) -> dict[str, float]:
    """How far each constraint is violated; at most 0 where it is met."""
    return {
        f"{type(item).__name__} {item.metric}": item.violation(metrics)
        for item in study.constraints
    }


def unmeasured(study: Study, metrics: Mapping[str, float]) -> list[str]:
    """The objectives and constraints for which there is no finite value."""
    asked = (*study.objectives, *(item.metric for item in study.constraints))
    return [name for name in asked if not math.isfinite(metrics.get(name, math.nan))]


def unranked(study: Study, runs: Iterable[Run], catalog: Catalog) -> set[str]:
    """Ids of finished trials that another version of a metric in use measured."""
    asked = [*study.objectives, *(item.metric for item in study.constraints)]
    known = set(catalog.metrics.names())
    plugins = {name: metric_versions.plugin_of(name) for name in asked}
    today = {
        name: catalog.metrics.get(own).plugin_version
        for name, own in plugins.items()
        if own in known
    }
    return {run.run_id for run in metric_versions.others(runs, today) if run.status == "FINISHED"}


@dataclass(frozen=True)
class Standing:
    """The trials of a study that are done.

    Args:
        done: runs by trial number, failed ones included.
    """

    study: Study
    done: Mapping[int, Run]

    def front(self) -> set[int]:
        """Numbers of the trials on the Pareto front."""
        points = self._points()
        kept = fronts.on_front(list(points.values()), self._ways())
        return {number for number, on_front in zip(points, kept, strict=True) if on_front}

    def volume(self, baseline: Mapping[str, float]) -> float | None:
        """Hypervolume as a share of what the baseline spans: 1 would be its quality at no cost.

        None without a point.

        The reference is 0 for what is maximised and the baseline's own value for what is minimised.
        """
        points = list(self._points().values())
        if not points:
            return None
        spans = {name: abs(baseline.get(name, 0.0)) or 1.0 for name in self.study.objectives}
        reference = [
            0.0 if way == "max" else spans[name] for name, way in self.study.objectives.items()
        ]
        volume = fronts.hypervolume(points, self._ways(), reference)
        for span in spans.values():
            volume /= span
        return volume

    def failed(self) -> int:
        """How many trials failed."""
        return sum(run.status == "FAILED" for run in self.done.values())

    def _points(self) -> dict[int, tuple[float, ...]]:
        """Objective values of the finished trials that meet the constraints, by number.

        Each spec once.
        """
        good = {
            n: run
            for n, run in self.done.items()
            if run.status == "FINISHED" and feasible(run.metrics)
        }
        return {
            number: objective_values(self.study, run.metrics)
            for number, run in one_of_each(good).items()
        }

    def _ways(self) -> list[fronts.Direction]:
        return list(self.study.objectives.values())
