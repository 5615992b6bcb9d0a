"""Quality against size, methods side by side: a panel for each net, error bars over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import cycle
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes as Plot
from matplotlib.figure import Figure

from framework.report.figures.style import (
    BASELINE,
    COLOURS,
    CONTROL,
    GREY,
    INK,
    MARKERS,
    panels,
    scale_of_size,
)
from framework.report.figures.trade_off import staircase
from framework.report.pareto import RUINED
from framework.results.quantities import quantity
from framework.system.text import visible

if TYPE_CHECKING:
    from framework.contracts import Catalog
    from framework.report.compare.rows import Row
    from framework.report.compare.tables import Side

ROOM = 0.12  # of the axis, below the worst that is kept
TOP_ROOM = 0.06  # above the best
LEAST_ROOM = 0.02  # of accuracy (2 points) or R2
LINES = ("-", "--", "-.", ":")
RANDOM = "random"  # a part of the names of strategies that prune by lot: what others have to beat


def figure_of(sides: Sequence[Side], catalog: Catalog) -> Figure:
    """All configurations as points, those on a method's own front joined by a line.

    Args:
        sides: at least one.
    """
    with panels([side.net.name for side in sides]) as (figure, plots):
        looks = _looks(row.method for side in sides for row in side.rows if row.kind == "method")
        for side, plot in zip(sides, plots, strict=True):
            _draw(side, plot, looks, catalog)
        handles: dict[str, Any] = {}
        for plot in plots:
            for handle, label in zip(*plot.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        if handles:
            look: dict[str, Any] = {"frameon": False, "handletextpad": 0.3}
            figure.legend(
                handles.values(), handles.keys(), loc="outside upper center", ncols=2, **look
            )
    return figure


def _looks(methods: Iterable[str]) -> dict[str, dict[str, Any]]:
    """A colour, a marker and a line for each method, the same in all panels."""
    looks: dict[str, dict[str, Any]] = {}
    for method, colour, marker, line in zip(
        sorted(set(methods)), cycle(COLOURS), cycle(MARKERS), cycle(LINES), strict=False
    ):
        # grey, because it is no rival
        shown = GREY if method.startswith(RANDOM) else colour
        looks[method] = {"color": shown, "marker": marker, "linestyle": line}
    return looks


def _draw(side: Side, plot: Plot, looks: dict[str, dict[str, Any]], catalog: Catalog) -> None:
    quality = quantity(side.net.quality, catalog)
    scale = 100 if quality.format == "percent" else 1
    for method in sorted({row.method for row in side.rows if row.kind == "method"}):
        _bars(side, plot, [row for row in side.rows if row.method == method], looks[method], scale)
    for kind, look in (("dense", BASELINE), ("control", CONTROL)):
        rows = [row for row in side.rows if row.kind == kind]
        _bars(side, plot, rows, {"color": INK, "linestyle": "none", **look}, scale)
    _dense_line(side, plot, scale)
    _edge(side, plot, scale)
    plot.set_xlabel(quantity(side.size, catalog).axis)
    plot.set_ylabel(quality.axis)
    scale_of_size(plot, [row.means[side.size] for row in side.rows if side.size in row.means])


def _edge(side: Side, plot: Plot, scale: float) -> None:
    """The axis ends below what anybody would take; a mark at its edge for each that lies lower."""
    lost: list[tuple[float, float]] = []
    kept: list[tuple[float, float]] = []
    reference, top = math.inf, -math.inf
    for row in side.rows:
        if row.quality is not None and side.size in row.means:
            # dense net and controls come first
            if row.kind != "method":
                reference = min(reference, row.quality.mean)
            is_lost = row.quality.mean < reference - RUINED
            (lost if is_lost else kept).append((row.means[side.size], scale * row.quality.mean))
            top = max(top, scale * (row.quality.mean + (row.quality.deviation or 0.0)))
    if not lost or not kept:
        return
    heights = list(map(itemgetter(1), kept))
    floor = min(heights) - max(ROOM * (max(heights) - min(heights)), LEAST_ROOM * scale)
    # of what lies on the axis: what lies below it must not make room above
    plot.set_ylim(floor, top + TOP_ROOM * (top - floor))
    look: dict[str, Any] = {"color": GREY, "marker": "v", "markersize": 3.5, "linestyle": "none"}
    # half of a mark would lie outside
    look |= {"clip_on": False, "label": "below the axis", "zorder": 5}
    plot.plot(list(map(itemgetter(0), lost)), [floor] * len(lost), **look)


def _bars(side: Side, plot: Plot, rows: Sequence[Row], look: dict[str, Any], scale: float) -> None:
    """Points with the standard deviation over seeds, and a line through those on their front."""
    measured = [row for row in rows if row.quality is not None and side.size in row.means]
    if not measured:
        return
    points = [(row.means[side.size], _mean(row, scale)) for row in measured]
    spreads = [_spread(row, scale) for row in measured]
    sizes, means = zip(*points, strict=True)
    bars: dict[str, Any] = {"color": look["color"], "capsize": 1.5, "elinewidth": 0.7}
    plot.errorbar(sizes, means, yerr=spreads, linestyle="none", zorder=2, **bars)
    marked = {"markersize": 3.8, "linewidth": 0.9} | look
    plot.plot(sizes, means, **(marked | {"linestyle": "none"}), zorder=3)
    # a search tries much that is off its front: a line through all of it would cross itself
    corners = staircase(points, "min", "max")
    plot.plot(*zip(*corners, strict=True), **marked, zorder=3, label=visible(rows[0].method))


def _spread(row: Row, scale: float) -> float:
    """The standard deviation; no number, and so no bar, of one seed."""
    deviation = row.quality.deviation if row.quality is not None else None
    return math.nan if deviation is None else scale * deviation


def _mean(row: Row, scale: float) -> float:
    return scale * row.quality.mean if row.quality is not None else math.nan


def _dense_line(side: Side, plot: Plot, scale: float) -> None:
    """What is to be kept, across the panel."""
    dense = side.rows[0].quality
    if dense is not None:
        plot.axhline(scale * dense.mean, color=INK, linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
