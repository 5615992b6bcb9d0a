"""Iterative magnitude pruning with rewinding."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Job, Stage, Strategy, Tuning, knob, strategy
from framework.nn import compression
from framework.strategies import _pruning


@strategy("lottery_ticket", version=2)
@dataclass(frozen=True, kw_only=True)
class LotteryTicket(Strategy):
    """Prune the smallest weights of the trained net, set the others back to an early epoch, train.

    Several rounds.

    Source: Frankle & Carbin 2019, arXiv:1803.03635 (rewinding to the start); Frankle et al. 2020,
    arXiv:1912.05671 (to an early epoch).

    Round i of n masks the smallest weights of the net as it is trained so far, until 1 - (1 -
    sparsity)^(i/n) of all kernel weights are zero, gives the others the values they had after
    `rewind_epoch` epochs of the dense training, and trains for `epochs`. What the last round trains
    is the result: a sub-net that learns from its own beginning.

    Departures: the first round's trained net is the study's dense net, which has the same
    beginning. One threshold for all kernels by default, with a share of `floor` of each staying,
    where the paper prunes small nets by layer and the output layer at half the rate. Rounds train
    at the study's own rate with its warm-up, whichever epoch they rewind to. The paper takes a
    fifth of the weights away in each round; few rounds take more at once.

    Not for: little time: it costs `rounds` trainings. The net of a file, whose beginning is its
    trained state.
    """

    needs = "initial"
    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})

    sparsity: float = knob(0.8, low=0.0, high=0.999, doc="share of all kernel weights set to zero")
    rounds: int = knob(3, low=1, high=30, doc="how often it prunes, rewinds and trains")
    rewind_epoch: int = knob(
        0, low=0, high=1000, doc="epoch of the dense training that weights go back to; 0: its start"
    )
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
    epochs: int = knob(
        10, low=0, high=1000, unit="epochs", doc="training in each round; 0: one round, no training"
    )

    def budget(self) -> int:
        """Epochs of all rounds; the dense training is the baseline's own."""
        return self.rounds * self.epochs

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Prune every kernel that multiplies activations, round by round."""
        shapes = compression.pruning.kernels(stage)
        # The first round needs no training of its own: the baseline has the same beginning.
        early, ticket = job.rewind(self.rewind_epoch), job.trained
        for sparsity in levels(self.sparsity, self.rounds if self.epochs else 1):
            zeros_at = _pruning.gradual_zeros(
                ticket,
                shapes,
                layers=self.layers,
                sparsity=sparsity,
                floor=self.floor,
                scores=_pruning.magnitudes,
            )
            begin = _pruning.masked(early, zeros_at(1.0, ticket))
            ticket = job.finetune(begin, self.epochs, Tuning(fresh=True)) if self.epochs else begin
        asked = _pruning.asked_of(stage, begin, layers=self.layers, sparsity=self.sparsity)
        return _pruning.asking(ticket, asked)


def levels(sparsity: float, rounds: int) -> list[float]:
    """The sparsity after each round: every round takes the same share of what is left."""
    return [1 - (1 - sparsity) ** (number / rounds) for number in range(1, rounds + 1)]
