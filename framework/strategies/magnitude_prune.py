"""Magnitude pruning on a polynomial schedule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Job, Stage, Strategy, Tuning, WeightKey, knob, strategy
from framework.nn import compression
from framework.strategies import _pruning


@strategy("magnitude_prune", version=2)
@dataclass(frozen=True, kw_only=True)
class MagnitudePrune(Strategy):
    """Zero the smallest weights of each kernel while training goes on.

    Source: Zhu & Gupta 2017, arXiv:1710.01878 (schedule); Evci et al. 2020, arXiv:1911.11134 (ERK
    proportions).

    The share of zeros rises as s(t) = s_f (1 - (1 - t/T)^3), fast while there is much to spare;
    each time the weights of least magnitude |w| go, in each kernel by itself. ERK proportions leave
    more to thin kernels, as those of a squeeze layer, which uniform ones starve.

    Departures: the masks are final after 60 % of the fine-tuning and are updated about 20 times on
    the way; the learning rate falls on the study's schedule, without warm-up. The kernels of one
    recurrent or attention layer have one sparsity. Runs on tensorflow-model-optimization's wrapper.

    Not for: speed. A runtime multiplies by scattered zeros like by any other number; `block_prune`
    is for that.
    """

    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})

    sparsity: float = knob(0.8, low=0.0, high=0.99, doc="share of all kernel weights set to zero")
    layers: str = knob(
        "erk",
        choices=("uniform", "erk"),
        doc="the same sparsity in each kernel, or more in wide ones",
    )
    epochs: int = knob(
        4,
        low=0,
        high=1000,
        unit="epochs",
        doc="fine-tuning while pruning; 0: at once, without training",
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

        def prune(sparsity: float) -> Stage:
            pruned = self._prune(stage, job, shapes, sparsity)
            return pruned.keeping(_pruning.zero_masks(pruned, shapes))

        pruned, sparsity = _pruning.within_max_drop(
            prune, stage, job, sparsity=self.sparsity, max_drop=self.max_drop
        )
        asked = _pruning.asked_of(stage, pruned, layers=self.layers, sparsity=sparsity)
        return _pruning.asking(pruned, asked)

    def _prune(self, stage: Stage, job: Job, shapes: _pruning.Shapes, sparsity: float) -> Stage:
        if not self.epochs:
            zeros = _pruning.zeros_asked(self.layers, shapes, sparsity)
            return self._at_once(stage, zeros)
        proportions = getattr(compression.masks, self.layers)
        return self._train(stage, job, compression.pruning.shares(proportions, shapes, sparsity))

    def _train(self, stage: Stage, job: Job, shares: dict[str, float]) -> Stage:
        end, frequency = compression.pruning.ramp(self.epochs * job.steps_per_epoch())
        dynamic: dict[str, float] = {"end_step": end, "frequency": frequency}
        for layer, share in shares.items():
            # the ramp begins where an earlier step has left off
            dynamic[f"initial/{layer}"] = _pruned_share(stage, layer)
            dynamic[f"final/{layer}"] = share
        wrap = compression.pruning.MagnitudeWrap(tuple(sorted(shares)))
        return job.finetune(stage, self.epochs, Tuning(wrap=wrap, dynamic=dynamic))

    def _at_once(self, stage: Stage, zeros: dict[WeightKey, int]) -> Stage:
        weights = dict(stage.weights)
        for key, count in zeros.items():
            places = compression.masks.smallest(weights[key], count)
            weights[key] = np.where(places, 0, weights[key]).astype(np.float32)
        return stage.with_weights(weights)


def _pruned_share(stage: Stage, layer: str) -> float:
    """Share of a layer's masked weights that are pruned, 0 to 1; 0 where it has no mask."""
    masks = [zeros.ravel() for key, zeros in stage.masks.items() if key[0] == layer]
    return float(np.concatenate(masks).mean()) if masks else 0.0
