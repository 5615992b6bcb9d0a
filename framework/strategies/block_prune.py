"""Pruning of dense layers in blocks that the runtime accelerates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from framework.contracts import Array, Job, Stage, Strategy, WeightKey, knob, strategy
from framework.errors import TrialError
from framework.nn import compression
from framework.strategies import _pruning


@strategy("block_prune", version=1)
@dataclass(frozen=True, kw_only=True)
class BlockPrune(Strategy):
    """Zero whole blocks of neighbouring inputs in dense kernels, which the runtime then skips.

    Source: Narang et al. 2017, arXiv:1711.02782 (blocks); Zhu & Gupta 2017, arXiv:1710.01878
    (schedule); Evci et al. 2020, arXiv:1911.11134 (ERK proportions).

    A kernel is cut into blocks of `block_rows` inputs of one output. The blocks of least mean |w|
    go, as many of each kernel as its share says, at least one stays. The file holds the blocks that
    are left and where they stand, so it is smaller too. On one x86 core lenet_300_100 ran 1.8, 3.0
    and 4.9 times as fast with 80, 90 and 95 % zeros.

    Departures: blocks are ranked by the mean, not the largest, of |w|. The masks are final after 60
    % of the fine-tuning and grow about 20 times on the way. A kernel is stored in blocks only where
    that is faster: float32, inputs that four divides, one position of a sample, two thirds or more
    of its blocks zero.

    Not for: convolutions, recurrent and attention layers, which it leaves alone. Dense layers over
    many positions, as in a Transformer, and any under a later `ptq` have their zeros and are not
    faster by them. At equal sparsity it costs more accuracy than `magnitude_prune`.
    """

    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})

    sparsity: float = knob(
        0.8, low=0.0, high=0.99, doc="share of the blocks of all dense kernels set to zero"
    )
    block_rows: int = knob(
        4,
        low=4,
        high=16,
        choices=(4, 8, 16),
        unit="inputs",
        doc="of one block; the runtime skips four at a time",
    )
    layers: str = knob(
        "erk",
        choices=("uniform", "erk"),
        doc="the same sparsity in each kernel, or more in wide ones",
    )
    epochs: int = knob(
        4, low=0, high=1000, unit="epochs", doc="fine-tuning while pruning; 0: at once"
    )

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Prune every kernel of a dense layer; zeros that the stage keeps stay zero.

        Raises:
            TrialError: the net has no dense layer.
        """
        shapes = compression.pruning.kernels(stage, frozenset({"Dense"}))
        if not shapes:
            raise TrialError(
                "block_prune prunes dense layers, and this net has none.",
                todo="Use magnitude_prune.",
            )
        pruned = _pruning.gradual(stage, job, self.epochs, self._gradual_zeros(stage, shapes))
        # whole blocks may sum up to a few zeros more or less than the share: what they gave counts
        asked = _pruning.pruned_counts(pruned, shapes)
        sparse = replace(pruned, export=replace(pruned.export, sparse=True))
        return _pruning.asking(sparse, asked)

    def _gradual_zeros(self, stage: Stage, shapes: _pruning.Shapes) -> _pruning.ZerosAt:
        """Zeros that grow from those of the stage to the blocks asked for."""
        first = self._blocks_pruned(stage, shapes)
        last = self._blocks_asked(shapes)
        enforced = stage.masks

        def zeros_at(done: float, now: Stage) -> Mapping[WeightKey, Array]:
            zeros = {}
            for key in shapes:
                count = _pruning.between(first[key], last[key], done)
                zeros[key] = compression.masks.blocks(now.weights[key], self.block_rows, count)
                # an earlier step may have pruned single weights of blocks that stay
                if key in enforced:
                    zeros[key] = zeros[key] | enforced[key]
            return zeros

        return zeros_at

    def _blocks_pruned(self, stage: Stage, shapes: _pruning.Shapes) -> dict[WeightKey, int]:
        """Blocks of each kernel that the stage has pruned whole."""
        counts = dict.fromkeys(shapes, 0)
        for key, zeros in stage.masks.items():
            if key in counts:
                active = compression.masks.block_scores(~zeros, self.block_rows)
                counts[key] = int((active == 0).sum())
        return counts

    def _blocks_asked(self, shapes: _pruning.Shapes) -> dict[WeightKey, int]:
        shares = getattr(compression.masks, self.layers)(shapes, self.sparsity)
        counts = {}
        for key, (inputs, outputs) in shapes.items():
            # the last block of a column has fewer inputs where `block_rows` does not divide them
            blocks = math.ceil(inputs / self.block_rows) * outputs
            counts[key] = compression.masks.zeros_asked(blocks, shares[key])
        return counts
