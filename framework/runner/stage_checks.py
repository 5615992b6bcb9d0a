"""What has to be true of a net after every step of a chain, whichever strategy made it."""

from __future__ import annotations

import numpy as np

from framework.contracts.net import Array, Codebook, Keep, Mask, Stage, levels_at_most
from framework.errors import TrialDiverged, TrialError


def check_finite(stage: Stage) -> None:
    """Raise TrialDiverged if a weight is not finite."""
    broken = set()
    for (layer, _), values in stage.weights.items():
        if not np.isfinite(values).all():
            broken.add(layer)
    if broken:
        layers = ", ".join(sorted(broken))
        raise TrialDiverged(f"Weights are not finite after the last step, in: {layers}.")


def check_keeps(stage: Stage) -> None:
    """Raise TrialError if the stage breaks a constraint that an earlier step has set."""
    for keep in stage.keeps:
        broken = _broken(keep, stage.weights[keep.weight])
        if broken:
            raise TrialError(
                f"{stage.steps[-1].strategy} has undone {broken} of an earlier step in "
                f"{keep.weight}."
            )


def _broken(keep: Keep, values: Array) -> str:
    """What of a constraint is broken; empty if it is met."""
    if isinstance(keep, Mask):
        return "zeros" if np.any(values[keep.zeros]) else ""
    if isinstance(keep, Codebook):
        # one pair for each group whose weights are equal, so a group that has split has several
        groups, _ = np.unique(np.stack([keep.indices.ravel(), values.ravel()]), axis=1)
        has_split = len(groups) > len(np.unique(groups))
        return "shared values" if has_split or keep.indices.max() >= keep.size else ""
    return "levels" if levels_at_most(values, keep.channels) > 2**keep.bits else ""
