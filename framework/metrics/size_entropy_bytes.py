"""What an ideal coder would need for the weights."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric
from framework.metrics._ledger import entropy_bits
from framework.metrics._weights import values_of


@metric("size_entropy_bytes", version=1)
@dataclass(frozen=True, kw_only=True)
class SizeEntropyBytes(Metric):
    """Bytes that an ideal entropy coder would need for the weights: a bound, and no file.

    It knows how often each value occurs.

    Source: Shannon 1948; split into places and values as in Wiedemann et al. 2020,
    arXiv:1907.11900.
    """

    label = "entropy bound of the weights"
    head = "entropy"
    unit = "bytes"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """Each tensor by itself; a value that does not repeat costs its own bits."""
        return sum(map(entropy_bits, values_of(exported))) / 8
