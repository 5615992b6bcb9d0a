"""What each value of a knob is worth, all else fixed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, cycle
from typing import TYPE_CHECKING, Any

from framework.report.figures.style import COLOURS, GREY, MARKERS, panels
from framework.report.frame import StudyRuns, parameter
from framework.results.quantities import quantity
from framework.results.replicates import SD
from framework.system.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Plot
    from matplotlib.figure import Figure

    from framework.report.tables.ablation import Ablation


MOST = 4  # panels
FEW = 6  # groups that have a colour each


def figure_of(runs: StudyRuns, every: Sequence[Ablation]) -> Figure:
    """A panel for each knob, at most four; a line for each setting of all else."""
    shown = every[:MOST]
    stated = quantity(runs.quality, runs.catalog)
    # one below another, as each has a scale of its own
    with panels([f"{one.word}, all else fixed" for one in shown]) as (figure, plots):
        for one, plot in zip(shown, plots, strict=True):
            _draw(runs, one, plot, 100 if stated.format == "percent" else 1)
            plot.set_xlabel(one.word)
            plot.set_ylabel(stated.axis)
            if 1 < len(one.groups) <= FEW:
                plot.legend(frameon=False, fontsize=5.5, loc="best")
    return figure


def _draw(runs: StudyRuns, one: Ablation, plot: Plot, scale: float) -> None:
    """The lines of one knob."""
    places = _places(one)
    looks = zip(one.groups, one.labels, cycle(COLOURS), cycle(MARKERS), strict=False)
    for group, label, colour, marker in looks:
        points = []
        for run in group:
            # an edited run may lack it
            if runs.quality in run.metrics:
                value = parameter(run, one.knob)
                spread = run.metrics.get(runs.quality + SD, 0.0)
                place = places.get(str(value), value)
                points.append((place, scale * run.metrics[runs.quality], scale * spread))
        look: dict[str, Any] = {"marker": marker, "markersize": 3, "linewidth": 0.8}
        shade = colour if len(one.groups) <= FEW else GREY
        if points:
            x, y, bars = zip(*points, strict=True)
            plot.errorbar(x, y, yerr=bars, color=shade, capsize=1.5, label=visible(label), **look)
    if places:
        plot.set_xticks(list(places.values()), list(places))


def _places(one: Ablation) -> dict[str, int]:
    """Where words stand, at equal distances in their order; empty where all values are numbers."""
    values = [parameter(run, one.knob) for run in chain.from_iterable(one.groups)]
    if all(map(_is_number, values)):
        return {}
    return dict(zip(dict.fromkeys(map(str, values)), range(len(values)), strict=False))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
