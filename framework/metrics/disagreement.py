"""How often the file decides otherwise than the net it was made from."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import Exported, Metric, metric
from framework.metrics._decisions import decisions


@metric("disagreement", version=1)
@dataclass(frozen=True, kw_only=True)
class Disagreement(Metric):
    """Share of samples that the exported file and its float net decide differently.

    Source: Hooker et al. 2019, arXiv:1911.05248 (changed predictions).
    """

    label = "disagreement"
    format = "percent"
    of_split = True
    tasks = frozenset({"classes", "binary"})

    def measure(self, exported: Exported) -> float:
        """Ties count as decided for the first class; 0 for a float32 file, but for ties."""
        file = decisions(exported.outputs, exported.task)
        net = decisions(exported.net_outputs, exported.task)
        return float((file != net).mean())
