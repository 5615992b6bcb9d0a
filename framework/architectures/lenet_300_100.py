"""LeNet-300-100: the fully connected net of the pruning literature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework import nn
from framework.contracts import Architecture, DataInfo, Head, architecture, knob


@architecture("lenet_300_100", version=1)
@dataclass(frozen=True, kw_only=True)
class Lenet300100(Architecture):
    """Two hidden dense layers; 266 610 parameters on 28x28x1 and ten classes.

    Source: LeCun et al. 1998, Proc. IEEE 86(11); sizes as in Han et al. 2015, arXiv:1506.02626.

    Departures: ReLU and He initialisation instead of a scaled tanh; optional Dropout after the
    hidden layers.
    """

    units_1: int = knob(300, low=1, high=10_000, unit="units", doc="first hidden layer")
    units_2: int = knob(100, low=1, high=10_000, unit="units", doc="second hidden layer")
    dropout: float = knob(0.0, low=0.0, high=0.9, doc="share of the units left out in training")

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """28x28 grey."""
        info.shape("image")  # raises where there are no pictures
        return {"image": (28, 28, 1)}

    def build(self, info: DataInfo) -> Any:
        """(28, 28, 1) -> (units of the head,)."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["image"], name="image")
        x = layers.Flatten(name="flatten")(inputs)
        for number, units in enumerate((self.units_1, self.units_2), start=1):
            x = layers.Dense(
                units, activation="relu", kernel_initializer="he_normal", name=f"hidden_{number}"
            )(x)
            if self.dropout:
                x = layers.Dropout(self.dropout, name=f"dropout_{number}")(x)
        outputs = layers.Dense(head.units, activation=head.activation, name="head")(x)
        return nn.backend.keras.Model(inputs, outputs)
