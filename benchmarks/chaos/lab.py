"""Made-up results: what a net would reach is read off its spec's digest, nothing is trained."""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.chaos.moments import Clock, Moments
from framework.contracts.catalog import Catalog
from framework.contracts.data import Samples, Splits
from framework.errors import SqueezelabError, TrialDiverged, TrialTimeout
from framework.results import record
from framework.results.record import Record
from framework.runner.baseline import Baseline, EpochReport, Lab

if TYPE_CHECKING:
    from framework.study.spec import Spec

EPOCHS, EPOCH_SECONDS = 2, 11.0  # long enough for the store to be sent curves meanwhile
SAMPLES = Samples({}, np.zeros(8))
SPLITS = Splits(SAMPLES, SAMPLES, SAMPLES, {"train": "1", "test": "2"})
DIGITS = 8  # of a digest, that one number is read off


@dataclass(frozen=True)
class Fate:
    """What becomes of the nets of a scenario, as shares of its specs, 0 to 1.

    Args:
        failing: of trials.
        deadly: those that end every worker which runs them.
        untrainable: of dense nets.
    """

    failing: float
    deadly: float
    untrainable: float


def draws(spec: Spec) -> list[float]:
    """Eight numbers in 0 to 1 that the spec alone decides."""
    digest = spec.digest
    starts = range(0, len(digest), DIGITS)
    return [int(digest[start : start + DIGITS], 16) / 16**DIGITS for start in starts]


class MadeUpLab(Lab):
    """A lab without data and nets.

    Args:
        fate: what fails.
        moments: of this process, where trials run in it; None in a worker.
        clock: of the machine.
    """

    def __init__(
        self, root: Path, catalog: Catalog, *, fate: Fate, moments: Moments | None, clock: Clock
    ) -> None:
        self.root, self.catalog = root, catalog
        self.fate, self.moments, self.clock = fate, moments, clock

    def splits(self, spec: Spec) -> Splits:
        """Some samples."""
        return SPLITS

    def baseline(self, spec: Spec, report: EpochReport | None = None) -> Baseline:
        """Nothing of which anything is read.

        Raises:
            SqueezelabError: it cannot be trained.
        """
        if draws(spec.dense())[0] < self.fate.untrainable:
            raise SqueezelabError("A dense net cannot be trained.", given="Made up.")
        return None  # type: ignore[return-value]

    def pause(self) -> None:
        """What may happen while a net is trained in this process."""
        self.clock.sleep(EPOCH_SECONDS)
        if self.moments:
            self.moments.wait("epoch")
            if self.moments.is_full:
                self.moments.is_full = False
                raise OSError(errno.ENOSPC, "made up")
            self.moments.check()


@dataclass(frozen=True)
class Job:
    """Stands for `trial.TrialJob`."""

    spec: Spec
    lab: Lab
    baseline: Baseline
    deadline: float
    report: EpochReport


def done(
    spec: Spec,
    lab: MadeUpLab,
    job: Job,
    began: float,
    *,
    phase: Callable[[str], None],
    is_timed: bool,
) -> Record:
    """Stands for `trial._done`: the record of a trial that comes to its end."""
    numbers = draws(spec)
    for epoch in range(1, EPOCHS + 1):
        lab.pause()
        job.report(epoch, {"loss": numbers[1] / epoch})
    is_judged = bool(spec.compress) and spec.compress[0].name != "identity"
    # its own seconds against its limit: the clock may have leapt meanwhile
    if numbers[2] > job.deadline - began:
        raise TrialTimeout("Made up.")
    # dense nets and controls fail otherwise: nothing could be measured without them
    metrics = _metrics(numbers)
    if is_judged and numbers[0] < lab.fate.failing:
        metrics = _failed(numbers[3], metrics)
    net = f"{spec.digest} {is_judged}".encode()
    files = dict.fromkeys(record.NET_FILES, net) | {
        record.SPEC_JSON: json.dumps(spec.json(), sort_keys=True).encode()
    }
    times = {"seconds": lab.clock.monotonic() - began} | (latencies(net) if is_timed else {})
    return Record(metrics=metrics, times=times, artifacts=files, versions=_versions(lab.catalog))


def _metrics(numbers: list[float]) -> Mapping[str, float]:
    """Coarse, so that some trials are equally good."""
    return {
        "val_accuracy": round(numbers[4], 1),
        "params_nonzero": round(100 * numbers[5]),
        "accuracy_drop": numbers[6],
    }


def _failed(how: float, metrics: Mapping[str, float]) -> Mapping[str, float]:
    """One of the ways in which a trial fails; the last is found out by the coordinator."""
    if how < 1 / 3:
        raise TrialDiverged("Made up.")
    if how < 2 / 3:
        raise ValueError("made up")
    return {**metrics, "val_accuracy": math.nan}


def _versions(catalog: Catalog) -> dict[str, int]:
    return {
        name: catalog.metrics.get(name).plugin_version for name in ("accuracy", "params_nonzero")
    }


def latencies(file: bytes, *_: Any) -> dict[str, float]:
    """Stands for `measurement.latencies`: a clock that is never wrong, as there is none."""
    return dict.fromkeys(record.SPEEDS, 1.0 + file[0]) | {"latency_threads": 1.0}
