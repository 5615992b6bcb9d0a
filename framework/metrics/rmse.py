"""How far off the answers are, in the labels' own unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric
from framework.metrics._errors import outputs_and_truth


@metric("rmse", version=1)
@dataclass(frozen=True, kw_only=True)
class Rmse(Metric):
    """Root mean square error of the exported file's answers, in the unit of the labels.

    Source: Gauss 1821, Theoria combinationis observationum erroribus minimis obnoxiae (the mean
    square error).
    """

    label = "RMSE"
    of_split = True
    tasks = frozenset({"regression"})

    def measure(self, exported: Exported) -> float:
        """Each sample counts the same; 0 where every answer is its label."""
        outputs, labels = outputs_and_truth(exported)
        return float(np.sqrt(((outputs - labels) ** 2).mean()))
