"""What a guess reaches, and whether a dense net is better.

If it is not, nothing measured against it counts.

The dense net's own run carries both numbers, so that a report, which loads no data, can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.results.record import CHANCE_ACCURACY, CHANCE_LIMIT, QUALITY, decimals, quality_of

ERRORS = 2.0  # standard errors of a share above which a net counts as better than guessing
MARK = "no better than chance"


def limits(labels: Any, task: str) -> dict[str, float]:
    """What a net has to be above, by the names in the store.

    Args:
        labels: (n,) of the validation split, n at least 1.

    Returns:
        `chance_accuracy`, the share of the most frequent label, of `classes` and `binary` only; and
        `chance_limit`: that share plus two binomial standard errors, but below 1 where there is
            more than one label, so that a net
        without a mistake is above it. Of a regression it is 0: the R2 of the labels' mean; of a
            reconstruction too: that of each number's own mean.
    """
    if QUALITY[task] == "r2":
        return {CHANCE_LIMIT: 0.0}
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    share, size = float(counts.max() / counts.sum()), int(counts.sum())
    limit = share + ERRORS * float(np.sqrt(share * (1 - share) / size))
    return {CHANCE_ACCURACY: share, CHANCE_LIMIT: min(limit, 1 - 0.5 / size) if share < 1 else 1.0}


def at_chance(metrics: Mapping[str, float], task: str) -> bool:
    """Whether a dense net is no better than guessing.

    False where its run does not tell, as runs of old do not.
    """
    quality, limit = metrics.get(quality_of(task)), metrics.get(CHANCE_LIMIT)
    # neither is what is no number
    return quality is not None and limit is not None and not quality > limit


def warning(metrics: Mapping[str, float], task: str) -> str:
    """A sentence without full stop on a dense net that is no better than guessing.

    Empty if it is better.
    """
    if not at_chance(metrics, task):
        return ""
    value, limit = decimals(metrics[quality_of(task)]), decimals(metrics[CHANCE_LIMIT])
    if quality_of(task) == "val_r2":
        guess = "labels" if task == "regression" else "inputs"
        return f"{MARK}: R2 {value}, where the mean of the {guess} has 0"
    guess = decimals(metrics[CHANCE_ACCURACY]) if CHANCE_ACCURACY in metrics else "less"
    return (
        f"{MARK}: accuracy {value}, where the most frequent class alone has {guess} and luck goes "
        f"to {limit}"
    )
