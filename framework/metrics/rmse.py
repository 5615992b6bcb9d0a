"""How far off the answers are, in the labels' own unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric


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
        errors = exported.outputs[:, 0].astype(np.float64) - exported.labels.astype(np.float64)
        return float(np.sqrt((errors**2).mean()))
