"""Figures for a paper: one column wide, fonts embedded, the same bytes for the same data."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, compress, cycle
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

# it announces the making of its font cache
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

from matplotlib import style  # noqa: E402  (after the logger is quiet)
from matplotlib.axes import Axes as Plot  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: E402

from framework.results.fronts import Direction, on_front  # noqa: E402
from framework.system.text import visible  # noqa: E402

COLUMN_INCHES, HEIGHT_INCHES = 3.25, 2.6
LINE_INCHES = 0.147  # of the legend
# Okabe and Ito: the colour-blind can distinguish them
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
# of architectures, where there are several
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00")
INK = "#333333"  # of a front that belongs to none of them
# one more than colours: 42 nets before two look alike
MARKERS = ("o", "s", "^", "v", "P", "h", "<")
LONG_NAME = 19  # letters; with longer ones three columns of a legend are wider than the figure
BASELINE: dict[str, Any] = {"marker": "*", "markersize": 6.5, "markeredgewidth": 0}
CONTROL: dict[str, Any] = {  # hollow: it lies on the baseline as a rule
    "marker": "D", "markersize": 7, "markerfacecolor": "none", "markeredgewidth": 1.0,
}  # fmt: skip
SMALL: dict[str, Any] = {"color": GREY, "marker": "o", "markersize": 2.8, "markeredgewidth": 0}
BROKEN: dict[str, Any] = {"marker": "x", "markersize": 3, "markeredgewidth": 0.7}
FAINT: dict[str, Any] = {"alpha": 0.45, "linestyle": "none", "zorder": 1}
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.fontsize": 7,
    "pdf.fonttype": 42,  # TrueType: what publishers accept
    "svg.fonttype": "path",
    "svg.hashsalt": "squeezelab",  # without one the ids in the file are random
}
NO_DATES: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis: its text, which direction is better, and its scale.

    Args:
        floor: what lies below is drawn here, and the label says so; None draws it where it is.
    """

    label: str
    better: Direction
    log: bool = False
    percent: bool = False
    floor: float | None = None


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

    def raised(self, floor: float) -> Cloud:
        """The same with nothing below `floor`."""
        groups = {}
        for name, points in vars(self).items():
            groups[name] = [(x, max(y, floor)) for x, y in points]
        return Cloud(**groups)


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
    cloud, nets, y = _above_floor(cloud, nets or {}, y)
    with _style():
        figure = Figure(figsize=(COLUMN_INCHES, HEIGHT_INCHES), layout="constrained")
        # pyplot would bring global state and the backend that the user has chosen
        FigureCanvasAgg(figure)
        plot = figure.add_subplot()
        handles = _drawn(plot, cloud, nets, x, y)
        if handles:
            _legend(figure, handles)
        else:
            centre: dict[str, Any] = {"ha": "center", "va": "center", "transform": plot.transAxes}
            plot.text(0.5, 0.5, "No run has finished.", **centre)
    return figure


@contextmanager
def panels(titles: Sequence[str]) -> Iterator[tuple[Figure, list[Plot]]]:
    """A figure of one panel for each title, one below another, in our style while it is drawn."""
    with _style():
        size = (COLUMN_INCHES, HEIGHT_INCHES * len(titles))
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        plots = list(figure.subplots(len(titles), 1, squeeze=False)[:, 0])
        for plot, title in zip(plots, titles, strict=True):
            plot.set_title(visible(title), fontsize=7.5)
            _grid(plot)
        yield figure, plots


def _drawn(plot: Plot, cloud: Cloud, nets: Mapping[str, Cloud], x: Axis, y: Axis) -> list[Any]:
    """Draw the points, the front and the scales; the handles of the legend."""
    _stairs(plot, cloud, x, y, colour=INK if nets else BLUE)
    if nets:
        _points_of_nets(plot, nets, y)
    else:
        _points(plot, cloud, y)
    _scales(plot, cloud, x, y)
    return list(_keys(cloud, nets)) if nets else plot.get_legend_handles_labels()[0]


def save(figure: Figure, folder: Path, stem: str) -> list[Path]:
    """Write a figure as PDF, SVG and PNG (300 dpi), without dates or versions in them."""
    paths = []
    with _style():
        for kind, metadata in NO_DATES.items():
            paths.append(folder / f"{stem}.{kind}")
            figure.savefig(paths[-1], format=kind, dpi=300, metadata=metadata)
    return paths


def _style() -> Any:
    """Our style on matplotlib's defaults.

    Whatever style file the user has does not reach our figures.
    """
    return style.context(["default", STYLE])


def _above_floor(
    cloud: Cloud, nets: Mapping[str, Cloud], y: Axis
) -> tuple[Cloud, Mapping[str, Cloud], Axis]:
    """Cloud and vertical axis; where points lie below its floor, raised to it, and labelled so."""
    floor = y.floor
    if floor is None or min(map(itemgetter(1), cloud.points), default=floor) >= floor:
        return cloud, nets, y
    raised = {net: part.raised(floor) for net, part in nets.items()}
    label = f"{y.label}, below {floor:g} drawn at {floor:g}"
    return cloud.raised(floor), raised, replace(y, label=label)


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
        plot.plot(horizontal, vertical * (100 if y.percent else 1), **look)


def _scales(plot: Plot, cloud: Cloud, x: Axis, y: Axis) -> None:
    plot.set_xlabel(x.label)
    plot.set_ylabel(y.label)
    _grid(plot)
    scale_of_size(plot, list(map(itemgetter(0), cloud.points)), log=x.log)


def _grid(plot: Plot) -> None:
    plot.grid(visible=True, color="#DDDDDD", linewidth=0.4)
    plot.set_axisbelow(True)
    plot.margins(0.06)
    plot.tick_params(width=0.6, length=2.5)


def scale_of_size(plot: Plot, values: Sequence[float], *, log: bool = True) -> None:
    """The horizontal scale for these values, with short labels."""
    # a log scale has no place for 0, as the size of a net whose weights are all zero
    if log and values and min(values) > 0:
        plot.set_xscale("log")
        _log_ticks(plot, min(values), max(values))
    else:
        plot.xaxis.set_major_formatter(FuncFormatter(_short))


def _log_ticks(plot: Plot, smallest: float, largest: float) -> None:
    """Labels at 1, 2 and 5 of each decade.

    At 1 only where there are many decades, at every step within one octave, which is the least that
    an axis shows.
    """
    spread = largest / smallest
    if spread < 2:
        middle = math.sqrt(smallest * largest)
        plot.set_xlim(middle / 1.5, middle * 1.5)
    steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    if spread > 300:
        steps = [1.0]
    elif spread > 4:
        steps = [1.0, 2.0, 5.0]
    plot.xaxis.set_major_locator(LogLocator(base=10, subs=steps))
    plot.xaxis.set_major_formatter(FuncFormatter(_short))
    plot.xaxis.set_minor_formatter(NullFormatter())


def _short(value: float, _position: int | None = None) -> str:
    """`190000` as `190k`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
