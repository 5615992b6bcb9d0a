"""LeNet-5 in the Caffe form that the compression literature measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from framework import nn
from framework.contracts import Architecture, DataInfo, Head, architecture, knob


@architecture("lenet5", version=1)
@dataclass(frozen=True, kw_only=True)
class Lenet5(Architecture):
    """Two 5x5 convolutions with pooling, two dense layers; 431 080 parameters on 28x28x1.

    Source: LeCun et al. 1998, Proc. IEEE 86(11); sizes of the Caffe example, as in Han et al. 2015,
    arXiv:1506.02626.

    Departures: He initialisation; optional Dropout before the last layer.
    """

    filters_1: int = knob(20, low=1, high=4096, unit="filters", doc="first convolution")
    filters_2: int = knob(50, low=1, high=4096, unit="filters", doc="second convolution")
    units: int = knob(500, low=1, high=10_000, unit="units", doc="hidden dense layer")
    dropout: float = knob(
        0.0, low=0.0, high=0.9, doc="share of the hidden units left out in training"
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tutorial": {"filters_1": 32, "filters_2": 64, "units": 128}
    }

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """28x28 with the data set's own channels."""
        return {"image": (28, 28, info.shape("image")[-1])}

    def build(self, info: DataInfo) -> Any:
        """(28, 28, channels) -> (units of the head,)."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["image"], name="image")
        x = inputs
        for number, filters in enumerate((self.filters_1, self.filters_2), start=1):
            x = layers.Conv2D(filters, 5, kernel_initializer="he_normal", name=f"conv_{number}")(x)
            x = layers.MaxPooling2D(name=f"pool_{number}")(x)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(
            self.units, activation="relu", kernel_initializer="he_normal", name="hidden"
        )(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="dropout")(x)
        outputs = layers.Dense(head.units, activation=head.activation, name="head")(x)
        return nn.backend.keras.Model(inputs, outputs)
