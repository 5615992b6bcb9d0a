"""Pruning before training, by connection sensitivity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import (
    Array,
    Job,
    Stage,
    Strategy,
    Tuning,
    WeightKey,
    Weights,
    knob,
    strategy,
)
from framework.nn import compression
from framework.strategies import _pruning


@strategy("snip", version=2)
@dataclass(frozen=True, kw_only=True)
class Snip(Strategy):
    """Zero the untrained weights the loss is least sensitive to, once, then train the others.

    Source: Lee, Ajanthan & Torr 2019, arXiv:1810.02340.

    With a switch c on each weight, the sensitivity of the loss to it is |dL/dc| = |w x dL/dw| at c
    = 1, here of the mean loss over one batch of `samples`, by whose statistics a batch
    normalisation normalises: an untrained one has no others yet. The share `sparsity` of least
    sensitivity over all kernels goes before the first step of training; the masks never change.

    Departures: a share of `floor` of each kernel stays. Gradients are without dropout. The paper
    draws initial weights by variance scaling; here they are the architecture's own. Training has
    the study's rate and warm-up and `epochs`, which is to be compared with the epochs of the dense
    net.

    Not for: a net that is already trained, which it does not look at. At high sparsity methods that
    see the trained weights find better masks.
    """

    needs = "initial"
    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})

    sparsity: float = knob(0.8, low=0.0, high=0.999, doc="share of all kernel weights set to zero")
    samples: int = knob(512, low=1, high=65_536, unit="samples", doc="in the batch that decides")
    floor: float = knob(
        0.01,
        low=0.0,
        high=0.5,
        doc="least share of each kernel that stays, up to a tenth of the share left of all",
    )
    epochs: int = knob(
        30, low=0, high=1000, unit="epochs", doc="training of the pruned net; 0: none"
    )

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Prune every kernel that multiplies activations, and train."""
        shapes = compression.pruning.kernels(stage)
        # By the batch's own statistics: an untrained batch normalisation has gathered none yet.
        (gradients,) = job.gradients(
            stage, batches=1, batch_size=self.samples, batch_statistics=True
        )
        scores = sensitivity({key: stage.weights[key] for key in shapes}, gradients)
        zeros_at = _pruning.gradual_zeros(
            stage,
            shapes,
            layers="global",
            sparsity=self.sparsity,
            floor=self.floor,
            scores=lambda now: scores,
        )
        # all zeros at once, before the first step of training
        masked = _pruning.masked(stage, zeros_at(1.0, stage))
        trained = job.finetune(masked, self.epochs, Tuning(fresh=True)) if self.epochs else masked
        asked = _pruning.asked_of(stage, masked, layers="global", sparsity=self.sparsity)
        return _pruning.asking(trained, asked)


def sensitivity(weights: Weights, gradients: Weights) -> dict[WeightKey, Array]:
    """|w x dL/dw| of each weight as a share of the sum over all, as the paper normalises it."""
    sensitivities, total = {}, 0.0
    for key, value in weights.items():
        sensitivities[key] = np.abs(value * gradients[key]).astype(np.float64)
        total += float(sensitivities[key].sum())
    # a net whose gradient is zero everywhere has no sum to divide by
    return {key: value / (total or 1.0) for key, value in sensitivities.items()}
