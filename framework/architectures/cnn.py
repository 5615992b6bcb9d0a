"""The plain convolutional net: blocks of convolution and pooling, one hidden dense layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from framework import nn
from framework.architectures._pictures import check_halvings, picture_shape
from framework.contracts import Architecture, DataInfo, Head, architecture, knob


@architecture("cnn", version=1)
@dataclass(frozen=True, kw_only=True)
class Cnn(Architecture):
    """Convolution and pooling a few times over, then one hidden dense layer.

    Source: LeCun et al. 1998, Proc. IEEE 86(11), in today's form; batch normalisation as in Ioffe &
    Szegedy 2015, arXiv:1502.03167.

    Departures: ReLU, max pooling and He initialisation. The preset `tutorial` is the net of
    introductory texts: one block of 32 filters on 64x64 pixels, 64 hidden units; 1 969 738
    parameters on colour pictures and ten classes.
    """

    side: int = knob(
        0, low=0, high=1024, unit="pixels", doc="of the picture; 0: its own, at least 28"
    )
    blocks: int = knob(
        2, low=1, high=8, unit="blocks", doc="convolutions, each followed by pooling"
    )
    filters: int = knob(32, low=1, high=4096, unit="filters", doc="of the first block")
    growth: float = knob(2.0, low=0.25, high=4.0, doc="factor on the filters from block to block")
    kernel: int = knob(3, low=1, high=15, unit="pixels", doc="side of the filters")
    padding: str = knob(
        "valid", choices=("valid", "same"), doc="same: a convolution keeps the sides"
    )
    batch_norm: bool = knob(False, doc="normalise behind each convolution; folded away in the file")
    units: int = knob(64, low=1, high=10_000, unit="units", doc="hidden dense layer")
    dropout: float = knob(
        0.0, low=0.0, high=0.9, doc="share of the hidden units left out in training"
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tutorial": {"side": 64, "blocks": 1, "filters": 32, "units": 64}
    }

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """`side` x `side`, or at least 28x28; the data set's own channels."""
        shape = picture_shape(info, side=self.side)
        check_halvings(
            shape, blocks=self.blocks, lost=self.kernel - 1 if self.padding == "valid" else 0
        )
        return {"image": shape}

    def build(self, info: DataInfo) -> Any:
        """(height, width, channels) -> (units of the head,)."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["image"], name="image")
        x = inputs
        for number in range(1, self.blocks + 1):
            x = self._block(x, number)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(
            self.units, activation="relu", kernel_initializer="he_normal", name="hidden"
        )(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="dropout")(x)
        outputs = layers.Dense(head.units, activation=head.activation, name="head")(x)
        return nn.backend.keras.Model(inputs, outputs)

    def _block(self, x: Any, number: int) -> Any:
        layers = nn.backend.keras.layers
        filters = max(1, round(self.filters * self.growth ** (number - 1)))
        x = layers.Conv2D(
            filters,
            self.kernel,
            padding=self.padding,
            use_bias=not self.batch_norm,  # the normalisation has one
            kernel_initializer="he_normal",
            name=f"conv_{number}",
        )(x)
        # before the activation: only there does the exporter fold it into the kernel
        if self.batch_norm:
            x = layers.BatchNormalization(name=f"norm_{number}")(x)
        x = layers.Activation("relu", name=f"relu_{number}")(x)
        return layers.MaxPooling2D(name=f"pool_{number}")(x)
