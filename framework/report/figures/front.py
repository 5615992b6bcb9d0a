"""Quality against size of every finished trial of a study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

import pandas as pd

from framework.report.figures.style import Axis
from framework.report.figures.trade_off import Cloud, Point, trade_off
from framework.report.frame import StudyRuns, metric_values, object_frame
from framework.report.pareto import Axes, axes_of, baselines_shown, front, point, ruined
from framework.results.fronts import Direction
from framework.results.quantities import quantity
from framework.results.record import Run
from framework.study.constraints import feasible

ROOM = 0.12  # of the axis, below the worst that is decided about
LEAST_ROOM = 0.02  # of accuracy (2 points) or R2


def figure_of(runs: StudyRuns) -> Any:
    """Quality against size of every finished trial; by architecture if there are several."""
    axes, groups = axes_of(runs), _groups(runs)
    x, y = axes_shown(runs)
    nets = {}
    if runs.several_nets:
        for net in sorted(runs.nets(chain.from_iterable(groups.values()))):
            nets[net] = _cloud(_of_net(runs, groups, net), axes)
    return trade_off(_cloud(groups, axes), x, y, nets=nets)


def axes_shown(runs: StudyRuns) -> tuple[Axis, Axis]:
    """Size and quality, with the limits of constraints and where decisions end."""
    axes = axes_of(runs)
    x = _axis(runs, axes.size, axes.size_direction)
    y = _axis(runs, axes.quality, axes.quality_direction)
    return x, replace(y, floor=_floor(runs, axes, _groups(runs), y.limits))


def _groups(runs: StudyRuns) -> dict[str, list[Run]]:
    """The runs of the figure, by the group of a `Cloud`."""
    best = front(runs)
    front_ids = set(map(attrgetter("run_id"), best))
    trials: list[Run] = []
    infeasible: list[Run] = []
    for run in runs.finished:
        if run.run_id not in front_ids:
            (trials if feasible(run.metrics) else infeasible).append(run)
    return {
        "trials": trials,
        "infeasible": infeasible,
        "front": best,
        "baselines": list(map(itemgetter(1), baselines_shown(runs))),
        "controls": list(runs.controls),
    }


def _of_net(runs: StudyRuns, groups: Mapping[str, list[Run]], net: str) -> dict[str, list[Run]]:
    of_net = {}
    for kind, group in groups.items():
        of_net[kind] = [run for run in group if runs.net(run) == net]
    return of_net


def _cloud(groups: Mapping[str, Iterable[Run]], axes: Axes) -> Cloud:
    return Cloud(**{kind: list(_points(group, axes)) for kind, group in groups.items()})


def _points(runs: Iterable[Run], axes: Axes) -> Iterator[Point]:
    """Size and quality of the runs that have both."""
    for run in runs:
        values = point(run, (axes.size, axes.quality))
        if values is not None:
            yield values[0], values[1]


def _axis(runs: StudyRuns, name: str, better: Direction) -> Axis:
    stated = quantity(name, runs.catalog)
    return Axis(
        label=f"{stated.axis} (log scale)" if stated.ledger else stated.axis,
        better=better,
        log=stated.ledger,
        percent=stated.format == "percent",
        limits=_limits(runs, name),
    )


def _limits(runs: StudyRuns, name: str) -> list[float]:
    """Of the study's constraints those on this axis; a drop is one on the quality."""
    limits = []
    dense = metric_values(runs.baselines, name)
    for _, metric, limit in runs.resolved.get("constraints", ()):
        if metric == name:
            limits.append(limit)
        # of several baselines each has a limit of its own, which no one line shows
        elif metric == runs.drop and name == runs.quality and len(dense) == 1:
            limits.append(dense[0] - limit)
    return limits


def _floor(
    runs: StudyRuns, axes: Axes, groups: Mapping[str, Sequence[Run]], limits: Sequence[float]
) -> float | None:
    """The worst value that a decision may be about; None where nothing is worse.

    That is the front without ruined nets, baseline, control and limits, and some room.
    """
    lost = {run.run_id for run in ruined(runs)}
    kept = [run for run in groups["front"] if run.run_id not in lost]
    decided = metric_values([*kept, *groups["baselines"], *groups["controls"]], axes.quality)
    every = metric_values([run for group in groups.values() for run in group], axes.quality)
    if not decided:
        return None
    ends = [*decided, *limits]
    # of a front that is flat, what is little worse is still of interest
    least = LEAST_ROOM if axes.quality == runs.quality else abs(max(ends)) * ROOM
    room = max(ROOM * (max(ends) - min(ends)), least)
    if axes.quality_direction == "max":
        floor = min(ends) - room
        return floor if min(every) < floor else None
    ceiling = max(ends) + room
    return ceiling if max(every) > ceiling else None


def points_frame(runs: StudyRuns) -> pd.DataFrame:
    """The data of the figure: a row for each point.

    Returns:
        (points, columns `group`, `trial`, `net` and the two axes), dtype object.
    """
    axes = axes_of(runs)
    rows = []
    for kind, group in _groups(runs).items():
        for run in group:
            values = point(run, (axes.size, axes.quality))
            if values is not None:
                number = run.number if run.number >= 0 else None
                row = {"group": kind.removesuffix("s"), "trial": number, "net": runs.net(run)}
                rows.append(row | {axes.size: values[0], axes.quality: values[1]})
    return object_frame(rows, ["group", "trial", "net", axes.size, axes.quality])
