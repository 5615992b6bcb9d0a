"""How much of the spread of labels, or of inputs that are rebuilt, the outputs explain."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric
from framework.metrics._errors import outputs_and_truth


@metric("r2", version=1)
@dataclass(frozen=True, kw_only=True)
class R2(Metric):
    """Coefficient of determination: 1 is perfect, 0 no better than the mean of what it tells.

    Of the exported file's answers. Of a reconstruction, over all numbers of the input of normal
    samples: 1 - MSE / mean variance, 0 no better than each number's mean.

    Departures: labels that are all equal have no spread to explain. Then it is 1 where every answer
    equals them, and 0 otherwise, so that it is finite whenever the answers are.

    Source: Wright 1921, Correlation and causation, J. Agric. Res. 20(7), 557-585.
    """

    label = "R2"
    format = "decimals"
    better = "max"
    of_split = True
    tasks = frozenset({"regression", "reconstruction"})

    def measure(self, exported: Exported) -> float:
        """1 - sum of squared errors / sum of squared distances of the labels from their mean.

        Below 0 without end.
        """
        outputs, truth = outputs_and_truth(exported)
        errors = float(((outputs - truth) ** 2).sum())
        # asked of the numbers: the mean of equal ones may be off in its last digit
        if (truth == truth[0]).all():
            return float(errors == 0.0)
        return 1.0 - errors / float(((truth - truth.mean(axis=0)) ** 2).sum())
