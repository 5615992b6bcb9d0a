"""Number of parameters that are not zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric
from framework.metrics._weights import values_of


@metric("params_nonzero", version=1)
@dataclass(frozen=True, kw_only=True)
class ParamsNonzero(Metric):
    """Weights that are not exactly zero in the exported file, biases included.

    Source: Blalock et al. 2020, arXiv:2003.03033.
    """

    label = "non-zero parameters"
    head = "non-zero"
    unit = "parameters"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """Counted in the file."""
        return float(sum(map(np.count_nonzero, values_of(exported))))
