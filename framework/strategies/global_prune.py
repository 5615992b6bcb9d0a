"""Magnitude pruning with one threshold for the whole net."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Job, Stage, Strategy, knob, strategy
from framework.nn import compression
from framework.strategies import _pruning


@strategy("global_prune", version=2)
@dataclass(frozen=True, kw_only=True)
class GlobalPrune(Strategy):
    """Zero the smallest weights of the whole net, whatever their layer, during training.

    Source: Han et al. 2015, arXiv:1506.02626 (magnitude); Blalock et al. 2020, arXiv:2003.03033
    (global against layer-wise); Tanaka et al. 2020, arXiv:2006.05467 (layer collapse); Zhu & Gupta
    2017, arXiv:1710.01878 (schedule).

    One threshold t for all kernels: a weight goes where |w| < t, and t is such that exactly the
    share `sparsity` of all of them goes. Layers find their own proportions; a layer of small
    weights may lose nearly all, so that a share of `floor` of each kernel stays.

    Departures: the floor. The masks are final after 60 % of the fine-tuning and grow about 20 times
    on the way.

    Not for: nets whose layers have weights of very different scale, as behind a normalisation:
    there `magnitude_prune` with ERK proportions is safer.
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
                layers="global",
                sparsity=sparsity,
                floor=self.floor,
                scores=_pruning.magnitudes,
            )
            return _pruning.gradual(stage, job, self.epochs, zeros_at)

        pruned, sparsity = _pruning.within_max_drop(
            prune, stage, job, sparsity=self.sparsity, max_drop=self.max_drop
        )
        asked = _pruning.asked_of(stage, pruned, layers="global", sparsity=sparsity)
        return _pruning.asking(pruned, asked)
