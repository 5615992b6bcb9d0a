"""How figures look: one column wide, fonts embedded, colours that the colour-blind distinguish."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# it announces the making of its font cache
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

from matplotlib import style  # noqa: E402  (after the logger is quiet)
from matplotlib.axes import Axes as Plot  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: E402

from framework.results.fronts import Direction  # noqa: E402
from framework.system.text import visible  # noqa: E402

COLUMN_INCHES, PAGE_INCHES, HEIGHT_INCHES = 3.25, 6.75, 2.6
# Okabe and Ito: the colour-blind can distinguish them
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
# of architectures, where there are several
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00")
INK = "#333333"  # of a front that belongs to none of them
# one more than colours: 42 nets before two look alike
MARKERS = ("o", "s", "^", "v", "P", "h", "<")
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


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis: its text, which direction is better, and its scale.

    Args:
        floor: what is worse lies off the axis, and is marked at its edge; None shows everything.
        limits: of constraints, drawn across.
    """

    label: str
    better: Direction
    log: bool = False
    percent: bool = False
    floor: float | None = None
    limits: Sequence[float] = ()


@contextmanager
def panels(titles: Sequence[str]) -> Iterator[tuple[Figure, list[Plot]]]:
    """A figure of one panel for each title, one below another, in our style while it is drawn."""
    with our_style():
        size = (COLUMN_INCHES, HEIGHT_INCHES * len(titles))
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        plots = list(figure.subplots(len(titles), 1, squeeze=False)[:, 0])
        for plot, title in zip(plots, titles, strict=True):
            plot.set_title(visible(title), fontsize=7.5)
            light_grid(plot)
        yield figure, plots


def save(figure: Figure, folder: Path, stem: str, *, wide: bool = False) -> list[Path]:
    """Write a figure as PDF, SVG and PNG (300 dpi), without dates or versions in them.

    Args:
        wide: as the page, 6.75 inches, and not as a column of the text, 3.25.
    """
    paths = []
    if wide:
        figure.set_figwidth(PAGE_INCHES)
    with our_style():
        for kind, metadata in NO_DATES.items():
            paths.append(folder / f"{stem}.{kind}")
            figure.savefig(paths[-1], format=kind, dpi=300, metadata=metadata)
    return paths


def our_style() -> Any:
    """Our style on matplotlib's defaults.

    Whatever style file the user has does not reach our figures.
    """
    return style.context(["default", STYLE])


def light_grid(plot: Plot) -> None:
    """Behind the points, thin."""
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
