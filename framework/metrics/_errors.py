"""What the outputs of a regression or a reconstruction are, and what they should have been."""

from __future__ import annotations

import numpy as np

from framework.contracts import Array, Exported


def outputs_and_truth(exported: Exported) -> tuple[Array, Array]:
    """Both (n,) of a regression; (n, units) of the normal samples of a reconstruction.

    In float64: squares of float32 would lose digits, and overflow.
    """
    if exported.inputs is None:
        return exported.outputs[:, 0].astype(np.float64), exported.labels.astype(np.float64)
    normal = exported.labels == 0
    return exported.outputs[normal].astype(np.float64), exported.inputs[normal].astype(np.float64)


def anomaly_scores(exported: Exported) -> Array:
    """(n,) the mean squared error of each sample of a reconstruction, anomalies included."""
    errors = exported.outputs.astype(np.float64) - np.asarray(exported.inputs, np.float64)
    return np.asarray((errors**2).mean(axis=1))
