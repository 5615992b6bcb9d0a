"""A picture and a question about it: visual question answering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from framework.architectures import _attention as attention
from framework.architectures import _encoders as encoders
from framework.architectures._pictures import picture_shape
from framework.contracts import Architecture, DataInfo, architecture, knob


@architecture("image_text", version=1)
@dataclass(frozen=True, kw_only=True)
class ImageText(Architecture):
    """A convolutional encoder for the picture, and an LSTM or attention for the question, fused.

    Source: Antol et al. 2015, arXiv:1505.00468 (VQA: encoders, product of both); Arevalo et al.
    2017, arXiv:1702.01992 (gated fusion).

    Departures: a small convolutional net learned with the rest in place of VGG; one hidden layer of
    ReLU before the head; `attention` is one pre-norm Transformer block (Xiong et al. 2020,
    arXiv:2002.04745) with one head.
    """

    made_for = "digits_vqa"

    reads: str = knob(
        "both",
        choices=("both", "image", "question"),
        doc="one alone: what it achieves without the other",
    )
    side: int = knob(
        0, low=0, high=1024, unit="pixels", doc="of the picture; 0: as the data set has it"
    )
    filters: int = knob(
        16, low=1, high=1024, unit="filters", doc="first convolution; doubled in each block"
    )
    blocks: int = knob(2, low=1, high=8, unit="blocks", doc="convolution and pooling")
    embedding: int = knob(32, low=1, high=4096, unit="numbers", doc="that stand for a token")
    question_encoder: str = knob(
        "lstm", choices=("lstm", "attention"), doc="what reads the question"
    )
    question_units: int = knob(
        64, low=1, high=4096, unit="units", doc="of the LSTM, or of the attention's hidden layer"
    )
    fusion: str = knob("concatenate", choices=encoders.FUSIONS, doc="how picture and question meet")
    units: int = knob(
        64, low=1, high=4096, unit="units", doc="of the picture's features and where both meet"
    )
    dropout: float = knob(0.0, low=0.0, high=0.9, doc="share of the last hidden layer left out")

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"tutorial": {"side": 224, "blocks": 4}}

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The picture, the question or both."""
        shapes: dict[str, tuple[int, ...]] = {}
        if self.reads != "question":
            shapes[encoders.PICTURE] = picture_shape(info, side=self.side, least=1)
        if self.reads != "image":
            name = encoders.question_input(info)
            shapes[name] = info.shape(name)
        return shapes

    def build(self, info: DataInfo) -> Any:
        """(height, width, channels) and (tokens,) -> (units of the head,)."""
        return encoders.fused_net(
            info,
            lambda x, name: self._encoded(x, info, name),
            fusion=self.fusion,
            units=self.units,
            dropout=self.dropout,
        )

    def _encoded(self, x: Any, info: DataInfo, name: str) -> Any:
        if name == encoders.PICTURE:
            return encoders.convolutions(
                x, filters=self.filters, blocks=self.blocks, units=self.units, name=name
            )
        tokens = encoders.steps(x, info, name, width=self.embedding)
        if self.question_encoder == "lstm":
            return encoders.recurrent_features(tokens, units=self.question_units, name=name)
        placed = attention.placed(tokens, x, name=name)
        block = attention.block(placed, heads=1, hidden=self.question_units, dropout=0.0, name=name)
        return attention.averaged(block, name=name)
