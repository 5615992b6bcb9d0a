"""Training sparse from the start, with connections that move."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from framework.contracts import (
    Array,
    Job,
    Remask,
    Stage,
    Strategy,
    Tuning,
    WeightKey,
    knob,
    strategy,
)
from framework.nn import compression
from framework.strategies import _pruning


@strategy("dynamic_sparse", version=2)
@dataclass(frozen=True, kw_only=True)
class DynamicSparse(Strategy):
    """Train a sparse net from the start; drop its smallest weights, grow by the gradient.

    Source: Evci et al. 2020, arXiv:1911.11134 (RigL).

    The masks are drawn at random. `updates` times in the first 75 % of training each kernel drops
    the share f = drop/2 (1 + cos(pi t / T)) of its living weights, those of least magnitude, and
    grows as many of its dead ones, those of the largest |dL/dw| on a batch, normalised by the batch
    where the net does so; what grows begins at zero. As in the paper's code a weight that was just
    dropped may grow again, and then keeps its value. The zeros of each kernel never change in
    number.

    Departures: a weight grows only where the gradient is not zero, so that pixels which are always
    black never take a place. Gradients are without dropout. The optimizer's moments of dead weights
    go on, so that what grows has some already.

    Not for: little training. It wants as many epochs as the dense net, or more.
    """

    needs = "initial"
    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})

    sparsity: float = knob(0.8, low=0.0, high=0.999, doc="share of all kernel weights set to zero")
    layers: str = knob(
        "erk",
        choices=("uniform", "erk"),
        doc="the same sparsity in each kernel, or more in wide ones",
    )
    drop: float = knob(
        0.3, low=0.0, high=1.0, doc="share of the living weights dropped at first; falls to 0"
    )
    updates: int = knob(40, low=1, high=10_000, doc="how often the masks change")
    batch_size: int = knob(
        128, low=1, high=65_536, unit="samples", doc="in the batch whose gradient decides"
    )
    epochs: int = knob(
        30, low=0, high=1000, unit="epochs", doc="training; 0: masks by lot, no training"
    )

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Train every kernel that multiplies activations under masks that move."""
        shapes = compression.pruning.kernels(stage)
        counts = _pruning.zeros_asked(self.layers, shapes, self.sparsity)
        scores = _pruning.random_scores(job, "dynamic_sparse", shapes)
        drawn = {key: compression.masks.least(scores[key], counts[key]) for key in shapes}
        sparse = _pruning.masked(stage, drawn)
        if self.epochs:
            tuning = Tuning(fresh=True, remask=self._moves(job))
            sparse = job.finetune(sparse, self.epochs, tuning)
        return _pruning.asking(sparse, counts)

    def _moves(self, job: Job) -> Remask:
        end = max(1, round(0.75 * self.epochs * job.steps_per_epoch()))
        every = max(1, end // self.updates)

        def update(step: int, now: Stage) -> Mapping[WeightKey, Array]:
            (gradients,) = job.gradients(
                now, batches=1, batch_size=self.batch_size, batch_statistics=True
            )
            share = self.drop / 2 * (1 + math.cos(math.pi * step / end))
            masks = {}
            for key, zeros in now.masks.items():
                masks[key] = moved(now.weights[key], gradients[key], zeros, share)
            return masks

        # not at `end` itself, where the share is 0
        return Remask(frozenset(range(every, end, every)), update)


def moved(weights: Array, gradients: Array, zeros: Array, share: float) -> Array:
    """The zeros after a drop and a growth; as many as before.

    Args:
        weights: of one kernel.
        gradients: of the loss, for all of its weights, the pruned ones too.
        zeros: boolean, true where a weight is pruned.
        share: of the active weights that drop, 0 to 1.
    """
    # a weight whose gradient is zero, as of a pixel that is always black, would learn nothing
    useful = gradients != 0
    count = min(round(share * int((~zeros).sum())), int((zeros & useful).sum()))
    dropped = compression.masks.least(np.where(zeros, np.inf, np.abs(weights)), count)
    # as in the paper's code, what was just dropped may grow again at once
    can_grow = (zeros | dropped) & useful
    grown = compression.masks.least(np.where(can_grow, -np.abs(gradients), np.inf), count)
    return np.asarray((zeros | dropped) & ~grown)
