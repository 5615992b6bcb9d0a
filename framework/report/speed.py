"""Speed next to size: what was measured of every trial, what theory says, and why the two differ.

Times depend on the machine, so this table is apart from `pareto.*`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

import pandas as pd

from framework.report.frame import (
    StudyRuns,
    in_order,
    metric_values,
    object_frame,
    parameter,
    parameters,
    picked,
    result_metrics,
    varying_parameters,
)
from framework.report.pareto import front, references_shown
from framework.report.tables.columns import Column
from framework.report.tables.layout import column
from framework.results.quantities import RATIO, quantities
from framework.results.record import BASELINE_PREFIX, MACHINE, Run

TAKEN = (
    "val_accuracy", "val_r2", "size_tflite_bytes", "size_tflite_compressed_bytes",
    "speedup_theoretical", *MACHINE,
)  # fmt: skip
MEASURED = (*TAKEN[:3], f"size_tflite_bytes{RATIO}", *TAKEN[3:], "latency", "speedup")
SIZES = (
    "val_accuracy", "val_r2", "size_tflite_bytes", f"size_tflite_bytes{RATIO}",
    "size_tflite_compressed_bytes",
)  # fmt: skip
FRONT = " (front)"
FLOAT_BYTES = 4  # of a weight in a file that may store kernels in blocks
# shares of the zeros; files of one net differ by the padding between their tensors
HALF, NOTHING = 0.5, 0.02
FILE_SIZES = frozenset({
    "params_total", "params_nonzero", "size_tflite_bytes", "size_dense_bytes",
    f"{BASELINE_PREFIX}size_tflite_bytes", f"{BASELINE_PREFIX}size_dense_bytes",
})  # fmt: skip
QUARTER = 1.25  # theory and measurement differ by more than this factor: a gap that wants a reason


def speed_frame(runs: StudyRuns, *, only_front: bool = False) -> pd.DataFrame:
    """Baselines, controls and every finished trial: quality, size and latency side by side.

    Columns: `row`, `label`, the parameters that vary, quality, file sizes with the ratio (baseline
    / row), latency and measured speed-up with the ends of their 99 % intervals, theoretical
    speed-up, `reason`.

    Args:
        only_front: of the trials those on the front.

    Returns:
        (rows, columns), dtype object.
    """
    shown = list(references_shown(runs))
    best = set(map(attrgetter("run_id"), front(runs)))
    for run in front(runs) if only_front else runs.finished:
        mark = FRONT if run.run_id in best else ""
        shown.append(("trial", f"trial {run.number}{mark}", run))
    varying = varying_parameters(runs)
    rows = []
    for kind, label, run in shown:
        values = parameters(runs, run, varying) | _row(runs, kind, run)
        rows.append({"row": kind, "label": label} | values)
    present = set().union(*rows)
    wanted = ["row", "label", *varying, *MEASURED, "reason"]
    return object_frame(rows, in_order(wanted, present))


def gap_reason(metrics: Mapping[str, float]) -> str:
    """Why a file is not as fast as its multiply-accumulates suggest, or faster.

    Empty where there is no gap.

    Args:
        metrics: of one run, those of its baseline under `baseline.`.
    """
    low, high = metrics.get("speedup_measured_low"), metrics.get("speedup_measured_high")
    theory = metrics.get("speedup_theoretical")
    if low is None or high is None or theory is None or low / QUARTER <= theory <= high * QUARTER:
        return ""
    reasons = [*_of_zeros(metrics), *_of_bits(metrics), *_of_layers(metrics)]
    return "; ".join(reasons) or "not explained by zeros, bits or layer sizes"


def protocol(runs: StudyRuns) -> str:
    """How the times were taken, and what the dense net against itself showed."""
    threads = sorted(set(metric_values(runs.finished, "latency_threads")))
    if not threads:
        return "No latency was measured."
    counts = " and ".join(map("{:g}".format, threads))
    word = "thread" if threads == [1] else "threads"
    method = (
        f"Each file and its baseline timed in turn, {counts} {word}, 10 rounds of 20 "
        "samples each, both files opened anew in every round; intervals are 99 %, from the "
        "spread between rounds."
    )
    return " ".join([method, *_self_checks(runs)])


def _self_checks(runs: StudyRuns) -> Iterator[str]:
    """A sentence for each baseline whose file was timed against itself."""
    for run in runs.baselines:
        if "speedup_measured" in run.metrics:
            yield _self_check(runs, run)


def _self_check(runs: StudyRuns, run: Run) -> str:
    whose = f" of {runs.net(run)}" if runs.several_nets else ""
    value, low, high = _interval(run.metrics, "speedup_measured")
    shown, verdict = "no difference", "as it should"
    if not low <= 1 <= high:
        shown, verdict = "a difference", "so **the times of this machine cannot be trusted**"
    return (
        f"The baseline{whose} timed against itself showed {shown} ({value:.3f}, {low:.3f} to "
        f"{high:.3f}), {verdict}."
    )


def _row(runs: StudyRuns, kind: str, run: Run) -> dict[str, Any]:
    metrics = result_metrics(runs, run, shown=TAKEN)
    row = picked(metrics, TAKEN)
    size = metrics.get("size_tflite_bytes")
    base_size = size if kind == "baseline" else metrics.get("baseline.size_tflite_bytes")
    if size and base_size:
        row[f"size_tflite_bytes{RATIO}"] = base_size / size
    if _is_whole(metrics, "latency_us_p50"):
        digits = ".0f" if metrics["latency_us_p50"] >= 100 else ".1f"
        row["latency"] = _with_ends(metrics, "latency_us_p50", digits)
    if kind == "baseline":
        # timed against itself: the check of the protocol, no result
        return {name: value for name, value in row.items() if not name.startswith("speedup")}
    if _is_whole(metrics, "speedup_measured"):
        row["speedup"] = _with_ends(metrics, "speedup_measured", ".2f")
    return row | {"reason": gap_reason(run.metrics)}


def _interval(values: Mapping[str, Any], name: str) -> tuple[float, float, float]:
    """A measured value and the ends of its interval."""
    return values[name], values[f"{name}_low"], values[f"{name}_high"]


def _is_whole(values: Mapping[str, Any], name: str) -> bool:
    """Whether a measured value has both ends of its interval."""
    return {name, f"{name}_low", f"{name}_high"} <= values.keys()


def _with_ends(values: Mapping[str, Any], name: str, form: str) -> str:
    value, low, high = _interval(values, name)
    return f"{value:{form}} ({low:{form}} to {high:{form}})"


def _of_zeros(metrics: Mapping[str, float]) -> list[str]:
    if metrics.get("macs_effective", 0.0) > 0.95 * metrics.get("macs_dense", 0.0):
        return []
    left_out, reasons = _left_out(metrics), []
    if left_out > NOTHING:
        reasons.append(
            "zero blocks are skipped, and each block that is left takes longer than within a whole "
            "kernel"
        )
    if left_out < HALF:
        reasons.append("the runtime multiplies by scattered zeros like by any other weight")
    return reasons


def _left_out(metrics: Mapping[str, float]) -> float:
    """Share of the zeros that the file leaves out, because it stores kernels in blocks; 0 to 1.

    A file that stores every weight is longer than its weights by as much as the dense file is.
    """
    if not metrics.keys() >= FILE_SIZES:
        return 0.0
    longer, longer_dense = _overhead(metrics, ""), _overhead(metrics, BASELINE_PREFIX)
    zeros = (metrics["params_total"] - metrics["params_nonzero"]) * FLOAT_BYTES
    return min(max(longer_dense - longer, 0.0) / zeros, 1.0) if zeros else 0.0


def _overhead(metrics: Mapping[str, float], prefix: str) -> float:
    """Bytes of a file beyond its bare weights."""
    return metrics[f"{prefix}size_tflite_bytes"] - metrics[f"{prefix}size_dense_bytes"]


def _of_bits(metrics: Mapping[str, float]) -> list[str]:
    bits = metrics.get("bits_reached", 32.0)
    if bits > 16:
        return []
    if bits > 9:
        return ["float16 weights are unpacked to float32 when the file is loaded"]
    return ["arithmetic in 8 bits has its own speed, which counting operations leaves out"]


def _of_layers(metrics: Mapping[str, float]) -> list[str]:
    if metrics.get("macs_dense", 0.0) > 0.95 * metrics.get("baseline.macs_dense", 0.0):
        return []
    return ["each layer costs time of its own, whatever its size"]


def speed_columns(runs: StudyRuns) -> list[Column]:
    """The columns of the table, with one for each parameter that varies."""
    columns = [Column(name="label", head="net")]
    for name in varying_parameters(runs):
        text = str if _are_words(runs, name) else _short
        columns.append(Column(name=name, head=name, text=text))
    stated = quantities(runs.catalog)
    columns += [column(stated[name]) for name in SIZES]
    columns += [
        Column(name="latency", head="latency (us, 99 %)"),
        Column(name="speedup", head="measured speed-up (99 %)"),
        column(stated["speedup_theoretical"]),
        Column(name="reason", head="reason of the gap"),
    ]
    return columns


def _are_words(runs: StudyRuns, name: str) -> bool:
    return all(isinstance(parameter(run, name), str | None) for run in runs.finished)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
