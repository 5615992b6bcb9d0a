"""How much of the net is stored in fewer bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric


@metric("quantized_share", version=1)
@dataclass(frozen=True, kw_only=True)
class QuantizedShare(Metric):
    """Share of the weights that the file does not store as float32, 0 to 1.

    What a quantization has reached.

    Source: Jacob et al. 2018, arXiv:1712.05877.
    """

    better = "max"

    def measure(self, exported: Exported) -> float:
        """Counted in the file, biases included.

        Beside 8-bit kernels they are whole numbers of 32 bits.
        """
        sizes = [weight.values.size for weight in exported.weights]
        kept = [
            weight.values.size for weight in exported.weights if weight.values.dtype == np.float32
        ]
        return 1.0 - sum(kept) / sum(sizes)
