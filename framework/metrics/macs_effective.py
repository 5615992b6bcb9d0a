"""Multiply-accumulate operations that do something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric


@metric("macs_effective", version=1)
@dataclass(frozen=True, kw_only=True)
class MacsEffective(Metric):
    """Multiply-accumulate operations for one sample whose weight is not zero.

    What a runtime that skips zeros would do.

    Source: Blalock et al. 2020, arXiv:2003.03033 (theoretical speed-up).
    """

    label = "multiply-accumulate operations per sample, zero weights left out"
    head = "effective MACs"
    unit = "operations"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """Each kernel value that is not zero times the output positions it is used for."""
        total = exported.products  # of two activations: no zero of a weight saves them
        for weight in exported.weights:
            total += int(np.count_nonzero(weight.values)) * weight.uses
        return float(total)
