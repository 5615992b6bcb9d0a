"""How far what a net rebuilds is from its input."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric
from framework.metrics._errors import outputs_and_truth


@metric("mse", version=1)
@dataclass(frozen=True, kw_only=True)
class Mse(Metric):
    """Mean squared error of the exported file's reconstruction of its input.

    Of normal samples, over all numbers of the input, in the square of their unit.

    Source: Rumelhart, Hinton & Williams 1986, Learning internal representations by error
    propagation (auto-association).
    """

    label = "MSE"
    of_split = True
    tasks = frozenset({"reconstruction"})

    def measure(self, exported: Exported) -> float:
        """Each number of each normal sample counts the same; 0 where the input is rebuilt."""
        outputs, truth = outputs_and_truth(exported)
        return float(((outputs - truth) ** 2).mean())
