"""The Pareto front of a study, with its baseline and control, as one table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import compress, repeat
from operator import itemgetter
from statistics import fmean, stdev
from typing import Any

import pandas as pd

from framework.errors import UnknownName
from framework.report.frame import (
    ARCHITECTURE,
    StudyRuns,
    in_order,
    metric_names,
    metric_values,
    object_frame,
    parameters,
    result_metrics,
    seeds_of,
    varying_parameters,
)
from framework.results import chance, looks
from framework.results.fronts import Direction, on_front
from framework.results.quantities import RATIO, quantity, spanned
from framework.results.record import BASELINE_PREFIX, Run, one_of_each
from framework.results.replicates import SEEDS, configuration_of
from framework.study.constraints import feasible

LARGEST = 1e300  # the store hands infinity back as the largest float
# Below the control's: 10 points of accuracy, and as much of R2, of which 0.1 is 10 points of the
# labels' variance.
RUINED = 0.10
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
TEST_SEEDS = "test_seeds"  # under which a row was confirmed
LEADING = (
    "val_accuracy", "val_accuracy_sd", "val_r2", "val_r2_sd", "val_rmse", "val_mse", "val_auc",
    "accuracy_drop", "accuracy_drop_sd", "r2_drop", "r2_drop_sd",
    "test_accuracy", "test_accuracy_sd", "test_r2", "test_r2_sd", TEST_SEEDS,
)  # fmt: skip


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
    size_direction: Direction
    quality_direction: Direction


def axes_of(runs: StudyRuns) -> Axes:
    """What orders the tables and spans the figures: the study's first two objectives.

    Non-zero parameters and the task's own quality where it has none; or what was asked for.

    Raises:
        UnknownName: an axis is asked for that nothing was measured on.
    """
    directions = runs.objectives
    size, quality = runs.choices.axes or spanned(directions, runs.task)
    measured = metric_names([*runs.baselines, *runs.finished])
    for name in runs.choices.axes:
        if name not in measured:
            shown = [one for one in measured if not one.startswith(BASELINE_PREFIX)]
            raise UnknownName("axis", name, shown)
    ways = [directions.get(name) or quantity(name, runs.catalog).better for name in (size, quality)]
    return Axes(size, quality, ways[0] or "min", ways[1] or "max")


def point(run: Run, names: Iterable[str]) -> tuple[float, ...] | None:
    """The run's values of these metrics; None if one is missing or not finite."""
    values = []
    for name in names:
        value = run.metrics.get(name, math.nan)
        # false of NaN as well, which compares with nothing
        if not abs(value) < LARGEST:
            return None
        values.append(value)
    return tuple(values)


def front(runs: StudyRuns) -> list[Run]:
    """Finished trials that meet the constraints and that no other such trial beats, largest first.

    Of trials measured by several versions of a metric those of the latest.
    Trials that are exactly equal in all objectives are all on the front, unless they are of one
    spec: it counts once.
    """
    return list(_front(runs))


@lru_cache(maxsize=1)  # every table of a report asks for it
def _front(runs: StudyRuns) -> tuple[Run, ...]:
    rivals, points = [], []
    for run in _candidates(runs).values():
        values = point(run, runs.objectives)
        # a trial without a value, or with an infinite one, neither beats nor is beaten
        if values is not None:
            rivals.append(run)
            points.append(values)
    best = compress(rivals, on_front(points, list(runs.objectives.values())))
    return tuple(sorted(best, key=partial(_place, axes_of(runs))))


def ruined(runs: StudyRuns) -> list[Run]:
    """Of the front the nets more than 10 points of quality below the control of their net.

    Where there is no control, below the baseline. None where all of them are: then they are the
    result.
    """
    best = front(runs)
    lost = list(filter(partial(_is_ruined, runs), best))
    return lost if len(lost) < len(best) else []


def ruined_sentence(runs: StudyRuns) -> str:
    """`3 more nets on the front ...`, without full stop; empty where there is none."""
    count = len(ruined(runs))
    if not count:
        return ""
    size = "10 points" if runs.quality == "val_accuracy" else f"{RUINED:g} of R2"
    nets = "net" if count == 1 else "nets"
    return (
        f"{count} more {nets} on the front, more than {size} below the control, not listed here "
        f"but in pareto.csv"
    )


def _is_ruined(runs: StudyRuns, run: Run) -> bool:
    references = [*runs.controls, *runs.baselines]
    same_net = [other for other in references if runs.net(other) == runs.net(run)]
    qualities = metric_values(same_net, runs.quality)
    if not qualities or runs.quality not in run.metrics:
        return False
    # controls come first; rounding is no loss
    return run.metrics[runs.quality] < qualities[0] - RUINED - 1e-9


def _candidates(runs: StudyRuns) -> dict[int, Run]:
    """Trials that may be on the front, by number, each spec once."""
    feasible_runs = {}
    for run in runs.finished:
        if run not in runs.unranked and feasible(run.metrics):
            feasible_runs[run.number] = run
    return one_of_each(feasible_runs)


def _place(axes: Axes, run: Run) -> tuple[float, float, int]:
    """Where a run goes in the table: large before small, then good before bad."""
    size, quality = run.metrics.get(axes.size, 0.0), run.metrics.get(axes.quality, 0.0)
    # the number last, so that equal points have the same order whatever the store returns
    return -size, -quality if axes.quality_direction == "max" else quality, run.number


def pareto_frame(runs: StudyRuns) -> pd.DataFrame:
    """The baselines, the controls and the front, one row each, every number exact.

    Columns: `row` (`baseline`, `control`, `front`), `label`, `trial`, the parameters that vary,
    quality, the size ledger with each line's ratio (baseline / row) next to it, every other
    metric the spec determines. None is empty.

    Returns:
        (rows, columns), dtype object.
    """
    varying = varying_parameters(runs)
    rows = [] if runs.baselines else _baselines_of_trials(runs)
    for kind, label, run in rows_shown(runs):
        rows.append({"row": kind, "label": label, **row_of(runs, kind, run, varying=varying)})
    names: set[str] = set()
    for row in rows:
        for name, value in row.items():
            if value is not None:
                names.add(name)
    names -= {"row", "label"} | _same_in_all(rows, searched=runs.several_nets)
    return object_frame(rows, ["row", "label", *_ordered(names, varying)])


def rows_shown(runs: StudyRuns) -> list[tuple[str, str, Run]]:
    """What the tables show, in order: (`baseline`, `control` or `front`, label, run)."""
    best = front(runs)
    labels = [f"{_label(run)}{_edited(runs, run)}" for run in best]
    return [*references_shown(runs), *zip(repeat("front"), labels, best)]


def references_shown(runs: StudyRuns) -> Iterator[tuple[str, str, Run]]:
    """The rows above the trials: (`baseline` or `control`, label, run)."""
    for label, run in baselines_shown(runs):
        yield "baseline", label, run
    for run in runs.controls:
        yield "control", f"control{_edited(runs, run)}", run


def baselines_shown(runs: StudyRuns) -> list[tuple[str, Run]]:
    """The baselines that the controls and the front are measured against, with their labels.

    A study that searches how nets are trained has one for each set of training parameters: the
    label says whose it is.
    """
    measured = _measured_against(runs)
    nets = [runs.net(baseline) for baseline, _ in measured]
    ambiguous = len(set(nets)) < len(nets)
    shown = []
    for baseline, rows in measured:
        whose = f" of {', '.join(map(_label, rows))}" if ambiguous and rows else ""
        shown.append(
            (f"baseline{whose}{_chance(runs, baseline)}{_edited(runs, baseline)}", baseline)
        )
    return shown


def _measured_against(runs: StudyRuns) -> list[tuple[Run, list[Run]]]:
    """Baselines with the controls and trials of the front that they belong to.

    Those that none belongs to are left out, unless that leaves nothing.
    """
    rows = [*runs.controls, *front(runs)]
    pairs = []
    for baseline in runs.baselines:
        # a trial's parameters are those of its dense net and of the compression
        measured = [run for run in rows if baseline.params.items() <= run.params.items()]
        pairs.append((baseline, measured))
    return list(filter(itemgetter(1), pairs)) or pairs


def _chance(runs: StudyRuns, run: Run) -> str:
    return f" ({chance.MARK})" if chance.at_chance(run.metrics, runs.task) else ""


def _edited(runs: StudyRuns, run: Run) -> str:
    """Beside the name, because a table in the terminal has no room for what was measured."""
    return " (edited)" if run.run_id in runs.edited else ""


def _label(run: Run) -> str:
    return "control" if run.number < 0 else f"trial {run.number}"


def row_of(
    runs: StudyRuns, kind: str, run: Run, *, varying: Iterable[str], shown: Iterable[str] = ()
) -> dict[str, Any]:
    """What a table says of one run: parameters, metrics, ratios.

    Args:
        kind: `baseline`, `control`, `front`, or `trial` for one that may be on none.
        varying: names of the parameters.
        shown: metrics that are kept though they depend on the machine; the objectives by default.
    """
    row: dict[str, Any] = {"trial": run.number if kind == "front" else None, **seeds_of(run)}
    row |= parameters(runs, run, varying) | _on_test(runs, run)
    row |= {ARCHITECTURE: runs.net(run), "strategy": runs.chain(run)}
    metrics, base = _apart(result_metrics(runs, run, shown=shown or runs.objectives))
    row |= metrics | _ratios(runs, metrics, metrics if kind == "baseline" else base)
    if kind == "baseline" and runs.quality in metrics:
        row[runs.drop] = 0.0
    return row


def _on_test(runs: StudyRuns, run: Run) -> dict[str, Any]:
    """What was confirmed of the same configuration, under seeds of its own."""
    name = runs.quality.replace("val_", looks.PREFIX)
    same = [one for one in runs.confirmed if configuration_of(one) == configuration_of(run)]
    values = metric_values(same, name)
    if not values:
        return {}
    spread = {f"{name}_sd": stdev(values)} if len(values) > 1 else {}
    return {name: fmean(values), **spread, TEST_SEEDS: len(values)}


def _apart(metrics: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run's metrics, and those of its baseline by the same names."""
    of_run, of_baseline = {}, {}
    for name, value in metrics.items():
        if name.startswith(BASELINE_PREFIX):
            of_baseline[name.removeprefix(BASELINE_PREFIX)] = value
        else:
            of_run[name] = value
    return of_run, of_baseline


def _ratios(
    runs: StudyRuns, metrics: Mapping[str, Any], base: Mapping[str, Any]
) -> dict[str, float]:
    ratios = {}
    for name, value in metrics.items():
        # a net that is pruned to nothing has no ratio
        if name in runs.ledger_lines and value > 0 and base.get(name) is not None:
            ratios[name + RATIO] = base[name] / value
    return ratios


def _baselines_of_trials(runs: StudyRuns) -> list[dict[str, Any]]:
    """Rows for baselines whose own run is not in this experiment, from what the trials say."""
    rows: dict[str, dict[str, Any]] = {}
    for run in (*runs.controls, *runs.finished):
        _, of_baseline = _apart(run.metrics)
        net = runs.net(run) or ""
        if of_baseline and net not in rows:
            tags = {ARCHITECTURE: run.tags.get(ARCHITECTURE, ""), "strategy": "none"}
            dense = Run("", "", "FINISHED", tags, {}, of_baseline)
            row = row_of(runs, "baseline", dense, varying=())
            # the label of the run's net: the tag has the plug-in's name alone
            rows[net] = {"row": "baseline", "label": "baseline"} | row | {ARCHITECTURE: net}
    return sorted(rows.values(), key=itemgetter(ARCHITECTURE))


def _same_in_all(rows: Sequence[Mapping[str, Any]], *, searched: bool) -> set[str]:
    """The architecture where there is one, and the strategy where the front has one.

    Args:
        searched: the study chooses between architectures, so that one alone on the front is a
            result.
    """
    nets = set(map(itemgetter(ARCHITECTURE), rows))
    strategies = {row["strategy"] for row in rows if row["row"] == "front"}
    same = set()
    if len(nets) <= 1 and not searched:
        same.add(ARCHITECTURE)
    if len(strategies) <= 1:
        same.add("strategy")
    return same


def _ordered(names: set[str], varying: Iterable[str]) -> list[str]:
    """The columns of the table: those that a reader looks for first, then all others by name."""
    head = ["trial", ARCHITECTURE, "strategy", *varying, SEEDS, *LEADING]
    for line in LINES:
        head += [line, line + RATIO]
    # a parameter that varies may be the architecture itself, which is named once
    wanted = dict.fromkeys([*head, "speedup_theoretical", *ASKED])
    return [*in_order(wanted, names), *sorted(names - wanted.keys())]
