"""Share of right answers."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric
from framework.metrics._decisions import decisions


@metric("accuracy", version=1)
@dataclass(frozen=True, kw_only=True)
class Accuracy(Metric):
    """Share of the samples that the exported .tflite file classifies rightly.

    0 to 1.

    Source: top-1 accuracy as in Blalock et al. 2020, arXiv:2003.03033.
    """

    label = "accuracy"
    format = "percent"
    better = "max"
    of_split = True
    tasks = frozenset({"classes", "binary"})

    def measure(self, exported: Exported) -> float:
        """Each sample counts the same."""
        return float((decisions(exported.outputs, exported.task) == exported.labels).mean())
