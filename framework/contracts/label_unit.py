"""The unit of a regression's labels.

Nets train on standardised labels, and the outputs of their files are in the labels' own unit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.contracts.data import Samples
from framework.contracts.net import Array, Stage, WeightKey

NEAR_ZERO, NEAR_ONE = 0.5, (0.5, 2.0)  # mean and s.d. of labels that are taken as they are


@dataclass(frozen=True)
class LabelUnit:
    """How labels are standardised: (label - mean) / scale.

    Args:
        mean: in the labels' unit; 0 for a head that has no bias to carry it.
        scale: above 0, in the labels' unit.
    """

    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def of(cls, labels: Array, stage: Stage) -> LabelUnit:
        """The unit for a net: mean and standard deviation of the training labels.

        Labels that lie about 0 and 1 apart already (mean at most 0.5, s.d. 0.5 to 2), and nets that
        do not end in a linear dense layer of their own, which could take mean and scale up, train
        in the labels' own unit.

        Args:
            labels: (n,) of the training split.
        """
        numbers = labels.astype(np.float64)
        # summed exactly: in whatever order, the bits are the same
        mean = math.fsum(numbers) / max(len(numbers), 1)
        spread = math.sqrt(math.fsum((numbers - mean) ** 2) / max(len(numbers), 1))
        head = _head(stage)
        usual = abs(mean) <= NEAR_ZERO and NEAR_ONE[0] <= spread <= NEAR_ONE[1]
        if usual or head is None or not math.isfinite(spread):
            return cls()
        if head["use_bias"]:
            return cls(mean, spread or 1.0)
        return cls(0.0, math.hypot(mean, spread) or 1.0)

    @property
    def own(self) -> bool:
        """Whether nothing is to be done: the net trains in the labels' own unit."""
        return self == OWN

    def standardised(self, samples: Samples) -> Samples:
        """The same samples with labels as training sees them."""
        if self.own:
            return samples
        labels = (samples.labels.astype(np.float64) - self.mean) / self.scale
        return Samples(samples.inputs, labels.astype(np.float32))

    def folded(self, stage: Stage) -> Stage:
        """The net whose outputs are in the labels' unit.

        Its last layer's kernel times the scale, its bias shifted too.

        Zeros of the kernel stay zeros, equal values equal, and a grid keeps its levels: they are
        only scaled.
        """
        if self.own:
            return stage
        name = _head(stage)["name"]  # type: ignore[index]  # a stage without one has the labels' own unit
        weights = dict(stage.weights)
        for key, value in stage.weights.items():
            if key[0] == name:
                shift = self.mean if key == WeightKey(name, 1) else 0.0
                # in float64, rounded once at the end
                weights[key] = (value.astype(np.float64) * self.scale + shift).astype(np.float32)
        return stage.with_weights(weights)

    def curve(self, values: Mapping[str, float]) -> dict[str, float]:
        """An epoch's values with its errors in the labels' unit.

        The loss stays what is minimised.
        """
        in_unit = {}
        for name, value in values.items():
            factor = self.scale if name.endswith("rmse") else 1.0
            in_unit[name] = value * factor
        return in_unit


OWN = LabelUnit()
"""Nothing is standardised."""


def _head(stage: Stage) -> dict[str, Any] | None:
    """The configuration of the net's last layer, if that is a linear dense layer used once."""
    net = json.loads(stage.graph)
    last = net["output_layers"][0][0]
    layer = next(layer for layer in net["layers"] if layer["name"] == last)
    linear = layer["class_name"] == "Dense" and layer["config"]["activation"] == "linear"
    return layer["config"] if linear and len(layer["inbound_nodes"]) == 1 else None
