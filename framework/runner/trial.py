"""One trial, from a fixed spec to a Record: a straight line. It knows neither MLflow nor Optuna."""

from __future__ import annotations

import gc
import json
import math
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from framework.contracts import (
    Array,
    Catalog,
    Codebook,
    Exported,
    Keep,
    Mask,
    Samples,
    Stage,
    Step,
    Strategy,
    Task,
    Weights,
)
from framework.contracts.job import PLAIN, Tuning
from framework.contracts.net import levels_at_most
from framework.errors import SqueezelabError, TrialDiverged, TrialError, TrialTimeout
from framework.nn import tflite, training
from framework.planning.resolve import strategy_of
from framework.results import chance, record
from framework.results.record import Record
from framework.results.requested import asked_and_reached, layers_csv, reached_in
from framework.runner.baseline import Baseline, Dense, Lab, pack_weights, purpose_seed
from framework.study import Spec
from framework.system import interrupt

EpochReport = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Measured:
    """The file of a stage and all that was measured on it.

    Args:
        stage: the net that the file was made from; of a regression it answers in the labels' unit.
    """

    stage: Stage
    file: bytes
    exported: Exported
    metrics: Mapping[str, float]
    times: Mapping[str, float]


def run(
    spec: Spec,
    lab: Lab,
    *,
    seconds: float | None = None,
    report: EpochReport = lambda epoch, values: None,
) -> Record:
    """Compress, export and measure one spec.

    A failure is a Record too; only an interrupt passes through.

    Args:
        spec: fixed and resolved; without steps it is the dense net itself.
        lab: data and dense nets of this process.
        seconds: wall time after which the trial fails; None for no limit. Training the baseline
            does not count.
        report: called after each epoch of training.
    """
    began = time.monotonic()
    try:
        lab.splits(spec)
        baseline = lab.baseline(spec) if spec.compress else lab.baseline(spec, report)
        began = time.monotonic()
        job = TrialJob(spec, lab, baseline, deadline=began + (seconds or math.inf), report=report)
        stage = compress(spec, lab, job)
        measured = measure(stage, spec, lab)
        if not spec.compress:
            lab.measured[baseline.digest] = Dense(measured.file, measured.metrics)
        if time.monotonic() > job.deadline:
            raise TrialTimeout("The trial took longer than trial_seconds.")
        speeds = timed(measured, spec, lab, baseline)
        dense_seconds = 0.0 if spec.compress else baseline.seconds
        fit_seconds = job.fit_seconds + dense_seconds
        seconds_spent = time.monotonic() - began + dense_seconds
        times = {"fit_seconds": fit_seconds, "seconds": seconds_spent, **measured.times, **speeds}
        return _record(spec, lab, job, measured=measured, times=times)
    except Exception as error:  # noqa: BLE001  (whatever went wrong is recorded)
        reason = error.reason if isinstance(error, TrialError) else "exception"
        return Record(
            times={"seconds": time.monotonic() - began}, reason=reason, error=traceback.format_exc()
        )
    finally:
        # TensorFlow's data sets and graphs lie in cycles: Python would let 200 MiB of them pile up
        gc.collect()


def _record(
    spec: Spec, lab: Lab, job: TrialJob, *, measured: Measured, times: Mapping[str, float]
) -> Record:
    return Record(
        metrics={
            **measured.metrics,
            **against(spec, lab, job.baseline, measured.metrics),
            **asked_and_reached(measured.stage, measured.exported.weights),
            **(
                {}
                if spec.compress
                else chance.limits(measured.exported.labels, measured.exported.task)
            ),
        },
        times=times,
        artifacts=artifacts(measured.stage, spec, measured),
        tensors=tensors(measured),
        versions={
            name: lab.catalog.metrics.get(name).plugin_version
            for name in lab.catalog.metrics.names()
        },
    )


def compress(spec: Spec, lab: Lab, job: TrialJob) -> Stage:
    """The chain's steps in order; every promise of earlier steps is checked after each."""
    stage = job.baseline.stage
    for index, step in enumerate(spec.compress):
        interrupt.check()
        strategy = strategy_of(step, lab.catalog)
        begin = job.initial if index == 0 and strategy.needs == "initial" else stage
        stage = applied(strategy, begin, job)
        check_finite(stage)
        check_keeps(stage)
    return stage


def applied(strategy: Strategy, stage: Stage, job: TrialJob) -> Stage:
    """What the strategy makes of a stage, with its step on record.

    Knobs, what was asked and reached, the price.
    """
    epochs, seconds = job.epochs, job.fit_seconds
    after = strategy.apply(stage, job)
    # some ask nothing of weights
    stated = after.steps[-1] if after.steps and not after.steps[-1].strategy else Step()
    step = replace(
        stated,
        strategy=strategy.name,
        knobs=strategy.values(),
        reached=reached_in(after, stated),
        epochs=job.epochs - epochs,
        seconds=job.fit_seconds - seconds,
    )
    return replace(after, steps=(*stage.steps, step))


def check_finite(stage: Stage) -> None:
    """Raise TrialDiverged if a weight is not finite."""
    broken = sorted(
        {layer for (layer, _), values in stage.weights.items() if not np.isfinite(values).all()}
    )
    if broken:
        raise TrialDiverged(f"Weights are not finite after the last step, in: {', '.join(broken)}.")


def check_keeps(stage: Stage) -> None:
    """Raise TrialError if the stage does not hold what it promises."""
    for keep in stage.keeps:
        broken = _broken(keep, stage.weights[keep.weight])
        if broken:
            raise TrialError(
                f"{stage.steps[-1].strategy} has undone {broken} of an earlier step in "
                f"{keep.weight}."
            )


def _broken(keep: Keep, values: Array) -> str:
    """What of a promise does not hold; empty if it does."""
    if isinstance(keep, Mask):
        return "zeros" if np.any(values[keep.zeros]) else ""
    if isinstance(keep, Codebook):
        pairs = np.unique(np.stack([keep.indices.ravel(), values.ravel()]), axis=1)
        return (
            "shared values"
            if len(pairs[0]) > len(np.unique(pairs[0])) or keep.indices.max() >= keep.size
            else ""
        )
    return "levels" if levels_at_most(values, keep.channels) > 2**keep.bits else ""


def measure(stage: Stage, spec: Spec, lab: Lab) -> Measured:
    """Export a stage, check it against the net, measure the file on validation.

    A net that was trained on standardised labels is first brought to the labels' own unit.

    Raises:
        NotDeployable: the file does not load or disagrees.
    """
    began = time.monotonic()
    splits = lab.splits(spec)
    stage = lab.unit(spec, stage).folded(stage)
    check_finite(stage)
    check_keeps(stage)
    interrupt.check()
    file = tflite.converter.to_tflite(stage, splits.calibration)
    export_seconds = time.monotonic() - began
    interrupt.check()
    exported = evaluate(file, stage, splits.validation, task=lab.info(spec).task)
    # fewer bits answer differently: how often is a metric, not a failure
    if stage.export.format == "float32":
        tflite.converter.check_agreement(exported.net_outputs, exported.outputs)
    metrics = take_metrics(exported, lab.catalog, split="val")
    times = {
        "export_seconds": export_seconds,
        "measure_seconds": time.monotonic() - began - export_seconds,
    }
    return Measured(stage, file, exported, metrics, times)


def evaluate(file: bytes, stage: Stage, samples: Samples, *, task: Any) -> Exported:
    """The file opened and run on a split."""
    return Exported(
        file=file,
        weights=tflite.weights.read_weights(file, stage),
        outputs=tflite.interpreter.answers(file, samples),
        net_outputs=tflite.converter.predict(stage, samples),
        labels=samples.labels,
        task=task,
        products=tflite.weights.products(file),
    )


def take_metrics(exported: Exported, catalog: Catalog, *, split: str) -> dict[str, float]:
    """Every metric that is defined for the task, by its name in the store."""
    values = {}
    for name in catalog.metrics.names():
        metric = catalog.metrics.build(name, {})
        interrupt.check()
        if exported.task in metric.tasks:
            values[f"{split}_{name}" if metric.of_split else name] = metric.measure(exported)
    return values


def quality(stage: Stage, samples: Samples, task: Task, catalog: Catalog) -> float:
    """Accuracy, or R2 of a regression, of the net itself: nothing is exported."""
    outputs = tflite.converter.predict(stage, samples)
    answers = Exported(b"", (), outputs, outputs, samples.labels, task)
    return catalog.metrics.build(record.QUALITY[task], {}).measure(answers)


def against(
    spec: Spec, lab: Lab, baseline: Baseline, metrics: Mapping[str, float]
) -> dict[str, float]:
    """The dense net's metrics under `baseline.`, and how the file compares with it.

    `accuracy_drop`, of a regression `r2_drop`, is a share (0.01 is one point);
    `speedup_theoretical` the ratio of multiply-accumulates, without those of the file whose weight
    is zero.
    """
    dense, task = dense_net(spec, lab, baseline).metrics, lab.info(spec).task
    quality = record.quality_of(task)
    beside = {f"{record.BASELINE_PREFIX}{name}": value for name, value in dense.items()}
    beside[record.drop_of(task)] = dense[quality] - metrics[quality]
    if metrics["macs_effective"]:  # a net of nothing but zeros has no ratio
        beside["speedup_theoretical"] = dense["macs_dense"] / metrics["macs_effective"]
    return beside


def timed(measured: Measured, spec: Spec, lab: Lab, baseline: Baseline) -> dict[str, float]:
    """Latency of the file and of its baseline, timed in turn, and their ratio; 99 % intervals.

    The dense net's own run compares its file with itself: an interval without 1 there tells that
    this machine cannot be trusted with times.
    """
    reference = dense_net(spec, lab, baseline).file
    found = tflite.latency.compare(measured.file, reference, lab.splits(spec).validation)
    named = {
        "latency_us_p50": found.latency_us,
        f"{record.BASELINE_PREFIX}latency_us_p50": found.reference_us,
        "speedup_measured": found.speedup,
    }
    values = {"latency_threads": float(tflite.latency.THREADS)}
    for name, interval in named.items():
        values |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return values


def dense_net(spec: Spec, lab: Lab, baseline: Baseline) -> Dense:
    """The dense net's own file and its metrics, measured once per process."""
    if baseline.digest not in lab.measured:
        measured = measure(baseline.stage, spec, lab)
        lab.measured[baseline.digest] = Dense(measured.file, measured.metrics)
    return lab.measured[baseline.digest]


def artifacts(stage: Stage, spec: Spec, measured: Measured) -> dict[str, bytes]:
    """The files that a run keeps; the store adds the manifest."""
    return {
        record.SPEC_JSON: json.dumps(spec.json(), indent=1, sort_keys=True).encode(),
        record.MODEL_TFLITE: measured.file,
        record.WEIGHTS_NPZ: pack_weights(stage.weights),
        record.LAYERS_CSV: layers_csv(stage, measured.exported.weights),
    }


def tensors(measured: Measured) -> dict[str, int]:
    """Weight -> index of its tensor in the file.

    -1 for a bias that is all zero and was left out.
    """
    return {weight.name: weight.tensor for weight in measured.exported.weights}


class TrialJob:
    """What a strategy may use; see `contracts.Job`.

    Args:
        deadline: `time.monotonic()` at which training stops with TrialTimeout.
    """

    def __init__(
        self, spec: Spec, lab: Lab, baseline: Baseline, *, deadline: float, report: EpochReport
    ) -> None:
        self._spec, self._lab, self._report = spec, lab, report
        self.baseline, self.deadline = baseline, deadline
        splits = lab.splits(spec)
        self._unit = lab.unit(spec, baseline.stage)
        self.train, self.calibration = map(
            self._unit.standardised, (splits.train, splits.calibration)
        )
        self.catalog = lab.catalog
        self.fit_seconds = 0.0  # wall time inside `fit` so far
        self.epochs = 0
        self._calls = 0  # of finetune: each draws its own seed
        self._looks = 0  # of gradients

    def seed(self, purpose: str) -> int:
        """A seed of 31 bits for `purpose`."""
        return purpose_seed(self._spec.seed, purpose)

    @property
    def initial(self) -> Stage:
        """The untrained net."""
        return self.baseline.initial

    @property
    def trained(self) -> Stage:
        """The dense net."""
        return self.baseline.stage

    def rewind(self, epoch: int) -> Stage:
        """The baseline's net after `epoch` epochs, trained again as far as that."""
        if not 0 <= epoch <= self._spec.train.epochs:
            raise SqueezelabError(
                "A strategy can rewind to an epoch of the baseline's training only.",
                given=f"Asked for: {epoch}; the training has {self._spec.train.epochs} epochs.",
            )
        if epoch == 0:
            return self.initial
        return self._lab.train_dense(self._spec, self.initial, report=lambda *_: None, stop=epoch)

    def steps_per_epoch(self) -> int:
        """Optimizer steps in one epoch."""
        return int(training.fit.steps_per_epoch(self.train, self._spec.train))

    def finetune(
        self,
        stage: Stage,
        epochs: int,
        tuning: Tuning = PLAIN,
    ) -> Stage:
        """Train `stage` on; see `contracts.Job`."""
        self._calls += 1
        train = self._spec.train
        if not tuning.fresh:
            rate = train.learning_rate * train.finetune_factor * tuning.rate
            train = replace(train, learning_rate=rate)
        request = training.fit.Fit(
            info=self._lab.info(self._spec),
            samples=self.train,
            validation=self._unit.standardised(self._lab.splits(self._spec).validation),
            train=train,
            epochs=epochs,
            warmup_epochs=min(train.warmup_epochs, epochs // 2) if tuning.fresh else 0,
            seed=self.seed(f"finetune {self._calls}"),
            tuning=tuning,
            deadline=self.deadline,
            report=lambda epoch, values: self.report(
                self.epochs + epoch, **self._unit.curve(values)
            ),
        )
        began = time.monotonic()
        tuned: Stage = training.fit.fit(stage, request)
        self.fit_seconds += time.monotonic() - began
        self.epochs += epochs
        return tuned

    def gradients(
        self, stage: Stage, *, batches: int, batch_size: int, batch_statistics: bool = False
    ) -> Iterator[Weights]:
        """Gradients on random batches of the training split; see `contracts.Job`."""
        self._looks += 1
        asked = training.gradients.Batches(
            info=self._lab.info(self._spec),
            samples=self.train,
            train=self._spec.train,
            count=batches,
            size=batch_size,
            batch_statistics=batch_statistics,
            seed=self.seed(f"gradients {self._looks}"),
        )
        return training.gradients.of(stage, asked)

    def quality(self, stage: Stage) -> float:
        """Accuracy or R2 of the float net on the calibration split."""
        return quality(stage, self.calibration, self._lab.info(self._spec).task, self.catalog)

    def report(self, epoch: int, **values: float) -> None:
        """Values of one epoch."""
        self._report(epoch, values)
