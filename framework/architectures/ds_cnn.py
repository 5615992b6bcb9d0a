"""DS-CNN: depthwise-separable convolutions on spectrograms, for spoken words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework import nn
from framework.contracts import Architecture, DataInfo, Head, architecture, knob


@architecture("ds_cnn", version=1)
@dataclass(frozen=True, kw_only=True)
class DsCnn(Architecture):
    """Depthwise-separable blocks on a spectrogram; 24 908 parameters on 49x10 and 12 classes.

    22 604 in the file.

    Source: Zhang et al. 2017, arXiv:1711.07128, size S; Banbury et al. 2021, arXiv:2106.07597
    (as in MLPerf Tiny).

    Departures: log-mel spectrograms, as the data set has them, instead of ten cepstral
    coefficients; He initialisation; Dropout is off by default and stands before the head only.
    """

    made_for = "digits_audio"

    filters: int = knob(64, low=1, high=1024, unit="filters", doc="of every convolution")
    blocks: int = knob(
        4, low=1, high=16, unit="blocks", doc="a depthwise and a 1x1 convolution each"
    )
    kernel_frames: int = knob(10, low=1, high=64, unit="frames", doc="first filters, along time")
    kernel_bins: int = knob(4, low=1, high=64, unit="bins", doc="first filters, along frequency")
    stride: int = knob(2, low=1, high=8, doc="step of the first convolution, both ways")
    dropout: float = knob(0.0, low=0.0, high=0.9, doc="share left out before the head")

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The spectrogram as it is; other inputs are not read."""
        return {"audio": info.shape("audio")}

    def build(self, info: DataInfo) -> Any:
        """(frames, bins, 1) -> (units of the head,)."""
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["audio"], name="audio")
        kernel = (self.kernel_frames, self.kernel_bins)
        x = self._normalised(self._conv(inputs, kernel, "conv", strides=self.stride), "conv")
        for number in range(1, self.blocks + 1):
            x = self._block(x, f"depthwise_{number}", f"pointwise_{number}")
        x = layers.GlobalAveragePooling2D(name="average")(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="dropout")(x)
        outputs = layers.Dense(head.units, activation=head.activation, name="head")(x)
        return nn.backend.keras.Model(inputs, outputs)

    def _block(self, x: Any, depthwise: str, pointwise: str) -> Any:
        # keras calls its kernel `depthwise_kernel`, and `kernel_initializer` would not reach it
        convolution = nn.backend.keras.layers.DepthwiseConv2D(
            3, padding="same", depthwise_initializer="he_normal", name=depthwise
        )
        x = self._normalised(convolution(x), depthwise)
        return self._normalised(self._conv(x, 1, pointwise), pointwise)

    def _conv(self, x: Any, kernel: Any, name: str, **options: Any) -> Any:
        options = {"padding": "same", "kernel_initializer": "he_normal"} | options
        return nn.backend.keras.layers.Conv2D(self.filters, kernel, name=name, **options)(x)

    def _normalised(self, x: Any, name: str) -> Any:
        """Batch normalisation right behind a convolution, which the exporter folds into its kernel.

        Then ReLU.
        """
        layers = nn.backend.keras.layers
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        return layers.Activation("relu", name=f"{name}_relu")(x)
