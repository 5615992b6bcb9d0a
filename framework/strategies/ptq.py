"""Post-training quantization."""

from __future__ import annotations

from dataclasses import dataclass, replace

from framework.contracts import Job, Stage, Strategy, knob, strategy


@strategy("ptq", version=1)
@dataclass(frozen=True, kw_only=True)
class Ptq(Strategy):
    """Store the trained net in fewer bits: half precision, 8-bit weights, or 8 bits throughout.

    Without training.

    Source: Jacob et al. 2018, arXiv:1712.05877 (integer arithmetic); Krishnamoorthi 2018,
    arXiv:1806.08342 (scales).

    A weight w is stored as the whole number q = round(w / s), -127 to 127, with s the largest |w|
    of its channel or tensor over 127. Activations have a scale and a zero point each, from the
    range that they take on the calibration split.

    Departures: the TensorFlow Lite converter does it. `dynamic` leaves weights of fewer than 1 024
    values in float, and an LSTM layer whose gates have fewer inputs times units than that; `int8`
    keeps float32 inputs and outputs around an integer net. Zeros stay zeros, and weights below half
    a step join them. Equal weights stay equal, within one scale: of 16 shared values a tensor keeps
    16 with `scales=per_tensor`, and 16 in each output channel with `per_channel`.

    Not for: the last tenth of a point. Where 8 bits cost accuracy, `qat` trains with them.
    """

    keeps = frozenset({"sparsity", "codebook", "levels"})
    gives = frozenset({"bits"})

    format: str = knob(
        "int8",
        choices=("float16", "dynamic", "int8"),
        doc="half precision; 8-bit weights, float activations; 8-bit weights and activations",
    )
    scales: str = knob(
        "per_channel",
        choices=("per_channel", "per_tensor"),
        doc="of 8-bit weights; float16 has none",
    )
    samples: int = knob(
        200,
        low=1,
        high=100_000,
        unit="samples",
        doc="of the calibration split, for the ranges of int8's activations",
    )

    def apply(self, stage: Stage, job: Job) -> Stage:
        """The same weights, exported in another number format."""
        export = replace(
            stage.export,
            format=self.format,  # type: ignore[arg-type]
            scales=self.scales,  # type: ignore[arg-type]
            samples=self.samples,
        )
        return replace(stage, export=export)
