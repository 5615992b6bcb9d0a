"""LSTM: a recurrent net for sequences of numbers, of tokens or of sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from framework import nn
from framework.architectures import _encoders as encoders
from framework.contracts import Architecture, DataInfo, architecture, knob


@architecture("lstm", version=1)
@dataclass(frozen=True, kw_only=True)
class Lstm(Architecture):
    """Long short-term memory over the steps of a sequence, a dense head on the last state.

    It reads the data set's one input that is no picture: numbers (steps, features), tokens through
    an embedding, or the frames of a spectrogram.

    Source: Hochreiter & Schmidhuber 1997, Neural Computation 9(8), with the forget gate of Gers et
    al. 2000, Neural Computation 12(10).

    Departures: Keras's initialisation (Glorot, orthogonal, forget gate's bias 1). Texts are not
    masked: the net learns what token 0 means.
    """

    made_for = "digits_rows"

    units: int = knob(64, low=1, high=4096, unit="units", doc="of each recurrent layer")
    layers: int = knob(1, low=1, high=16, unit="layers", doc="recurrent layers on one another")
    embedding: int = knob(
        32, low=1, high=4096, unit="numbers", doc="that stand for a token; texts only"
    )
    dropout: float = knob(
        0.0, low=0.0, high=0.9, doc="share of the last state left out in training"
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"tutorial": {"units": 50, "layers": 1}}

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The one sequence, as the data set has it."""
        name = encoders.sequence_input(info)
        return {name: info.inputs[name]}

    def build(self, info: DataInfo) -> Any:
        """(steps, features), (frames, bins, 1) or (tokens,) -> (units of the head,)."""
        name = encoders.sequence_input(info)
        inputs = encoders.read(info, name)
        x = encoders.steps(inputs, info, name, width=self.embedding)
        x = encoders.recurrent(x, units=self.units, count=self.layers)
        x = encoders.dropped(x, self.dropout)
        return nn.backend.keras.Model(inputs, encoders.output_layer(x, info))
