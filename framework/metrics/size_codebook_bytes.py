"""Size of the weights as indices into codebooks."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric
from framework.metrics._ledger import codebook_bytes
from framework.metrics._weights import values_of


@metric("size_codebook_bytes", version=1)
@dataclass(frozen=True, kw_only=True)
class SizeCodebookBytes(Metric):
    """Bytes of the weights as indices into a table of their distinct values, one table a tensor.

    Source: Han et al. 2016, arXiv:1510.00149 (weight sharing).
    """

    label = "weights as indices into codebooks"
    head = "codebook"
    unit = "bytes"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """Each tensor as indices and table, or dense where that is smaller."""
        return float(sum(map(codebook_bytes, values_of(exported))))
