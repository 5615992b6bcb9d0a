"""The child's side of a smoke test: trials as a study runs them, on a few samples."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import SqueezelabError
from framework.planning.own_plugins import catalog_of
from framework.runner import measurement, trial
from framework.runner.baseline import Baseline, EpochReport, Lab, baseline_digest
from framework.runner.settle import Settler
from framework.runner.smoke.cover import READING, covering_specs
from framework.tracking.lookup import plan_of

if TYPE_CHECKING:
    from framework.contracts.data import Splits
    from framework.study.spec import Spec
    from framework.system.child import Send

SAMPLES = 64  # of each split, or a batch of training where that is more
LONGEST = 400  # characters of another library's message, some of which print a whole graph


class SampleLab(Lab):
    """A lab whose splits are short, and whose dense nets are not trained beforehand."""

    def splits(self, spec: Spec) -> Splits:
        """The first samples of each split; all are read, so that none is met later."""
        whole = super().splits(spec)
        return replace(
            whole,
            train=whole.train.first(max(SAMPLES, spec.train.batch_size)),
            calibration=whole.calibration.first(SAMPLES),
            validation=whole.validation.first(SAMPLES),
        )

    def baseline(self, spec: Spec, report: EpochReport = lambda epoch, values: None) -> Baseline:  # noqa: ARG002
        """The net as it comes."""
        initial = self.initial(spec)
        digest = baseline_digest(spec)
        return Baseline(digest, initial, initial, (), 0.0, self.unit(spec, initial))


def attempt(
    send: Send, root: str, name: str, settings: Sequence[str], pending: Collection[str]
) -> None:
    """Try the pending kinds of trials of a study until one fails.

    Args:
        send: called with `trying` (a text), then `passed` (a digest) or `failed` (what, given and
            todo of an error; the last two empty where it is another library's) and `step`, the
            strategy at fault.
        pending: digests of the specs that are tried.
    """
    catalog = catalog_of(Path(root))
    study = plan_of(Path(root), name, settings=settings, catalog=catalog).study
    lab = SampleLab(Path(root), catalog)
    settler = Settler(lab)
    send({"trying": READING})
    for spec in covering_specs(study, catalog):
        if spec.digest not in pending:
            continue
        try:
            lab.splits(spec)
            send({"trying": text_of(spec)})
            try_one(spec, lab, settler)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is what is looked for
            send({"failed": _told(error), "step": _culprit(spec, lab, settler)})
            return
        send({"passed": spec.digest})


def text_of(spec: Spec) -> str:
    """Net and chain, as `lenet5 under magnitude_prune+ptq`."""
    net = spec.architecture.label or spec.architecture.name
    return f"{net} uncompressed" if spec.strategy == "identity" else f"{net} under {spec.strategy}"


def try_one(spec: Spec, lab: Lab, settler: Settler) -> None:
    """Compress, export, load and measure one spec; as `trial.run`, without its latency.

    Raises:
        Exception: whatever the trial would fail of.
    """
    spec = settler.settle(spec)
    baseline = lab.baseline(spec)
    job = trial.TrialJob(spec, lab, baseline, deadline=math.inf, report=lambda epoch, values: None)
    measured = measurement.measure(trial.compress(spec, lab, job), spec, lab)
    trial.record_of(spec, lab, job, measured=measured, times={})


def _told(error: Exception) -> dict[str, str]:
    if isinstance(error, SqueezelabError):
        given = [error.given, *getattr(error, "__notes__", [])]
        return {"what": error.what, "given": "\n".join(filter(None, given)), "todo": error.todo}
    lines = list(filter(str.strip, str(error).splitlines())) or ["no more is said"]
    # TensorFlow begins with "Graph execution error:" and ends with what it is
    said = f"{lines[0]} {lines[-1]}" if lines[0].endswith(":") else lines[0]
    return {"what": f"{type(error).__name__}: {said[:LONGEST]}", "given": "", "todo": ""}


def _culprit(spec: Spec, lab: Lab, settler: Settler) -> str:
    """The step with which the chain begins to fail; empty where the net fails without any."""
    # from the dense net on: a file that cannot be made at all is no strategy's fault
    for count in range(len(spec.compress) + 1):
        try:
            try_one(replace(spec, compress=spec.compress[:count]), lab, settler)
        except Exception:  # noqa: BLE001 - it is told already
            step = spec.compress[count - 1].name if count else "identity"
            return "" if step == "identity" else step
    return ""
