"""One trial, from a fixed spec to a Record: a straight line. It knows neither MLflow nor Optuna."""

from __future__ import annotations

import gc
import json
import math
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from framework.contracts.job import PLAIN, Tuning
from framework.contracts.net import Stage, Step, Weights
from framework.contracts.plugins import Strategy
from framework.errors import SqueezelabError, TrialError, TrialTimeout
from framework.nn import training
from framework.planning.parts import strategy_of
from framework.results import chance, record
from framework.results.record import Record
from framework.results.requested import asked_and_reached, layers_csv, reached_in
from framework.runner import measurement
from framework.runner.baseline import (
    Baseline,
    Dense,
    EpochReport,
    Lab,
    pack_weights,
    purpose_seed,
)
from framework.runner.stage_checks import check_finite, check_keeps
from framework.system import child, interrupt
from framework.system.refusal import is_of_machine

if TYPE_CHECKING:
    from framework.contracts.data import Splits
    from framework.runner.measurement import Measured
    from framework.study.spec import Spec

# phases of a trial, in their order; its seconds count from the first to the third
AT_WORK, EXPORTING, MEASURED, TIMING = "training", "exporting", "measured", "timing"
FROZEN_RUNS = 5  # the dense net, the control, and the first trials trace what the others use
_RUNS = count()  # of this process
TOO_LONG = "The trial took longer than trial_seconds."


def run(
    spec: Spec,
    lab: Lab,
    *,
    seconds: float | None = None,
    report: EpochReport = lambda epoch, values: None,
    phase: Callable[[str], None] = lambda name: None,
    is_timed: bool = True,
) -> Record:
    """Compress, export and measure one spec.

    A failure is a Record too; only an interrupt passes through, and what the machine refuses to
    any trial.

    Args:
        spec: fixed and resolved; without steps it is the dense net itself.
        lab: data and dense nets of this process.
        seconds: wall time after which the trial fails; None for no limit. Data and the training of
            its baseline do not count; of a dense net's own run the training does.
        report: called after each epoch of training.
        phase: called with AT_WORK when the seconds begin to count, with EXPORTING, with MEASURED
            when they end, and with TIMING.
        is_timed: measure the latency of its file, too.
    """
    began, data = time.monotonic(), dict[str, object]()
    try:
        data = profile(lab.splits(spec))
        baseline = lab.baseline(spec) if spec.compress else None
        phase(AT_WORK)
        deadline = time.monotonic() + (seconds or math.inf)
        # the dense net's own run shows its training; that of a trial shows fine-tuning alone
        baseline = baseline or lab.baseline(spec, _until(deadline, report))
        began = time.monotonic()
        job = TrialJob(spec, lab, baseline, deadline=deadline, report=report)
        return replace(_done(spec, lab, job, began, phase=phase, is_timed=is_timed), data=data)
    except Exception as error:
        if isinstance(error, OSError) and is_of_machine(error):
            raise  # no trial could be run: it is none of this one's
        reason = error.reason if isinstance(error, TrialError) else "exception"
        times = {"seconds": time.monotonic() - began}
        return Record(times=times, data=data, reason=reason, error=traceback.format_exc())
    finally:
        # TensorFlow's data sets and graphs lie in cycles: Python would let 200 MiB of them pile up
        gc.collect()
        _freeze()


def _until(deadline: float, report: EpochReport) -> EpochReport:
    """A report of epochs that ends the training of a dense net after a deadline."""

    def reporting(epoch: int, values: Mapping[str, float]) -> None:
        report(epoch, values)
        if time.monotonic() > deadline:
            raise TrialTimeout(TOO_LONG)

    return reporting


def _freeze() -> None:
    """Keep what is alive after the first runs of a process out of all later collections.

    It is imports and traced nets, used until the end: each collection would walk through them. Of
    the first alone: what becomes garbage later, as nets of another structure, is to be found.
    """
    if next(_RUNS) < FROZEN_RUNS:
        gc.freeze()


def _done(
    spec: Spec,
    lab: Lab,
    job: TrialJob,
    began: float,
    *,
    phase: Callable[[str], None],
    is_timed: bool,
) -> Record:
    """The record of a trial that comes to its end."""
    stage = compress(spec, lab, job)
    phase(EXPORTING)
    measured = measurement.measure(stage, spec, lab)
    if not spec.compress:
        lab.measured[job.baseline.digest] = Dense(measured.file, measured.metrics)
    # before the file's latency is timed: that does not count against the limit
    if time.monotonic() > job.deadline:
        raise TrialTimeout(TOO_LONG)
    phase(MEASURED)
    speeds = {}
    if is_timed:
        phase(TIMING)
        speeds = measurement.timed(measured, spec, lab, job.baseline)
    times = _times(spec, job, measured=measured, began=began) | speeds
    return record_of(spec, lab, job, measured=measured, times=times)


def profile(splits: Splits) -> dict[str, object]:
    """Which data a run used: the sizes of the open splits, and the sha256 of all.

    The test split's as well: whoever opens it later can tell that it is the same.
    """
    sizes: dict[str, object] = {
        "train": len(splits.train),
        "calibration": len(splits.calibration),
        "validation": len(splits.validation),
    }
    return sizes | {f"{split}_sha256": digest for split, digest in splits.digests.items()}


def _times(spec: Spec, job: TrialJob, *, measured: Measured, began: float) -> dict[str, float]:
    """What a trial took; that of a dense net with its training, whenever that was."""
    dense_seconds = 0.0 if spec.compress else job.baseline.seconds
    held = child.resident_bytes(os.getpid())
    return {
        "fit_seconds": job.fit_seconds + dense_seconds,
        "seconds": time.monotonic() - began + dense_seconds,
        **measured.times,
        **({record.MEMORY: float(held)} if held else {}),
    }


def record_of(
    spec: Spec, lab: Lab, job: TrialJob, *, measured: Measured, times: Mapping[str, float]
) -> Record:
    """All that is kept of a trial whose file has been measured."""
    exported = measured.exported
    metrics = {
        **measured.metrics,
        **measurement.against(spec, lab, job.baseline, measured.metrics),
        **asked_and_reached(measured.stage, exported.weights),
    }
    if not spec.compress:  # a report, which loads no data, finds there what a guess reaches
        metrics |= chance.limits(exported.labels, exported.task)
    versions = {}
    for name in lab.catalog.metrics.names():
        versions[name] = lab.catalog.metrics.get(name).plugin_version
    return Record(
        metrics=metrics,
        times=times,
        artifacts=artifacts(measured.stage, spec, measured),
        tensors=tensors(measured),
        versions=versions,
    )


def compress(spec: Spec, lab: Lab, job: TrialJob) -> Stage:
    """The chain's steps in order; every constraint of earlier steps is checked after each."""
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
    # a strategy that asks nothing of weights states no step of its own
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
            if self._lab.architecture(self._spec).trained:
                rate *= train.trained_factor or 1.0
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
        request = training.gradients.Batches(
            info=self._lab.info(self._spec),
            samples=self.train,
            train=self._spec.train,
            count=batches,
            size=batch_size,
            batch_statistics=batch_statistics,
            seed=self.seed(f"gradients {self._looks}"),
        )
        return training.gradients.of(stage, request)

    def quality(self, stage: Stage) -> float:
        """Accuracy or R2 of the float net on the calibration split."""
        info = self._lab.info(self._spec)
        return measurement.quality(stage, self.calibration, info, self.catalog)

    def report(self, epoch: int, **values: float) -> None:
        """Values of one epoch."""
        self._report(epoch, values)
