"""The control: the same fine-tuning, no compression."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Job, Stage, Strategy, knob, strategy


@strategy("identity", version=1)
@dataclass(frozen=True, kw_only=True)
class Identity(Strategy):
    """Train on without changing the net: what fine-tuning alone gives.

    Source: Blalock et al. 2020, arXiv:2003.03033 (the control that pruning results lack).

    Every study has one run of it, with the largest budget of fine-tuning that a trial may spend:
    what a method gains by training longer is not counted as its own. As a step behind others it
    trains on while their promises are held.

    Not for: making anything smaller. It is a control.
    """

    keeps = frozenset({"sparsity", "codebook", "levels", "bits"})

    epochs: int = knob(0, low=0, high=1000, unit="epochs", doc="fine-tuning; 0: the net as it is")

    def apply(self, stage: Stage, job: Job) -> Stage:
        """The same net, fine-tuned; its constraints are enforced."""
        return job.finetune(stage, self.epochs) if self.epochs else stage
