"""ResNet-8: the image classifier of the MLPerf Tiny benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework import nn
from framework.architectures._pictures import picture_shape
from framework.contracts import Architecture, DataInfo, Head, architecture, knob


@architecture("resnet8", version=1)
@dataclass(frozen=True, kw_only=True)
class Resnet8(Architecture):
    """Three stacks of residual blocks; 78 666 parameters on 32x32x3 and ten classes.

    77 706 in the file.

    Source: Banbury et al. 2021, arXiv:2106.07597 (MLPerf Tiny); residual blocks of He et al. 2015,
    arXiv:1512.03385.

    Departures: the penalty on the weights is the study's `weight_decay`; the mean over the whole
    picture serves any side. As in the benchmark, convolutions keep their biases beside batch
    normalisation, and the 1x1 convolution that fits a sum to the next stack has no normalisation.
    `blocks` above 1 gives the deeper ResNets of the second paper.
    """

    filters: int = knob(
        16, low=1, high=1024, unit="filters", doc="of the first stack; doubled in each"
    )
    stacks: int = knob(3, low=1, high=6, unit="stacks", doc="each but the first halves the sides")
    blocks: int = knob(1, low=1, high=18, unit="blocks", doc="residual blocks in each stack")
    dropout: float = knob(0.0, low=0.0, high=0.9, doc="share left out before the head")

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """At least 28x28; the data set's own channels."""
        return {"image": picture_shape(info)}

    def build(self, info: DataInfo) -> Any:
        """(height, width, channels) -> (units of the head,)."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["image"], name="image")
        x = self._relu(self._conv(inputs, self.filters, "conv"), "conv")
        for stack in range(1, self.stacks + 1):
            for block in range(1, self.blocks + 1):
                stride = 2 if stack > 1 and block == 1 else 1
                name = f"stack_{stack}" if self.blocks == 1 else f"stack_{stack}_{block}"
                x = self._residual(x, self.filters * 2 ** (stack - 1), stride=stride, name=name)
        x = layers.GlobalAveragePooling2D(name="average")(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="dropout")(x)
        outputs = layers.Dense(
            head.units, activation=head.activation, kernel_initializer="he_normal", name="head"
        )(x)
        return nn.backend.keras.Model(inputs, outputs)

    def _residual(self, x: Any, filters: int, *, stride: int, name: str) -> Any:
        """Two convolutions beside a shortcut; their sum, rectified."""
        layers = nn.backend.keras.layers
        y = self._relu(self._conv(x, filters, f"{name}_conv_1", stride=stride), f"{name}_conv_1")
        y = self._conv(y, filters, f"{name}_conv_2")
        if stride > 1:
            # the branch has halved the sides and doubled the channels: a sum needs one shape
            x = layers.Conv2D(
                filters,
                1,
                strides=stride,
                padding="same",
                kernel_initializer="he_normal",
                name=f"{name}_shortcut",
            )(x)
        return self._relu(layers.Add(name=f"{name}_sum")([x, y]), name)

    def _conv(self, x: Any, filters: int, name: str, *, stride: int = 1) -> Any:
        """A 3x3 convolution with batch normalisation, which the exporter folds into it."""
        layers = nn.backend.keras.layers
        x = layers.Conv2D(
            filters, 3, strides=stride, padding="same", kernel_initializer="he_normal", name=name
        )(x)
        return layers.BatchNormalization(name=f"{name}_norm")(x)

    def _relu(self, x: Any, name: str) -> Any:
        return nn.backend.keras.layers.Activation("relu", name=f"{name}_relu")(x)
