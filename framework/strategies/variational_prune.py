"""Pruning by learned noise: sparse variational dropout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Job, Stage, Strategy, Tuning, WeightKey, knob, strategy
from framework.nn import compression
from framework.strategies import _pruning


@strategy("variational_prune", version=2)
@dataclass(frozen=True, kw_only=True)
class VariationalPrune(Strategy):
    """Learn how much noise each weight bears, and zero those that bear the most.

    Then train what is left.

    Source: Molchanov, Ashukha & Vetrov 2017, arXiv:1701.05369 (sparse variational dropout).

    In training each weight is w + sigma e with e drawn anew from N(0, 1) in each step; w and log
    sigma^2 are both learned. The loss has the divergence of that posterior from a log-uniform prior
    beside it, which pulls alpha = sigma^2 / w^2 up: D(alpha) = k1 - k1 S(k2 + k3 log alpha) + log(1
    + 1/alpha) / 2, over the number of training samples. A weight whose alpha grows large carries no
    information.

    Departures: not the weights of log alpha above 3 are cut, but exactly the share `sparsity` with
    the largest, over all kernels, and a share of `floor` of each kernel stays: so ratios can be
    asked for. Noise is on the weights, where the paper puts it on what they sum up to: that works
    for every layer, and is noisier. log sigma^2 is ten times its variable, since trainings here are
    short. It starts from the trained net.

    Not for: little time, as each step costs more than a plain one; nor few samples, for which the
    divergence outweighs the loss: a smaller `strength` helps there. Without epochs alpha depends on
    |w| alone, and it is `global_prune`.
    """

    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})

    sparsity: float = knob(0.8, low=0.0, high=0.999, doc="share of all kernel weights set to zero")
    floor: float = knob(
        0.01,
        low=0.0,
        high=0.5,
        doc="least share of each kernel that stays, up to a tenth of the share left of all",
    )
    strength: float = knob(1.0, low=0.0, high=100.0, doc="factor of the divergence in the loss")
    start: float = knob(-8.0, low=-10.0, high=0.0, doc="log sigma^2 at the beginning")
    epochs: int = knob(
        4, low=0, high=1000, unit="epochs", doc="training under noise; 0: at once, by magnitude"
    )
    tune_epochs: int = knob(2, low=0, high=1000, unit="epochs", doc="training after the cut")

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Prune every kernel that multiplies activations; zeros that the stage keeps stay zero."""
        shapes = compression.pruning.kernels(stage)
        begun = sum(_pruning.pruned_counts(stage, shapes).values())
        total = max(begun, _pruning.total_asked(shapes, self.sparsity))
        cut = self._cut(stage, job, tuple(shapes), total)
        pruned = _pruning.masked(cut, {key: cut.weights[key] == 0 for key in shapes})
        if self.tune_epochs:
            pruned = job.finetune(pruned, self.tune_epochs)
        asked = _pruning.pruned_counts(pruned, shapes)
        return _pruning.asking(pruned, asked)

    def _cut(self, stage: Stage, job: Job, keys: tuple[WeightKey, ...], total: int) -> Stage:
        wrap = compression.variational_dropout.NoiseWrap(keys, total, self.floor)
        # log sigma^2 is SPEED times its variable
        start = self.start / compression.variational_dropout.SPEED
        noise = {}
        for key in keys:
            name = compression.variational_dropout.name_of(key)
            noise[name] = np.full(stage.weights[key].shape, start, np.float32)
        if not self.epochs:
            return stage.with_weights(wrap.finish(stage.weights, noise))
        # The divergence belongs to the whole training split, the loss to one sample of it.
        strength = self.strength / len(job.train)
        dynamic = noise | {"seed": job.seed("variational_prune"), "strength": strength}
        return job.finetune(stage, self.epochs, Tuning(wrap=wrap, dynamic=dynamic))
