"""Multiply-accumulate operations."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric


@metric("macs_dense", version=1)
@dataclass(frozen=True, kw_only=True)
class MacsDense(Metric):
    """Multiply-accumulate operations for one sample, zeros counted like any other weight.

    Source: Sze et al. 2017, arXiv:1703.09039.
    """

    label = "multiply-accumulate operations per sample"
    head = "MACs"
    unit = "operations"
    format = "count"
    ledger = True

    def measure(self, exported: Exported) -> float:
        """Each kernel value times the output positions it is used for.

        Padding, stride and groups are counted right.
        """
        of_weights = sum(weight.values.size * weight.uses for weight in exported.weights)
        # no weight takes part in the products of attention
        return float(of_weights + exported.products)
