"""The Pareto front of a study, with its baseline and control, as one table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from framework.report.frame import (
    ARCHITECTURE,
    StudyRuns,
    object_frame,
    parameters,
    result_metrics,
    varying_parameters,
)
from framework.results import chance
from framework.results.fronts import Direction, on_front
from framework.results.record import BASELINE_PREFIX, COUNTS, Run, one_of_each, spanned
from framework.study.constraints import feasible

RATIO = "_ratio"  # suffix: the baseline's value of a line divided by the row's own
LARGEST = 1e300  # the store hands infinity back as the largest float
LINES = (
    "params_total", "params_nonzero", "size_dense_bytes", "size_sparse_bytes",
    "size_codebook_bytes", "size_entropy_bytes", "size_tflite_bytes",
    "size_tflite_compressed_bytes", "macs_dense", "macs_effective",
)  # fmt: skip
ASKED = (
    "sparsity_asked", "sparsity_reached", "clusters_asked", "clusters_reached",
    "clusters_reached_per_channel", "bits_asked", "bits_reached", "touched_share",
    "quantized_share", "val_disagreement",
)  # fmt: skip
LEADING = ("val_accuracy", "val_r2", "val_rmse", "accuracy_drop", "r2_drop")


@dataclass(frozen=True)
class Axes:
    """The two objectives that order the table and span the figure.

    Args:
        size: metric that grows along the horizontal axis.
        quality: metric that grows along the vertical axis.
        size_way, quality_way: which direction is better.
    """

    size: str
    quality: str
    size_way: Direction
    quality_way: Direction


def axes_of(runs: StudyRuns) -> Axes:
    """The study's size objective and its quality objective.

    Non-zero parameters and the task's own by default.
    """
    ways = runs.objectives
    size, quality = spanned(ways, runs.task)
    return Axes(size, quality, ways.get(size, "min"), ways.get(quality, "max"))


def point(run: Run, names: Iterable[str]) -> tuple[float, ...] | None:
    """The run's values of these metrics; None if one is missing or not finite."""
    values = tuple(run.metrics.get(name, math.nan) for name in names)
    return values if all(abs(value) < LARGEST for value in values) else None


def front(runs: StudyRuns) -> list[Run]:
    """Finished trials that meet the constraints and that no other such trial beats, largest first.

    Of trials measured by several versions of a metric those of the latest.
    Trials that are exactly equal in all objectives are all on the front, unless they are of one
    spec: it counts once.
    """
    names = list(runs.objectives)
    ranked = [run for run in runs.finished if run not in runs.unranked]
    good = one_of_each({run.number: run for run in ranked if feasible(run.metrics)})
    rivals = [(run, values) for run in good.values() if (values := point(run, names)) is not None]
    kept = on_front([values for _, values in rivals], list(runs.objectives.values()))
    axes = axes_of(runs)

    def place(run: Run) -> tuple[float, float, int]:
        quality = run.metrics.get(axes.quality, 0.0)
        return (
            -run.metrics.get(axes.size, 0.0),
            -quality if axes.quality_way == "max" else quality,
            run.number,
        )

    return sorted((run for (run, _), on in zip(rivals, kept, strict=True) if on), key=place)


def pareto_frame(runs: StudyRuns) -> pd.DataFrame:
    """The baselines, the controls and the front, one row each, every number exact.

    Columns: `row` (`baseline`, `control`, `front`), `label`, `trial`, the parameters that vary,
    quality, the size ledger with each line's ratio (baseline / row) beside it, every other metric
    the spec determines. None is empty.

    Returns:
        (rows, columns), dtype object.
    """
    varying = varying_parameters(runs)
    rows = [
        {"row": kind, "label": label} | _row(runs, kind, run, varying=varying)
        for kind, label, run in rows_shown(runs)
    ]
    if not runs.baselines:
        rows = _baselines_of_trials(runs) + rows
    rows = _without_what_is_the_same(rows, searched=runs.several_nets)
    names = {name for row in rows for name, value in row.items() if value is not None} - {
        "row",
        "label",
    }
    return object_frame(rows, ["row", "label", *_ordered(names, varying)])


def rows_shown(runs: StudyRuns) -> list[tuple[str, str, Run]]:
    """What the tables show, in order: (`baseline`, `control` or `front`, label, run)."""
    shown = [("baseline", label, run) for label, run in baselines_shown(runs)]
    shown += [("control", "control", run) for run in runs.controls]
    return shown + [("front", _label(run), run) for run in front(runs)]


def baselines_shown(runs: StudyRuns) -> list[tuple[str, Run]]:
    """The baselines that the controls and the front are measured against, with their labels.

    A study that searches how nets are trained has one for each way of training: the label says
    whose it is.
    """
    rows = [*runs.controls, *front(runs)]
    owners = [
        (run, [row for row in rows if run.params.items() <= row.params.items()])
        for run in runs.baselines
    ]
    owners = [(run, owned) for run, owned in owners if owned] or owners
    nets = [runs.net(run) for run, _ in owners]
    ambiguous = len(set(nets)) < len(nets)
    whose = [
        f" of {', '.join(map(_label, owned))}" if ambiguous and owned else "" for _, owned in owners
    ]
    return [
        (f"baseline{text}{_chance(runs, run)}", run)
        for text, (run, _) in zip(whose, owners, strict=True)
    ]


def _chance(runs: StudyRuns, run: Run) -> str:
    return f" ({chance.MARK})" if chance.at_chance(run.metrics, runs.task) else ""


def _label(run: Run) -> str:
    return "control" if run.number < 0 else f"trial {run.number}"


def _row(runs: StudyRuns, kind: str, run: Run, *, varying: Iterable[str]) -> dict[str, Any]:
    metrics = result_metrics(run, shown=runs.objectives)
    own = {name: value for name, value in metrics.items() if not name.startswith(BASELINE_PREFIX)}
    base = (
        own if kind == "baseline" else {name: metrics.get(BASELINE_PREFIX + name) for name in own}
    )
    row: dict[str, Any] = {"trial": run.number if kind == "front" else None}
    row |= parameters(runs, run, varying)
    row |= {ARCHITECTURE: runs.net(run), "strategy": run.tags.get("strategy")}
    no_drop = {runs.drop: 0.0} if kind == "baseline" and runs.quality in own else {}
    return row | own | _ratios(own, base) | no_drop


def _ratios(own: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, float]:
    lines = [
        name
        for name in own
        if name.startswith(COUNTS) and own[name] > 0 and base.get(name) is not None
    ]
    return {name + RATIO: base[name] / own[name] for name in lines}


def _baselines_of_trials(runs: StudyRuns) -> list[dict[str, Any]]:
    """Rows for baselines whose own run is not in this experiment, from what the trials say."""
    rows: dict[str, dict[str, Any]] = {}
    for run in (*runs.controls, *runs.finished):
        of_baseline = {
            name.removeprefix(BASELINE_PREFIX): value
            for name, value in run.metrics.items()
            if name.startswith(BASELINE_PREFIX)
        }
        net = runs.net(run) or ""
        if of_baseline and net not in rows:
            tags = {ARCHITECTURE: run.tags.get(ARCHITECTURE, ""), "strategy": "none"}
            dense = Run("", "", "FINISHED", tags, {}, of_baseline)
            rows[net] = {"row": "baseline", "label": "baseline"} | _row(
                runs, "baseline", dense, varying=()
            )
            rows[net][ARCHITECTURE] = net
    return [rows[net] for net in sorted(rows)]


def _without_what_is_the_same(
    rows: list[dict[str, Any]], *, searched: bool
) -> list[dict[str, Any]]:
    """Leave the architecture out where there is one, and the strategy where the front has one.

    Args:
        searched: the study chooses between architectures, so that one alone on the front is a
            result.
    """
    front_rows = [row for row in rows if row["row"] == "front"]
    same = (
        {ARCHITECTURE} if len({row[ARCHITECTURE] for row in rows}) <= 1 and not searched else set()
    )
    same |= {"strategy"} if len({row["strategy"] for row in front_rows}) <= 1 else set()
    return [{name: value for name, value in row.items() if name not in same} for row in rows]


def _ordered(names: Iterable[str], varying: list[str]) -> list[str]:
    ledger = [name for line in LINES for name in (line, line + RATIO)]
    wanted = [
        "trial",
        ARCHITECTURE,
        "strategy",
        *varying,
        *LEADING,
        *ledger,
        "speedup_theoretical",
        *ASKED,
    ]
    present = set(names)
    first = [name for name in dict.fromkeys(wanted) if name in present]
    return [*first, *sorted(present - set(first))]
