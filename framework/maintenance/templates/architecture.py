"""What this net is for, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework import nn
from framework.contracts import Architecture, DataInfo, Head, architecture, knob


# The name is the file's name. Raise the version when the net's numbers change: results are found
# again by it.
@architecture("new_name", version=1)
@dataclass(frozen=True, kw_only=True)
class NewName(Architecture):
    """Two convolutions with pooling, one mean over the picture, one dense layer.

    Replace by what yours is.

    Source: your paper, as "Lin et al. 2013, arXiv:1312.4400" (this one's mean instead of large
    dense layers).
    """

    # A knob is declared here and nowhere else: default, range, unit, help.
    filters: int = knob(
        16, low=1, high=1024, unit="filters", doc="filters of the first convolution"
    )
    dropout: float = knob(0.0, low=0.0, high=0.9, doc="share left out before the last layer")

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """28x28 with the data set's own channels; pictures are resized to this."""
        return {"image": (28, 28, info.shape("image")[-1])}

    def build(self, info: DataInfo) -> Any:
        """(28, 28, channels) -> (units of the head,)."""
        # A functional graph of keras layers. Rules: every layer has a name of its own; no
        # operator (x + y is layers.Add), no nested or subclassed model, no Lambda; inputs are
        # called as the data set's; the last layer is what `head` says, so that one net serves every
        # task. framework/nn/allowed.py lists the layers.
        layers, head = nn.backend.keras.layers, Head.of(info)
        inputs = layers.Input(info.inputs["image"], name="image")
        x = inputs
        for number, filters in enumerate((self.filters, 2 * self.filters), start=1):
            x = layers.Conv2D(
                filters, 3, activation="relu", kernel_initializer="he_normal", name=f"conv_{number}"
            )(x)
            x = layers.MaxPooling2D(name=f"pool_{number}")(x)
        x = layers.GlobalAveragePooling2D(name="mean")(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="dropout")(x)
        outputs = layers.Dense(head.units, activation=head.activation, name="head")(x)
        return nn.backend.keras.Model(inputs, outputs)
