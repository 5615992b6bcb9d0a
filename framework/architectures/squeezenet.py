"""SqueezeNet: eight Fire modules between two convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework import nn
from framework.contracts import Architecture, DataInfo, Head, architecture, knob

# channels that leave each Fire module
EXPAND = {2: 128, 3: 128, 4: 256, 5: 256, 6: 384, 7: 384, 8: 512, 9: 512}
# first convolution (filters, side, stride) and the modules that are followed by pooling; 1 is the
# stem
STEMS = {
    "1.0": ((96, 7, 2), (1, 4, 8)),
    "1.1": ((64, 3, 2), (1, 3, 5)),
    "small": ((64, 3, 1), (1, 3, 5)),
}


@architecture("squeezenet", version=1)
@dataclass(frozen=True, kw_only=True)
class SqueezeNet(Architecture):
    """Fire modules: a thin 1x1 layer feeds a wide layer of 1x1 and 3x3 filters side by side.

    No dense layer.

    Source: Iandola et al. 2016, arXiv:1602.07360; 1.1 as the authors released it later.

    Departures: He initialisation; no ReLU after the last convolution (narrow nets die there and
    stay at chance); Dropout is a knob and off by default. `small` is 1.1 with a first convolution
    of stride 1 and padding that keeps the sides, for images of 28 to 64 pixels.
    """

    width: float = knob(1.0, low=0.05, high=4.0, doc="factor on all channel numbers")
    squeeze: float = knob(0.125, low=0.01, high=1.0, doc="squeeze channels over expand channels")
    share_3x3: float = knob(
        0.5, low=0.01, high=0.99, doc="share of 3x3 filters among the expand filters"
    )
    bypass: str = knob(
        "none", choices=("none", "simple", "complex"), doc="sums around modules, as in the paper"
    )
    version: str = knob(
        "small", choices=("1.0", "1.1", "small"), doc="release, or the small-image variant"
    )
    dropout: float = knob(0.0, low=0.0, high=0.9, doc="share left out before the last convolution")

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """At least 28x28 for `small`, 224x224 for the releases; the data set's own channels."""
        height, width, channels = info.shape("image")
        least = 28 if self.version == "small" else 224
        return {"image": (max(height, least), max(width, least), channels)}

    def build(self, info: DataInfo) -> Any:
        """(height, width, channels) -> (units of the head,)."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        (filters, side, stride), pooled = STEMS[self.version]
        padding = "same" if self.version == "small" else "valid"
        inputs = layers.Input(info.inputs["image"], name="image")
        x = self._conv(self._wide(filters), side, "conv1", strides=stride, padding=padding)(inputs)
        for module in range(1, 10):
            x = self._fire(x, module) if module > 1 else x
            if module in pooled:
                # there `same` rounds up as Caffe does, and `valid` would round down
                even = x.shape[1] % 2 == 0
                x = layers.MaxPooling2D(
                    3, 2, padding="same" if even else padding, name=f"pool{module}"
                )(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="dropout")(x)
        # without ReLU: narrow nets would die here, and stay at chance
        x = self._conv(head.units, 1, "conv10", activation=None)(x)
        x = layers.GlobalAveragePooling2D(name="average")(x)
        return nn.backend.keras.Model(inputs, layers.Activation(head.activation, name="head")(x))

    def _fire(self, x: Any, module: int) -> Any:
        layers = nn.backend.keras.layers
        total = self._wide(EXPAND[module])
        wide = min(max(1, round(total * self.share_3x3)), total - 1)
        thin = self._conv(max(1, round(total * self.squeeze)), 1, f"fire{module}_squeeze")(x)
        small = self._conv(total - wide, 1, f"fire{module}_expand1x1")(thin)
        large = self._conv(wide, 3, f"fire{module}_expand3x3")(thin)
        out = layers.Concatenate(name=f"fire{module}")([small, large])
        if self.bypass == "none" or (self.bypass == "simple" and x.shape[-1] != total):
            return out
        if x.shape[-1] != total:
            x = self._conv(total, 1, f"fire{module}_bypass", activation=None)(x)
        return layers.Add(name=f"fire{module}_sum")([x, out])

    def _wide(self, channels: int) -> int:
        return max(2, round(channels * self.width))

    def _conv(self, filters: int, side: int, name: str, **options: Any) -> Any:
        options = {
            "activation": "relu",
            "padding": "same",
            "kernel_initializer": "he_normal",
        } | options
        return nn.backend.keras.layers.Conv2D(filters, side, name=name, **options)
