"""A picture and a sound that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from framework.architectures import _encoders as encoders
from framework.architectures._pictures import picture_shape
from framework.contracts import Architecture, DataInfo, architecture, knob

SOUND = "audio"


@architecture("image_audio", version=1)
@dataclass(frozen=True, kw_only=True)
class ImageAudio(Architecture):
    """A convolutional encoder for the picture; one like it, or recurrent, for the sound.

    Source: Vielzeuf et al. 2018, arXiv:1808.07275 (AV-MNIST: a small convolutional net for each,
    then fusion); Arevalo et al. 2017, arXiv:1702.01992 (gated fusion).

    Departures: one fusion, of the encoders' last features; `lstm` reads the spectrogram frame by
    frame.
    """

    made_for = "digits_audio"

    reads: str = knob(
        "both",
        choices=("both", "image", "audio"),
        doc="one alone: what it achieves without the other",
    )
    side: int = knob(
        0, low=0, high=1024, unit="pixels", doc="of the picture; 0: as the data set has it"
    )
    filters: int = knob(
        16, low=1, high=1024, unit="filters", doc="first convolution of each; doubled in each block"
    )
    blocks: int = knob(
        2, low=1, high=8, unit="blocks", doc="convolution and pooling, in each encoder"
    )
    audio_encoder: str = knob("cnn", choices=("cnn", "lstm"), doc="what reads the spectrogram")
    audio_units: int = knob(64, low=1, high=4096, unit="units", doc="of the sound's features")
    fusion: str = knob("concatenate", choices=encoders.FUSIONS, doc="how picture and sound meet")
    units: int = knob(
        64, low=1, high=4096, unit="units", doc="of the picture's features and where both meet"
    )
    dropout: float = knob(0.0, low=0.0, high=0.9, doc="share of the last hidden layer left out")

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tutorial": {"side": 224, "blocks": 4, "audio_encoder": "lstm", "audio_units": 50}
    }

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The picture, the spectrogram or both."""
        shapes: dict[str, tuple[int, ...]] = {}
        if self.reads != "audio":
            shapes[encoders.PICTURE] = picture_shape(info, side=self.side, least=1)
        if self.reads != "image":
            shapes[SOUND] = info.shape(SOUND)
        return shapes

    def build(self, info: DataInfo) -> Any:
        """(height, width, channels) and (frames, bins, 1) -> (units of the head,)."""
        return encoders.fused_net(
            info,
            lambda x, name: self._encoded(x, info, name),
            fusion=self.fusion,
            units=self.units,
            dropout=self.dropout,
        )

    def _encoded(self, x: Any, info: DataInfo, name: str) -> Any:
        if name == SOUND and self.audio_encoder == "lstm":
            # the width is that of embedded tokens, of which a sound has none
            frames = encoders.steps(x, info, name, width=1)
            return encoders.recurrent_features(frames, units=self.audio_units, name=name)
        units = self.units if name == encoders.PICTURE else self.audio_units
        return encoders.convolutions(
            x, filters=self.filters, blocks=self.blocks, units=units, name=name
        )
