"""Quality against size: the Pareto front of a study next to its baseline and control.

`pareto.*` and `trials.csv` contain only what the specs determine, so they are the same bytes for a
study that was killed and resumed. What depends on the machine is in `timing.csv` and
`provenance.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

import pandas as pd

from framework.report.facts.checklist import toys
from framework.report.facts.provenance import provenance
from framework.report.figures.style import Axis, save
from framework.report.figures.trade_off import Cloud, Point, trade_off
from framework.report.frame import StudyRuns, timing_frame, trials_frame
from framework.report.html import of_study
from framework.report.html.document import write_page
from framework.report.page import RATIO_NOTE, page, seed_note, speed_page
from framework.report.pareto import (
    Axes,
    axes_of,
    baselines_shown,
    front,
    pareto_frame,
    point,
)
from framework.report.resolved import names_of
from framework.report.tables.columns import Column, columns_of, csv, latex
from framework.report.tables.layout import columns as every_column
from framework.report.tables.text import listed
from framework.results.fronts import Direction
from framework.results.quantities import RATIO, quantity
from framework.results.record import Run
from framework.study.constraints import feasible

# no better than the labels' mean: how much worse has no end, and would squeeze all else
FLOORS = {"val_r2": 0.0}


def build(runs: StudyRuns, out: Path) -> list[Path]:
    """Write the report's files into a folder.

    Args:
        runs: of one study.
        out: an existing folder.

    Returns:
        The paths written: table, figure, data, provenance.
    """
    frame = pareto_frame(runs)
    texts = {
        "pareto.md": page(runs, frame),
        "pareto.csv": csv(frame),
        "pareto.tex": paper_table(runs, frame),
        "trials.csv": csv(trials_frame(runs)),
        "speed.md": speed_page(runs),
        "timing.csv": csv(timing_frame(runs)),
        "provenance.json": json.dumps(provenance(runs), indent=2, sort_keys=True) + "\n",
    }
    for name, text in texts.items():
        # the same bytes on every system, where Windows would write CR and LF
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    written = [*map(out.joinpath, texts), *save(figure_of(runs), out, "pareto")]
    return [*written, write_page(of_study.page, runs, written, out / "report.html")]


def paper_table(runs: StudyRuns, frame: pd.DataFrame) -> str:
    """The table for a paper, with what its columns mean in the caption."""
    columns = columns_of(frame, every_column(runs.catalog), level=1)
    study = runs.resolved
    nets = listed(names_of(study["architecture"]))
    meanings = "; ".join(_meanings(columns))
    toy_names = ", ".join(toys(runs))
    toy = f" Toys: {toy_names}." if toy_names else ""
    caption = (
        f"Pareto front of study {runs.name}: {nets} on {study['dataset']['use']}, "
        f"{seed_note(runs)}.{toy} {meanings}. "
        f"{RATIO_NOTE}. Control: identity strategy with the same fine-tuning. Bold: best trial of "
        f"a column."
    )
    return latex(
        frame, columns, compared=list(frame["row"] == "front"), caption=caption, label=runs.name
    )


def _meanings(columns: Iterable[Column]) -> Iterator[str]:
    for column in columns:
        # the caption explains all ratios in one sentence
        if column.doc and not column.name.endswith(RATIO):
            yield f"{column.short or column.head}: {column.doc}"


def figure_of(runs: StudyRuns) -> Any:
    """Quality against size of every finished trial; by architecture if there are several."""
    axes, groups = axes_of(runs), _groups(runs)
    x = _axis(runs, axes.size, axes.size_direction)
    y = _axis(runs, axes.quality, axes.quality_direction)
    nets = {}
    if runs.several_nets:
        for net in sorted(runs.nets(chain.from_iterable(groups.values()))):
            nets[net] = _cloud(_of_net(runs, groups, net), axes)
    return trade_off(_cloud(groups, axes), x, y, nets=nets)


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
        floor=FLOORS.get(name),
    )
