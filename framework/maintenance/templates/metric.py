"""A metric that is a working file; change it into yours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric


# `version` goes up when the numbers change: runs of two versions are not ranked together.
@metric("new_name", version=1)
@dataclass(frozen=True, kw_only=True)
class NewName(Metric):
    """Largest absolute value among the weights of the exported file, as they are stored.

    Source: the paper that defines it, with its arXiv number.
    """

    # What tables, axes and the model card say of it is stated here, once.
    label = "largest weight"
    unit = ""  # as "bytes"; empty for a number without one
    format = "significant"  # digits; or "percent" of a share, "count", "decimals"
    better = "min"  # or "max"
    # A size has ledger = True: tables show the baseline's divided by it, too.
    # What is measured on samples has of_split = True.
    # In the store it is then called val_new_name.
    # What is defined for some tasks only names them: tasks = frozenset({"classes", "binary"}).

    def measure(self, exported: Exported) -> float:
        """One number from the file, its weights, what it answers on the split, and the labels."""
        largest = 0.0
        for weight in exported.weights:
            values = np.abs(weight.values.astype(float))  # of int8, -128 has no positive
            largest = max(largest, float(values.max(initial=0.0)))
        return largest
