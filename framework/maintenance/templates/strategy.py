"""What this strategy is, in one line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Array, Job, Mask, Stage, Strategy, knob, strategy
from framework.nn import compression


# The name is the file's name. Raise the version when the strategy's numbers change: results are
# found again by it.
@strategy("new_name", version=1)
@dataclass(frozen=True, kw_only=True)
class NewName(Strategy):
    """Zero the smallest weights of each kernel at once, then train those that are left.

    Replace by what yours does.

    Source: your paper, as "Han et al. 2015, arXiv:1506.02626" (one round of it; there it is
    repeated).
    """

    # Which orders of steps make sense follows from these: `needs` a trained net (the default) or
    # the untrained one ("initial"); what it `keeps` of earlier steps; what it `gives`. Properties:
    # sparsity, codebook, levels, bits.
    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})

    # A knob is declared here and nowhere else: default, range, unit, help. A study may search it
    # within this range.
    sparsity: float = knob(0.8, low=0.0, high=0.99, doc="share of each kernel set to zero")
    epochs: int = knob(4, low=0, high=1000, unit="epochs", doc="fine-tuning after pruning; 0: none")

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Prune every dense and convolution kernel.

        Zeros that are there already count, and stay.
        """
        # The stage given is a value and stays as it is; a new one is returned. `job` has all else:
        # train and calibration samples, finetune, seed(purpose) for every random number, the
        # untrained net.
        kernels = compression.pruning.kernels(stage)
        asked, weights, masks = {}, dict(stage.weights), []
        for key, shape in kernels.items():
            asked[key] = compression.masks.zeros_asked(int(np.prod(shape)), self.sparsity)
            weights[key] = pruned(stage.weights[key], asked[key])
            # What must stay zero is stated by a Mask: every later training enforces it, and it is
            # checked in the exported file.
            masks.append(Mask(key, weights[key] == 0))
        small = stage.with_weights(weights).keeping(tuple(masks))
        # epochs=0: the effect alone, at once
        tuned = job.finetune(small, self.epochs) if self.epochs else small
        # What was asked of each kernel: the trial counts what was reached, in the net and in the
        # exported file.
        return tuned.asking(asked, keeps=tuple(masks))


# The heart of a strategy is a pure function: it can be tried alone, with a known answer, without a
# net.
def pruned(values: Array, zeros: int) -> Array:
    """A copy whose `zeros` smallest values are zero."""
    return np.where(compression.masks.smallest(values, zeros), 0, values).astype(np.float32)
