"""How much of the labels' spread the answers explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric


@metric("r2", version=1)
@dataclass(frozen=True, kw_only=True)
class R2(Metric):
    """Coefficient of determination: 1 is perfect, 0 no better than the mean of the labels.

    Of the exported file's answers.

    Departures: labels that are all equal have no spread to explain. Then it is 1 where every answer
    equals them, and 0 otherwise, so that it is finite whenever the answers are.

    Source: Wright 1921, Correlation and causation, J. Agric. Res. 20(7), 557-585.
    """

    label = "R2"
    format = "decimals"
    better = "max"
    of_split = True
    tasks = frozenset({"regression"})

    def measure(self, exported: Exported) -> float:
        """1 - sum of squared errors / sum of squared distances of the labels from their mean.

        Below 0 without end.
        """
        # squares of float32 would lose digits, and overflow
        labels = exported.labels.astype(np.float64)
        errors = float(((exported.outputs[:, 0].astype(np.float64) - labels) ** 2).sum())
        # asked of the labels: the mean of equal numbers may be off in its last digit
        if labels.min() == labels.max():
            return float(errors == 0.0)
        return 1.0 - errors / float(((labels - labels.mean()) ** 2).sum())
