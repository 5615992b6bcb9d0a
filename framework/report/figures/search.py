"""How the search went: learning curves, the hypervolume over trials, what each knob decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle, repeat
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.ticker import MaxNLocator

from framework.report.figures.style import BLUE, COLOURS, GREY, INK, ORANGE, panels
from framework.report.frame import StudyRuns, object_frame, picked
from framework.report.pareto import front
from framework.report.resolved import short_names
from framework.results import volume
from framework.results.quantities import quantity
from framework.results.record import EPOCH_PREFIX
from framework.results.replicates import ids_of
from framework.study.constraints import feasible
from framework.system.text import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from framework.results.record import Run

BEST = 4  # curves of the front that have a colour each
PANEL_INCHES, BAR_INCHES = 0.75, 0.16  # of a panel without bars, and of a knob


def volume_axes(runs: StudyRuns) -> tuple[volume.Axis, ...]:
    """What the hypervolume is measured along; none where something has no reference."""
    # of several nets the first: one volume has one reference
    dense = runs.baselines[0].metrics if runs.baselines else {}
    return volume.axes_of(runs.objectives, dense, runs.task)


def volume_frame(runs: StudyRuns) -> pd.DataFrame:
    """The hypervolume of the front after each trial that finished.

    Returns:
        (trials, columns `trial` and `hypervolume`), dtype object; empty where there is none.
    """
    axes = volume_axes(runs)
    rows: list[Mapping[str, Any]] = []
    points: list[Mapping[str, float]] = []
    for run in runs.finished if axes else ():
        if feasible(run.metrics) and run not in runs.unranked:
            points.append(run.metrics)
        rows.append({"trial": run.number, "hypervolume": volume.volume_of(points, axes)})
    return object_frame(rows, ["trial", "hypervolume"])


def volume_figure(runs: StudyRuns, frame: pd.DataFrame) -> Figure:
    """The hypervolume over trials, as a staircase; its title says of what.

    Args:
        frame: what `volume_frame` gave, not empty.
    """
    title = " x ".join(axis.name for axis in volume_axes(runs))
    with panels([title]) as (figure, (plot,)):
        look: dict[str, Any] = {"color": BLUE, "linewidth": 1.1, "drawstyle": "steps-post"}
        plot.plot(list(frame["trial"]), list(frame["hypervolume"]), **look)
        plot.set_xlabel("Trial")
        plot.xaxis.set_major_locator(MaxNLocator(integer=True))
        plot.set_ylabel("Hypervolume")
    return figure


def curve_frame(runs: StudyRuns) -> pd.DataFrame:
    """What was measured after each epoch of the baselines, the controls and the front.

    Of several seeds the mean, as far as all of them went.

    Returns:
        (epochs, columns `row`, `trial`, `epoch` and the quality), dtype object.
    """
    shown = [*zip(repeat("baseline"), runs.baselines), *zip(repeat("control"), runs.controls)]
    rows: list[Mapping[str, Any]] = []
    for kind, run in [*shown, *zip(repeat("front"), front(runs))]:
        number = run.number if run.number >= 0 else None
        for epoch, value in _curve(runs, run):
            rows.append({"row": kind, "trial": number, "epoch": epoch, runs.quality: value})
    return object_frame(rows, ["row", "trial", "epoch", runs.quality])


def _curve(runs: StudyRuns, run: Run) -> Iterator[tuple[int, float]]:
    """(epoch, quality) in ascending order."""
    name = f"{EPOCH_PREFIX}{runs.quality}"
    curves = [dict(runs.curve(run_id, name)) for run_id in ids_of(run).values()]
    for epoch in sorted(set.intersection(*map(set, curves))):
        yield epoch, fmean(curve[epoch] for curve in curves)


def curve_figure(runs: StudyRuns, frame: pd.DataFrame) -> Figure:
    """Quality over epochs: the best of the front in colours, the others grey.

    Args:
        frame: what `curve_frame` gave, not empty.
    """
    stated = quantity(runs.quality, runs.catalog)
    scale = 100 if stated.format == "percent" else 1
    # in the order of the frame: baselines, controls, then the front
    groups = frame.groupby(["row", "trial"], dropna=False, sort=False)
    last = dict(frame[frame["row"] == "front"].groupby(["row", "trial"])[runs.quality].last())
    best = sorted(last, key=lambda key: -last[key])[:BEST]
    colours = dict(zip(best, cycle(COLOURS), strict=False))
    with panels(["learning curves"]) as (figure, (plot,)):
        for key, group in groups:
            kind, number = key
            look: dict[str, Any] = {"linewidth": 0.8, "color": colours.get(key, GREY)}
            if kind != "front":
                look |= {"color": INK, "linestyle": "-" if kind == "baseline" else "--"}
            label = f"trial {number:.0f}" if key in colours else ""
            if kind != "front":
                label = str(kind)
            drawn = scale * group[runs.quality].astype(float)
            plot.plot(list(group["epoch"]), list(drawn), label=label or None, **look)
        plot.set_xlabel("Epoch")
        plot.set_ylabel(stated.axis)
        handles = dict(zip(*reversed(plot.get_legend_handles_labels()), strict=True))
        look = {"loc": "outside upper center", "ncols": 3, "frameon": False}
        figure.legend(handles.values(), handles.keys(), **look)
    return figure


def importance_frame(runs: StudyRuns) -> pd.DataFrame:
    """How much of each objective each knob decides, as the study noted it at its end.

    Returns:
        (knobs, columns `objective`, `branch`, `trials`, `knob`, `importance`), dtype object.
    """
    columns = ["objective", "branch", "trials", "knob", "importance"]
    rows: list[Mapping[str, Any]] = []
    for one in runs.importance:
        for knob, share in one["importances"].items():
            head = picked(one, columns[:3])
            rows.append(head | {"knob": knob, "importance": share})
    return object_frame(rows, columns)


def importance_figure(frame: pd.DataFrame) -> Figure:
    """Bars, a panel for each objective and branch.

    Args:
        frame: what `importance_frame` gave, not empty.
    """
    # what decides one objective may not matter to another
    groups = list(frame.groupby(["objective", "branch"], sort=False))
    titles = [", ".join(filter(None, map(str, names))) for names, _ in groups]
    with panels(titles) as (figure, plots):
        for plot, (_, group) in zip(plots, groups, strict=True):
            words = short_names(list(group["knob"]))
            names = list(map(visible, reversed(list(words.values()))))
            plot.barh(names, list(reversed(list(group["importance"]))), color=ORANGE, height=0.6)
            plot.set_xlim(0, 1)
        plots[-1].set_xlabel("Share of the importance (PED-ANOVA)")
        height = PANEL_INCHES * len(groups) + BAR_INCHES * len(frame)
        figure.set_size_inches(figure.get_figwidth(), height)
    return figure
