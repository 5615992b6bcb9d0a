"""A simplified SqueezeNet with squeeze-and-excitation behind each block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from framework import nn
from framework.architectures._pictures import check_halvings, picture_shape
from framework.contracts import Architecture, DataInfo, Head, architecture, knob


@architecture("squeezenet_se", version=1)
@dataclass(frozen=True, kw_only=True)
class SqueezeNetSe(Architecture):
    """A few blocks whose channels the whole picture weighs, then one hidden dense layer.

    Source: Hu et al. 2018, arXiv:1709.01507 (squeeze-and-excitation); Fire modules of Iandola et
    al. 2016, arXiv:1602.07360.

    Departures: far fewer blocks than SqueezeNet has, pooling behind each, and a hidden dense layer.
    The first block is always a 3x3 convolution; `block` says what the others are, Fire modules or
    3x3 convolutions too. `se=False` leaves the weighing out. The preset `tutorial` is the net of
    introductory texts: 3x3 convolutions of 32 and 64 filters, each followed by
    squeeze-and-excitation and pooling, and 128 hidden units.
    """

    side: int = knob(
        0, low=0, high=1024, unit="pixels", doc="of the picture; 0: its own, at least 28"
    )
    block: str = knob("fire", choices=("fire", "conv"), doc="what the blocks behind the first are")
    blocks: int = knob(3, low=1, high=8, unit="blocks", doc="each followed by pooling")
    filters: int = knob(
        32, low=2, high=4096, unit="filters", doc="of the first block; doubled in each"
    )
    squeeze: float = knob(
        0.125, low=0.01, high=1.0, doc="squeeze over expand channels of a Fire module"
    )
    padding: str = knob(
        "same", choices=("valid", "same"), doc="same: 3x3 convolutions keep the sides"
    )
    se: bool = knob(True, doc="squeeze-and-excitation behind each block")
    reduction: int = knob(16, low=1, high=256, doc="channels over units of the thin dense layer")
    units: int = knob(128, low=1, high=10_000, unit="units", doc="hidden dense layer")
    dropout: float = knob(
        0.0, low=0.0, high=0.9, doc="share of the hidden units left out in training"
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tutorial": {"block": "conv", "blocks": 2, "filters": 32, "padding": "valid", "units": 128}
    }

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """`side` x `side`, or at least 28x28; the data set's own channels."""
        shape = picture_shape(info, side=self.side)
        check_halvings(shape, blocks=self.blocks, lost=2 if self.padding == "valid" else 0)
        return {"image": shape}

    def build(self, info: DataInfo) -> Any:
        """(height, width, channels) -> (units of the head,)."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["image"], name="image")
        x = inputs
        for number in range(1, self.blocks + 1):
            x = self._block(x, number)
        x = self._dense(layers.Flatten(name="flatten")(x), self.units, "hidden")
        if self.dropout:
            x = layers.Dropout(self.dropout, name="dropout")(x)
        outputs = layers.Dense(head.units, activation=head.activation, name="head")(x)
        return nn.backend.keras.Model(inputs, outputs)

    def _block(self, x: Any, number: int) -> Any:
        filters = self.filters * 2 ** (number - 1)
        # SqueezeNet too begins with a plain convolution
        if number > 1 and self.block == "fire":
            x = self._fire(x, filters, f"fire_{number}")
        else:
            x = self._conv(x, filters, 3, f"conv_{number}")
        x = self._weighed(x, f"se_{number}") if self.se else x
        return nn.backend.keras.layers.MaxPooling2D(name=f"pool_{number}")(x)

    def _fire(self, x: Any, channels: int, name: str) -> Any:
        """A thin 1x1 layer that feeds as many 1x1 filters as 3x3 filters."""
        thin = self._conv(x, max(1, round(channels * self.squeeze)), 1, f"{name}_squeeze")
        small = self._conv(thin, channels - channels // 2, 1, f"{name}_expand1x1", padding="same")
        # both of one side
        large = self._conv(thin, channels // 2, 3, f"{name}_expand3x3", padding="same")
        return nn.backend.keras.layers.Concatenate(name=name)([small, large])

    def _weighed(self, x: Any, name: str) -> Any:
        """Each channel times a number in 0 to 1, made from the means of all channels."""
        layers, channels = nn.backend.keras.layers, x.shape[-1]
        weights = layers.GlobalAveragePooling2D(name=f"{name}_mean")(x)
        weights = self._dense(weights, max(1, channels // self.reduction), f"{name}_reduce")
        weights = layers.Dense(channels, activation="sigmoid", name=f"{name}_weights")(weights)
        weights = layers.Reshape((1, 1, channels), name=f"{name}_reshape")(weights)
        return layers.Multiply(name=f"{name}_weighed")([x, weights])

    def _conv(self, x: Any, filters: int, side: int, name: str, **options: Any) -> Any:
        options = {
            "padding": self.padding,
            "activation": "relu",
            "kernel_initializer": "he_normal",
        } | options
        return nn.backend.keras.layers.Conv2D(filters, side, name=name, **options)(x)

    def _dense(self, x: Any, units: int, name: str) -> Any:
        return nn.backend.keras.layers.Dense(
            units, activation="relu", kernel_initializer="he_normal", name=name
        )(x)
