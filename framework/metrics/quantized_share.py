"""How much of the net is stored in fewer bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric
from framework.metrics._weights import values_of


@metric("quantized_share", version=1)
@dataclass(frozen=True, kw_only=True)
class QuantizedShare(Metric):
    """Share of the weights that the file does not store as float32.

    What a quantization has reached.

    Source: Jacob et al. 2018, arXiv:1712.05877.
    """

    label = "quantized weights"
    head = "quantized"
    format = "percent"
    better = "max"

    def measure(self, exported: Exported) -> float:
        """Counted in the file, biases included.

        Next to 8-bit kernels they are whole numbers of 32 bits.
        """
        total = floats = 0
        for values in values_of(exported):
            total += values.size
            # the converter leaves small tensors alone, whatever was asked for
            floats += values.size if values.dtype == np.float32 else 0
        return 1.0 - floats / total
