"""Quality against size: all trials faint, the front as a staircase, baseline and control apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress, cycle
from operator import itemgetter
from typing import Any

import numpy as np
from matplotlib.axes import Axes as Plot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from framework.report.figures.style import (
    BASELINE,
    BLUE,
    BROKEN,
    COLOURS,
    COLUMN_INCHES,
    CONTROL,
    FAINT,
    GREEN,
    GREY,
    HEIGHT_INCHES,
    INK,
    MARKERS,
    ORANGE,
    SMALL,
    Axis,
    light_grid,
    our_style,
    scale_of_size,
)
from framework.results.fronts import Direction, on_front
from framework.system.text import visible

LINE_INCHES = 0.147  # of the legend
ROOM = 0.05  # of the axis, beyond what it shows
MANY = 2000  # points of a group: as vectors they would make megabytes, so pixels stand for them
LONG_NAME = 19  # letters; with longer ones three columns of a legend are wider than the figure
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """The points of a trade-off as (horizontal, vertical) values.

    Each group has a marker of its own.
    """

    trials: Sequence[Point] = ()
    infeasible: Sequence[Point] = ()
    front: Sequence[Point] = ()
    baselines: Sequence[Point] = ()
    controls: Sequence[Point] = ()

    @property
    def points(self) -> list[Point]:
        """All of them."""
        return list(chain.from_iterable(vars(self).values()))

    def beyond(self, y: Axis) -> list[Point]:
        """Those that lie off the vertical axis."""
        floor = y.floor
        if floor is None:
            return []
        worse = min if y.better == "max" else max
        return [point for point in self.points if worse(point[1], floor) != floor]


def staircase(points: Sequence[Point], x: Direction, y: Direction) -> list[Point]:
    """The corners of the best vertical value reached at each horizontal value, from left to right.

    Args:
        points: (n, 2), finite.
        x, y: which direction is better.

    Returns:
        The points that no other beats, without duplicates, ascending in the horizontal value.
    """
    return sorted(set(compress(points, on_front(points, [x, y]))))


def trade_off(cloud: Cloud, x: Axis, y: Axis, *, nets: Mapping[str, Cloud] | None = None) -> Figure:
    """All trials faint, the front as a staircase with markers, baseline and control apart.

    Args:
        nets: architecture -> its points of the cloud, where there are several: each has a colour
            and a marker.
    """
    with our_style():
        figure = Figure(figsize=(COLUMN_INCHES, HEIGHT_INCHES), layout="constrained")
        # pyplot would bring global state and the backend that the user has chosen
        FigureCanvasAgg(figure)
        plot = figure.add_subplot()
        handles = _drawn(plot, cloud, nets or {}, x, y)
        if handles:
            _legend(figure, handles)
        else:
            centre: dict[str, Any] = {"ha": "center", "va": "center", "transform": plot.transAxes}
            plot.text(0.5, 0.5, "No run has finished.", **centre)
    return figure


def _drawn(plot: Plot, cloud: Cloud, nets: Mapping[str, Cloud], x: Axis, y: Axis) -> list[Any]:
    """Draw the points, the front and the scales; the handles of the legend."""
    _stairs(plot, cloud, x, y, colour=INK if nets else BLUE)
    if nets:
        _points_of_nets(plot, nets, y)
    else:
        _points(plot, cloud, y)
    _scales(plot, cloud, x, y)
    keys = list(_keys(cloud, nets)) if nets else plot.get_legend_handles_labels()[0]
    # after the scales, whose ends they keep to
    return [*keys, *_limits(plot, x, y), *_edge(plot, cloud, y)]


def _edge(plot: Plot, cloud: Cloud, y: Axis) -> list[Any]:
    """A mark at the edge of the axis for each point that lies off it."""
    beyond = cloud.beyond(y)
    if not beyond or y.floor is None:
        return []
    scale = 100 if y.percent else 1
    floor, best = scale * y.floor, plot.get_ylim()[1 if y.better == "max" else 0]
    # room for the marks of the best, too
    plot.set_ylim(*sorted([floor, best + ROOM * (best - floor)]))
    marker, side = ("v", "below") if y.better == "max" else ("^", "above")
    look: dict[str, Any] = {"color": GREY, "marker": marker, "markersize": 3.5, "linestyle": "none"}
    places = list(map(itemgetter(0), beyond))
    # half of it would lie outside
    look |= {"clip_on": False, "label": f"{side} the axis", "zorder": 5}
    return plot.plot(places, [floor] * len(places), **look)


def _limits(plot: Plot, x: Axis, y: Axis) -> list[Any]:
    """The limits of constraints, as lines across the plot."""
    look: dict[str, Any] = {"color": ORANGE, "linewidth": 0.8, "linestyle": "--", "zorder": 1}
    ends = plot.get_xlim(), plot.get_ylim()
    scale = 100 if y.percent else 1
    # a limit that lies beyond what was measured is shown, too
    lines = [plot.axvline(limit, label="limit", **look) for limit in x.limits]
    low, high = ends[1]
    room = ROOM * (high - low)
    for limit in y.limits:
        lines.append(plot.axhline(scale * limit, label="limit", **look))
        low, high = min(low, scale * limit - room), max(high, scale * limit + room)
    plot.set_xlim(ends[0])
    plot.set_ylim(low, high)
    return lines[:1]


def _stairs(plot: Plot, cloud: Cloud, x: Axis, y: Axis, *, colour: str) -> None:
    corners = staircase(cloud.front, x.better, y.better)
    step = "steps-post" if x.better == "min" else "steps-pre"
    _group(plot, corners, y, color=colour, linewidth=1.1, drawstyle=step, zorder=2)


def _points(plot: Plot, cloud: Cloud, y: Axis) -> None:
    """One architecture: a colour for each kind of run."""
    dot: dict[str, Any] = {"marker": "o", "linestyle": "none"}
    apart: dict[str, Any] = {"linestyle": "none", "zorder": 4}
    # the order of calls is the order of the legend
    _group(plot, cloud.trials, y, label="trial", **SMALL, **FAINT)
    _group(plot, cloud.infeasible, y, color=GREY, label="breaks a constraint", **BROKEN, **FAINT)
    _group(plot, cloud.front, y, color=BLUE, markersize=3.8, zorder=3, label="Pareto front", **dot)
    _group(plot, cloud.baselines, y, color=ORANGE, label="baseline", **BASELINE, **apart)
    _group(plot, cloud.controls, y, color=GREEN, label="control", **CONTROL, **apart)


def _points_of_nets(plot: Plot, nets: Mapping[str, Cloud], y: Axis) -> None:
    """Several architectures: a colour and a marker for each.

    Size and fill distinguish the kinds of run, as with one architecture.
    """
    apart: dict[str, Any] = {"linestyle": "none", "zorder": 4}
    for cloud, colour, marker in zip(nets.values(), cycle(COLOURS), cycle(MARKERS)):
        look: dict[str, Any] = {"color": colour, "marker": marker}
        _group(plot, cloud.trials, y, markersize=2.8, markeredgewidth=0, **look, **FAINT)
        _group(plot, cloud.infeasible, y, color=colour, **BROKEN, **FAINT)
        _group(plot, cloud.front, y, markersize=4.2, zorder=3, linestyle="none", **look)
        _group(plot, cloud.baselines, y, color=colour, **BASELINE, **apart)
        _group(plot, cloud.controls, y, color=colour, **CONTROL, **apart)


def _keys(cloud: Cloud, nets: Mapping[str, Cloud]) -> Iterator[Line2D]:
    """The legend of several architectures.

    Their colours and markers, then the kinds of run that there are.
    """
    for net, colour, marker in zip(nets, cycle(COLOURS), cycle(MARKERS)):
        look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4.2}
        yield Line2D([], [], linestyle="none", label=visible(net), **look)
    # in grey or ink: a colour would read as one of the architectures
    if cloud.trials:
        yield Line2D([], [], label="trial", **SMALL, **FAINT)
    if cloud.front:
        yield Line2D([], [], label="Pareto front", color=INK, linewidth=1.1)
    for points, label, look in (
        (cloud.infeasible, "breaks a constraint", BROKEN),
        (cloud.baselines, "baseline", BASELINE),
        (cloud.controls, "control", CONTROL),
    ):
        if points:
            yield Line2D([], [], label=label, color=GREY, linestyle="none", **look)


def _legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Above the plot.

    Where it has more than two lines the figure grows, and the plot keeps its size.
    """
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = 3 if longest <= LONG_NAME else 2
    lines = -(-len(handles) // columns)  # rounded up
    figure.set_size_inches(COLUMN_INCHES, HEIGHT_INCHES + LINE_INCHES * max(0, lines - 2))
    look: dict[str, Any] = {"frameon": False, "handletextpad": 0.3, "columnspacing": 1.0}
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, **look)


def _group(plot: Plot, points: Sequence[Point], y: Axis, **look: Any) -> None:
    if points:
        horizontal, vertical = np.transpose(points)
        look["rasterized"] = len(points) > MANY
        plot.plot(horizontal, vertical * (100 if y.percent else 1), **look)


def _scales(plot: Plot, cloud: Cloud, x: Axis, y: Axis) -> None:
    plot.set_xlabel(x.label)
    plot.set_ylabel(y.label)
    light_grid(plot)
    # the axis is as long as what is shown on it
    within = set(cloud.points) - set(cloud.beyond(y))
    scale = 100 if y.percent else 1
    heights = list(map(itemgetter(1), within))
    if heights:
        low, high = scale * min(heights), scale * max(heights)
        room = ROOM * (high - low) or 0.5
        plot.set_ylim(low - room, high + room)
    scale_of_size(plot, list(map(itemgetter(0), cloud.points)), log=x.log)
