"""Size of the weights with the zeros left out."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric
from framework.metrics._ledger import sparse_bytes


@metric("size_sparse_bytes", version=2)
@dataclass(frozen=True, kw_only=True)
class SizeSparseBytes(Metric):
    """Bytes of the non-zero weights and of an index that tells where they are.

    Never more than the dense tensors'.

    Source: Han et al. 2016, arXiv:1510.00149 (sparse storage); compressed rows as in Eisenstat et
    al. 1982.
    """

    label = "non-zero weights with their index"
    head = "sparse"
    unit = "bytes"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """Each tensor with the smallest of a bitmap, compressed rows, and dense."""
        return float(sum(sparse_bytes(weight.rows) for weight in exported.weights))
