"""How well the error of a reconstruction tells anomalies from normal samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.contracts import Exported, Metric, metric
from framework.metrics._errors import anomaly_scores


@metric("auc", version=1)
@dataclass(frozen=True, kw_only=True)
class Auc(Metric):
    """Area under the ROC curve of the anomaly score, the mean squared error of each sample.

    The share of pairs of an anomaly and a normal sample in which the anomaly is rebuilt worse: 1 is
    perfect, 0.5 no better than chance. Measured where anomalies are labelled.

    Source: Hanley & McNeil 1982, Radiology 143(1), 29-36; of the reconstruction error as in MLPerf
    Tiny, Banbury et al. 2021, arXiv:2106.07597.
    """

    label = "AUC"
    format = "decimals"
    better = "max"
    of_split = True
    of_anomalies = True
    tasks = frozenset({"reconstruction"})

    def measure(self, exported: Exported) -> float:
        """A pair of equal scores counts half."""
        scores, is_anomaly = anomaly_scores(exported), exported.labels == 1
        _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
        # equal scores share the mean of the ranks, from 1, that they take up together
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
        anomalies = int(is_anomaly.sum())
        pairs = anomalies * (len(scores) - anomalies)
        won = float(ranks[is_anomaly].sum()) - anomalies * (anomalies + 1) / 2
        return won / pairs
