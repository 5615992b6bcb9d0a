"""Transformer encoder: attention over a sequence of tokens, of numbers or of sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from framework import nn
from framework.architectures import _attention as attention
from framework.architectures import _encoders as encoders
from framework.contracts import Architecture, DataInfo, architecture, knob
from framework.errors import InvalidValue


@architecture("transformer", version=1)
@dataclass(frozen=True, kw_only=True)
class Transformer(Architecture):
    """Transformer encoder: embedded tokens, pre-norm blocks of multi-head attention, a mean.

    It reads the data set's one input that is no picture; numbers (steps, features) and spectrograms
    are projected where tokens are embedded.

    Source: Vaswani et al. 2017, arXiv:1706.03762; normalisation before each branch as in Xiong et
    al. 2020, arXiv:2002.04745.

    Departures: the encoder alone; positions are learned (section 3.5 finds them as good); a mean
    over all steps before the head. Texts are not masked: the net learns what token 0 means. The
    preset `tutorial` is as wide as the base net of the paper.
    """

    made_for = "listops"

    d_model: int = knob(
        64, low=4, high=4096, unit="numbers", doc="width of each step; a multiple of heads"
    )
    heads: int = knob(4, low=1, high=64, unit="heads", doc="of each attention")
    layers: int = knob(2, low=1, high=24, unit="layers", doc="blocks on one another")
    feed_forward: int = knob(
        128, low=1, high=16_384, unit="units", doc="hidden layer of each block"
    )
    dropout: float = knob(
        0.0, low=0.0, high=0.9, doc="share left out of embeddings and of each branch"
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tutorial": {"d_model": 512, "heads": 4, "layers": 2, "feed_forward": 2048}
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.d_model % self.heads:
            raise InvalidValue(
                "transformer: each head takes an equal share of d_model.",
                given=f"Given: d_model {self.d_model}, heads {self.heads}.",
                todo=f"Make d_model a multiple of heads, as "
                f"{self.heads * max(1, self.d_model // self.heads)}.",
            )

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The one sequence, as the data set has it."""
        name = encoders.sequence_input(info)
        return {name: info.inputs[name]}

    def build(self, info: DataInfo) -> Any:
        """(tokens,), (steps, features) or (frames, bins, 1) -> (units of the head,)."""
        name = encoders.sequence_input(info)
        inputs = encoders.read(info, name)
        x = self._embedded(inputs, info, name)
        for number in range(1, self.layers + 1):
            x = attention.block(
                x,
                heads=self.heads,
                hidden=self.feed_forward,
                dropout=self.dropout,
                name=f"block_{number}",
            )
        x = attention.averaged(x, name="last")
        return nn.backend.keras.Model(inputs, encoders.output_layer(x, info))

    def _embedded(self, inputs: Any, info: DataInfo, name: str) -> Any:
        """(steps, d_model), each step with its position."""
        steps = encoders.steps(inputs, info, name, width=self.d_model)
        if name in info.tokens:
            return attention.placed(steps, inputs, dropout=self.dropout, name=name)
        projection = nn.backend.keras.layers.Dense(self.d_model, name=f"{name}_projection")
        return attention.placed(projection(steps), steps, dropout=self.dropout, name=name)
