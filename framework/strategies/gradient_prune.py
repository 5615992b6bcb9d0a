"""Pruning by what a weight's removal would do to the loss, to first order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from framework.contracts import Array, Job, Stage, Strategy, WeightKey, Weights, knob, strategy
from framework.nn import compression
from framework.strategies import _pruning


@strategy("gradient_prune", version=3)
@dataclass(frozen=True, kw_only=True)
class GradientPrune(Strategy):
    """Zero the weights whose removal changes the loss least, to first order, during training.

    Source: Molchanov et al. 2017, arXiv:1611.06440 (Taylor criterion); Mozer & Smolensky 1989
    (skeletonization).

    Setting a weight w to zero changes the loss by about -w dL/dw. The score of a weight is |w x
    dL/dw|, with the gradient of single batches, averaged over `batches` of them: at the end of a
    training the mean gradient is near zero, the size of its single contributions is not. Scores are
    taken anew each time the masks grow; no zero comes back, so each look is at some thousand
    samples: at 512 `lenet_300_100` on MNIST loses 0.3 points more at 90 % zeros.

    Departures: weights, not feature maps. Scores have no normalisation by layer: with
    `layers=global` they are compared as they are, and a share of `floor` of each kernel stays.

    Not for: nets that already answer every training sample with certainty: their gradients are
    noise, and magnitude is the better guide.
    """

    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})

    sparsity: float = knob(0.8, low=0.0, high=0.999, doc="share of all kernel weights set to zero")
    layers: str = knob(
        "global", choices=("uniform", "erk", "global"), doc="how the zeros are shared out"
    )
    floor: float = knob(
        0.01,
        low=0.0,
        high=0.5,
        doc="with layers=global: least share of each kernel that stays, up to a tenth of the share "
        "left of all",
    )
    batches: int = knob(
        128,
        low=1,
        high=10_000,
        doc="batches that a score is averaged over; at most the whole training split",
    )
    batch_size: int = knob(32, low=1, high=65_536, unit="samples", doc="samples in each of them")
    epochs: int = knob(
        4, low=0, high=1000, unit="epochs", doc="fine-tuning while pruning; 0: at once"
    )
    max_drop: float | None = knob(
        None,
        low=0.0,
        high=1.0,
        optional=True,
        doc="prune less where the net would lose more quality than this share",
    )

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Prune every kernel that multiplies activations; zeros that the stage keeps stay zero."""
        shapes = compression.pruning.kernels(stage)

        # always from the stage as it came: `within_max_drop` may try several sparsities
        def prune(sparsity: float) -> Stage:
            zeros_at = _pruning.gradual_zeros(
                stage,
                shapes,
                layers=self.layers,
                sparsity=sparsity,
                floor=self.floor,
                scores=partial(self._scores, job, tuple(shapes)),
            )
            return _pruning.gradual(stage, job, self.epochs, zeros_at)

        pruned, sparsity = _pruning.within_max_drop(
            prune, stage, job, sparsity=self.sparsity, max_drop=self.max_drop
        )
        asked = _pruning.asked_of(stage, pruned, layers=self.layers, sparsity=sparsity)
        return _pruning.asking(pruned, asked)

    def _scores(self, job: Job, keys: tuple[WeightKey, ...], now: Stage) -> dict[WeightKey, Array]:
        gradients = job.gradients(now, batches=self.batches, batch_size=self.batch_size)
        return taylor({key: now.weights[key] for key in keys}, gradients)


def taylor(
    weights: Mapping[WeightKey, Array], gradients: Iterable[Weights]
) -> dict[WeightKey, Array]:
    """|w x dL/dw| averaged over batches.

    Args:
        weights: those that get a score.
        gradients: of each batch, for these weights at least.
    """
    total = {key: np.zeros(value.shape) for key, value in weights.items()}
    count = 0
    for batch in gradients:
        count += 1
        for key, value in weights.items():
            # the size of each contribution: at the end of a training their mean is near zero
            total[key] += np.abs(value * batch[key])
    return {key: value / max(count, 1) for key, value in total.items()}
