"""Quantization-aware training."""

from __future__ import annotations

from dataclasses import dataclass, replace

from framework.contracts import Job, Stage, Strategy, Tuning, knob, strategy
from framework.nn import compression


@strategy("qat", version=1)
@dataclass(frozen=True, kw_only=True)
class Qat(Strategy):
    """Train the net in 8 bits, so that it learns to live with them, and store it so throughout.

    Source: Jacob et al. 2018, arXiv:1712.05877 (training); Krishnamoorthi 2018, arXiv:1806.08342
    (scales).

    In training a weight w counts as s round(w / s), with s the largest |w| of its channel or tensor
    over 127, and an activation as the nearest of 256 numbers between the ends of its range. The
    gradient passes through the rounding as if it were not there, and moves the weights in full
    precision. Ranges begin with those of the calibration split and follow the batches as a moving
    average. The file is made as that of `ptq`, from the trained weights.

    Departures: activations in the file have the ranges that the trained net takes on the
    calibration split, not the moving averages. Activations are rounded where the file has a tensor
    of a layer's answer, not at the net's inputs and not within a normalisation, an attention or a
    recurrent layer. A batch normalisation is not folded while the net trains. Layers are wrapped by
    tensorflow-model-optimization with quantizers of our own: its rewriting of nets knows few
    layers. Biases are rounded in the file alone. What training holds of earlier steps, zeros and
    shared values, is held here too; with one scale a channel, shared values stay few in each output
    channel.

    Not for: nets that `ptq` stores without loss, which costs no training.
    """

    keeps = frozenset({"sparsity", "codebook", "levels"})
    gives = frozenset({"bits"})

    epochs: int = knob(
        2, low=0, high=1000, unit="epochs", doc="training in 8 bits; 0: the same as ptq's int8"
    )
    rate: float = knob(
        0.25, low=0.001, high=10.0, doc="peak learning rate over that of other fine-tuning"
    )
    scales: str = knob("per_channel", choices=("per_channel", "per_tensor"), doc="of kernels")
    samples: int = knob(
        200,
        low=1,
        high=100_000,
        unit="samples",
        doc="of the calibration split, for the ranges of activations",
    )

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Train with every kernel and table of embeddings in 8 bits.

        The file is to have 8 bits throughout.
        """
        trained = self._train(stage, job) if self.epochs else stage
        export = replace(
            trained.export,
            format="int8",
            scales=self.scales,  # type: ignore[arg-type]
            samples=self.samples,
        )
        return replace(trained, export=export).asking(
            dict.fromkeys(compression.qat.covered(stage), 8), unit="bits"
        )

    def _train(self, stage: Stage, job: Job) -> Stage:
        ranges = compression.qat.ranges(stage, job.calibration.first(self.samples))
        wrap = compression.qat.QatWrap(self.scales)
        dynamic = compression.qat.dynamic_of(ranges)
        return job.finetune(stage, self.epochs, Tuning(wrap=wrap, dynamic=dynamic, rate=self.rate))
