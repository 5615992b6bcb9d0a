"""Number of parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric
from framework.metrics._weights import values_of


@metric("params_total", version=1)
@dataclass(frozen=True, kw_only=True)
class ParamsTotal(Metric):
    """All weights of the net as deployed, biases included, batch normalisation folded.

    Source: Blalock et al. 2020, arXiv:2003.03033.
    """

    label = "parameters"
    unit = "parameters"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """Counted in the file."""
        return float(sum(map(np.size, values_of(exported))))
