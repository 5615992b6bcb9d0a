"""Weights on two to seven bits."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Bits, Job, Stage, Strategy, Tuning, knob, strategy
from framework.nn import compression


@strategy("low_bit", version=2)
@dataclass(frozen=True, kw_only=True)
class LowBit(Strategy):
    """Put the weights on a grid of 2 to 7 bits and train them there; two bits are ternary.

    Source: Esser et al. 2020, arXiv:1902.08153 (learned step size); Li & Liu 2016, arXiv:1605.04711
    (ternary weights); Bengio et al. 2013, arXiv:1308.3432 (straight-through estimation).

    A weight counts as s clip(round(w / s), -L, L) with L = 2^(bits - 1) - 1: for two bits -s, 0 or
    s. The step s of each output channel begins where the squared error is least. The gradient
    passes through the rounding as if it were not there; w moves in full precision, and s with it.
    At the end the weights stand on their grid, and stay there: later training moves what is not on
    a grid.

    Departures: the logarithm of s is trained, so that it stays above zero and moves by shares of
    itself. Activations are float. The grid is symmetric about zero, which costs one of the 2^bits
    levels and keeps zeros. First and last layers are on the grid too, where papers often spare
    them. The step that ternary weights begin with is found by trying, not by the closed form.

    Not for: a smaller `.tflite` file: it holds 8 bits at least. The lines for codebook and entropy,
    and the compressed file, show the difference; `ptq` behind it stores the levels in 8 bits. Nor
    for a dense layer behind a batch normalisation: its factor for each input is taken into the
    kernel, so that the file's kernel stands on no grid, and `bits_reached` counts what tells its
    values apart.
    """

    keeps = frozenset({"sparsity"})
    gives = frozenset({"levels"})

    bits: int = knob(4, low=2, high=7, unit="bits", doc="of each weight; 2: ternary")
    scales: str = knob(
        "per_channel",
        choices=("per_channel", "per_tensor"),
        doc="a step for each, or for all of a kernel",
    )
    epochs: int = knob(4, low=0, high=1000, unit="epochs", doc="training on the grid; 0: at once")

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Put every kernel and table of embeddings on its grid.

        Zeros that the stage keeps stay zero.
        """
        largest = compression.learned_step.levels_of(self.bits)
        shared = compression.learned_step.groups(stage, self.scales)
        steps = compression.learned_step.starts(stage, shared, largest)
        if self.epochs:
            wrap = compression.learned_step.GridWrap(self.scales, shared, largest)
            tuning = Tuning(wrap=wrap, dynamic=wrap.dynamic(steps))
            placed = job.finetune(stage, self.epochs, tuning)
        else:
            placed = stage.with_weights(
                compression.learned_step.on_grid(stage.weights, shared, steps, largest)
            )
        # from here on the weights do not change: later training moves what is on no grid
        grids = tuple(Bits(key, self.bits, group.channels) for key, group in shared.items())
        return placed.asking(dict.fromkeys(shared, self.bits), unit="bits", keeps=grids)
