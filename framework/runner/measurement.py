"""From a finished net to its numbers: the file, its metrics, the comparison with the dense net.

What is measured is the exported file, on validation unless another split is handed in.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.contracts.catalog import Catalog
from framework.contracts.data import DataInfo, Samples
from framework.contracts.file import Exported
from framework.contracts.net import Array, Stage
from framework.nn import tflite
from framework.results import record
from framework.runner.baseline import Baseline, Dense, Lab
from framework.runner.stage_checks import check_finite, check_keeps
from framework.system import interrupt

if TYPE_CHECKING:
    from framework.study.spec import Spec


@dataclass(frozen=True)
class Measured:
    """The file of a stage and all that was measured on it.

    Args:
        stage: the net that the file was made from; a regression's outputs are in the labels' unit.
    """

    stage: Stage
    file: bytes
    exported: Exported
    metrics: Mapping[str, float]
    times: Mapping[str, float]


def measure(stage: Stage, spec: Spec, lab: Lab) -> Measured:
    """Export a stage, check it against the net, measure the file on validation.

    A net that was trained on standardised labels is first brought to the labels' own unit.

    Raises:
        NotDeployable: the file does not load or disagrees.
    """
    began = time.monotonic()
    splits = lab.splits(spec)
    stage = lab.unit(spec, stage).folded(stage)
    # once more: folding the unit of a regression has changed the last layer
    check_finite(stage)
    check_keeps(stage)
    interrupt.check()
    file = tflite.converter.to_tflite(stage, splits.calibration)
    export_seconds = time.monotonic() - began
    interrupt.check()
    exported = evaluate(file, stage, splits.validation, info=lab.info(spec))
    # fewer bits decide otherwise now and then: how often is a metric, not a failure
    if stage.export.format == "float32":
        tflite.converter.check_agreement(exported.net_outputs, exported.outputs)
    metrics = take_metrics(exported, lab.catalog, split="val")
    times = {
        "export_seconds": export_seconds,
        "measure_seconds": time.monotonic() - began - export_seconds,
    }
    return Measured(stage, file, exported, metrics, times)


def evaluate(file: bytes, stage: Stage, samples: Samples, *, info: DataInfo) -> Exported:
    """The file opened and run on a split.

    Args:
        info: of the data set, with the inputs that the net reads.
    """
    return Exported(
        file=file,
        weights=tflite.weights.read_weights(file, stage),
        outputs=tflite.interpreter.outputs(file, samples),
        net_outputs=tflite.converter.predict(stage, samples),
        labels=samples.labels,
        task=info.task,
        inputs=_rebuilt(samples, info),
        products=tflite.weights.products(file),
    )


def take_metrics(exported: Exported, catalog: Catalog, *, split: str) -> dict[str, float]:
    """Every metric that is defined for the task and the split, by its name in the store."""
    values = {}
    for name in catalog.metrics.names():
        metric = catalog.metrics.build(name, {})
        interrupt.check()
        defined = exported.has_anomalies or not metric.of_anomalies
        if defined and exported.task in metric.tasks:
            values[f"{split}_{name}" if metric.of_split else name] = metric.measure(exported)
    return values


def quality(stage: Stage, samples: Samples, info: DataInfo, catalog: Catalog) -> float:
    """Accuracy, or R2, of the net itself: nothing is exported."""
    outputs = tflite.converter.predict(stage, samples)
    unexported = Exported(
        file=b"",
        weights=(),
        outputs=outputs,
        net_outputs=outputs,
        labels=samples.labels,
        task=info.task,
        inputs=_rebuilt(samples, info),
    )
    return catalog.metrics.build(record.QUALITY[info.task], {}).measure(unexported)


def _rebuilt(samples: Samples, info: DataInfo) -> Array | None:
    """(n, units): what a reconstruction is to answer; None of other tasks."""
    if info.task != "reconstruction":
        return None
    return samples.inputs[info.target].reshape(len(samples), -1)


def against(
    spec: Spec, lab: Lab, baseline: Baseline, metrics: Mapping[str, float]
) -> dict[str, float]:
    """The dense net's metrics under `baseline.`, and how the file compares with it.

    `accuracy_drop` or `r2_drop` is a share (0.01 is one point);
    `speedup_theoretical` the ratio of multiply-accumulates, without those of the file whose weight
    is zero.
    """
    dense, task = dense_net(spec, lab, baseline).metrics, lab.info(spec).task
    quality = record.quality_of(task)
    compared = {f"{record.BASELINE_PREFIX}{name}": value for name, value in dense.items()}
    compared[record.drop_of(task)] = dense[quality] - metrics[quality]
    if metrics["macs_effective"]:  # a net of nothing but zeros has no ratio
        compared["speedup_theoretical"] = dense["macs_dense"] / metrics["macs_effective"]
    return compared


def timed(measured: Measured, spec: Spec, lab: Lab, baseline: Baseline) -> dict[str, float]:
    """Latency of the file and of its baseline, timed in turn, and their ratio; 99 % intervals.

    The dense net's own run compares its file with itself: an interval without 1 there tells that
    this machine cannot be trusted with times.
    """
    return latencies(measured.file, dense_net(spec, lab, baseline).file, spec, lab)


def latencies(file: bytes, reference: bytes, spec: Spec, lab: Lab) -> dict[str, float]:
    """Latency of a file and of the one that it is compared with; see `timed`."""
    comparison = tflite.latency.compare(file, reference, lab.splits(spec).validation)
    intervals = {
        "latency_us_p50": comparison.latency_us,
        f"{record.BASELINE_PREFIX}latency_us_p50": comparison.reference_us,
        "speedup_measured": comparison.speedup,
    }
    values = {"latency_threads": float(tflite.latency.THREADS)}
    for name, interval in intervals.items():
        values |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return values


def dense_net(spec: Spec, lab: Lab, baseline: Baseline) -> Dense:
    """The dense net's own file and its metrics, measured once per process."""
    if baseline.digest not in lab.measured:
        measured = measure(baseline.stage, spec, lab)
        lab.measured[baseline.digest] = Dense(measured.file, measured.metrics)
    return lab.measured[baseline.digest]
