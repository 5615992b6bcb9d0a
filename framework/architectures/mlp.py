"""The plain dense net: for tables, and for any other input of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework import nn
from framework.architectures import _encoders as encoders
from framework.contracts import Architecture, DataInfo, architecture, knob
from framework.errors import InvalidStudy


@architecture("mlp", version=1)
@dataclass(frozen=True, kw_only=True)
class Mlp(Architecture):
    """Hidden dense layers of one width; what to take for a table.

    It reads the data set's one input of numbers, all of them at once: the columns of a table, the
    steps of a sequence, a spectrogram, a picture. It knows of no order among them.

    Source: Rumelhart, Hinton & Williams 1986, Nature 323, 533-536.

    Departures: ReLU and He initialisation; optional Dropout behind each hidden layer.
    """

    made_for = "digits_rows"

    units: int = knob(64, low=1, high=10_000, unit="units", doc="of each hidden layer")
    layers: int = knob(2, low=1, high=16, unit="layers", doc="hidden layers on one another")
    dropout: float = knob(0.0, low=0.0, high=0.9, doc="share of the units left out in training")

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The one input, as the data set has it.

        Raises:
            InvalidStudy: there are several, or it is text.
        """
        if len(info.inputs) != 1 or info.tokens:
            texts = f"; text: {', '.join(sorted(info.tokens))}" if info.tokens else ""
            raise InvalidStudy(
                "The net reads one input of numbers.",
                given=f"The data set has: {', '.join(sorted(info.inputs))}{texts}.",
                todo="Texts are read by lstm and transformer, a picture with a text by image_text.",
            )
        return info.inputs

    def build(self, info: DataInfo) -> Any:
        """(numbers, in any shape) -> (units of the head,)."""
        (name,) = info.inputs
        inputs = encoders.read(info, name)
        x = nn.backend.keras.layers.Flatten(name="flatten")(inputs)
        for number in range(1, self.layers + 1):
            x = encoders.dense(x, self.units, name=f"hidden_{number}")
            x = encoders.dropped(x, self.dropout, name=f"dropout_{number}")
        return nn.backend.keras.Model(inputs, encoders.output_layer(x, info))
