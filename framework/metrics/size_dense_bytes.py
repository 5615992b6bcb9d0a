"""Size of the bare weights."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric
from framework.metrics._weights import values_of


@metric("size_dense_bytes", version=1)
@dataclass(frozen=True, kw_only=True)
class SizeDenseBytes(Metric):
    """Bytes of all weights in the types the file stores, zeros included.

    Source: Blalock et al. 2020, arXiv:2003.03033.
    """

    label = "bare weights"
    head = "dense"
    unit = "bytes"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """Counted in the file; factors that scale integers are not weights."""
        return float(sum(values.nbytes for values in values_of(exported)))
