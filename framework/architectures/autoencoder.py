"""A dense autoencoder: the input through a narrow code and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from framework import nn
from framework.contracts import Architecture, DataInfo, Head, architecture, knob
from framework.errors import InvalidStudy


@architecture("autoencoder", version=1)
@dataclass(frozen=True, kw_only=True)
class Autoencoder(Architecture):
    """Dense layers down to a code and up again, which rebuild the one input of numbers.

    For data sets whose task is `reconstruction`.

    Source: Hinton & Salakhutdinov 2006, Science 313(5786), 504-507; Banbury et al. 2021,
    arXiv:2106.07597 (sizes as in the anomaly detector of MLPerf Tiny).

    Departures: trained from end to end without pretraining, ReLU and He initialisation; batch
    normalisation and Dropout behind hidden layers where knobs ask for them.
    """

    made_for = "digits_anomaly"

    units: int = knob(128, low=1, high=10_000, unit="units", doc="of each hidden layer")
    depth: int = knob(2, low=1, high=8, unit="layers", doc="hidden layers on either side")
    code: int = knob(8, low=1, high=10_000, unit="units", doc="what is left between the two sides")
    normalise: bool = knob(
        False, doc="batch normalisation between each hidden layer and its activation"
    )
    dropout: float = knob(0.0, low=0.0, high=0.9, doc="share of the units left out in training")

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mlperf_tiny": {"units": 128, "depth": 4, "code": 8, "normalise": True}
    }

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The data set's one input, as it is.

        Raises:
            InvalidStudy: the task is another, or there are several inputs or a text.
        """
        if info.task != "reconstruction":
            raise InvalidStudy(
                "The net autoencoder rebuilds its input, and the data set asks for something else.",
                given=f"Its task: {info.task}.",
                todo="Choose another architecture, or of your own data the task: "
                'task="reconstruction".',
            )
        return {info.target: info.shape(info.target)}

    def build(self, info: DataInfo) -> Any:
        """(of the input) -> (units,): its numbers in a row."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs[info.target], name=info.target)
        x = layers.Flatten(name="flatten")(inputs)
        for number in range(1, self.depth + 1):
            x = self._hidden(x, self.units, f"encoder_{number}")
        x = self._hidden(x, self.code, "code")
        for number in range(1, self.depth + 1):
            x = self._hidden(x, self.units, f"decoder_{number}")
        outputs = layers.Dense(head.units, activation=head.activation, name="head")(x)
        return nn.backend.keras.Model(inputs, outputs)

    def _hidden(self, x: Any, units: int, name: str) -> Any:
        layers = nn.backend.keras.layers
        dense = layers.Dense(units, kernel_initializer="he_normal", name=name)
        x = dense(x)
        if self.normalise:
            x = layers.BatchNormalization(name=f"{name}_norm")(x)
        x = layers.Activation("relu", name=f"{name}_relu")(x)
        return layers.Dropout(self.dropout, name=f"{name}_dropout")(x) if self.dropout else x
