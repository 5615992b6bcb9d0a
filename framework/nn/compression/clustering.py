"""Values in few groups: which values share one, and what it is. Pure numpy."""

from __future__ import annotations

import numpy as np

from framework.contracts.net import Array

ROUNDS = 100  # of Lloyd's algorithm at most; it has mostly converged after 20


def shared(
    values: Array, size: int, *, start: str, seed: int, zeros: Array | None = None
) -> tuple[Array, Array]:
    """Values in at most `size` groups.

    Args:
        values: any shape.
        size: at least 2 where `zeros` has any, else at least 1.
        start: `kmeans++`: spread at random; `linear`: at equal steps from the least to the largest
            value.
        zeros: boolean; these have a group of their own, number 0, whose value is zero.

    Returns:
        (group of each value, int32, of the shape of `values`; value of each group, ascending but
        for the zeros').
    """
    flat = values.ravel().astype(np.float64)
    pruned = np.zeros(flat.size, bool) if zeros is None else zeros.ravel()
    # the group of the zeros is one of `size`, and the others are counted after it
    first = int(pruned.any())
    groups = np.zeros(flat.size, np.int32)
    centres = np.zeros(first)
    if not pruned.all():
        means = kmeans(flat[~pruned], size - first, start=start, seed=seed)
        groups[~pruned] = first + nearest(flat[~pruned], means)
        centres = np.concatenate([centres, means])
    return groups.reshape(values.shape), centres


def kmeans(values: Array, size: int, *, start: str, seed: int) -> Array:
    """Lloyd's algorithm on a line.

    Ascending centres, each the mean of the values that are nearest to it.

    A centre that no value is nearest to is left out, so that there may be fewer than `size`.

    Args:
        values: (n,) float64, n at least 1.
    """
    # on a line a group is a run of the sorted values, and its sum a difference of two running sums
    ordered = np.sort(values)
    total = np.concatenate([[0.0], np.cumsum(ordered)])
    if start == "linear":
        centres = np.linspace(ordered[0], ordered[-1], size)
    else:
        centres = _spread(ordered, size, np.random.default_rng(seed))
    for _ in range(ROUNDS):
        ends = np.searchsorted(ordered, (centres[1:] + centres[:-1]) / 2, side="right")
        first, last = np.concatenate([[0], ends]), np.concatenate([ends, [ordered.size]])
        nonempty = last > first
        moved = (total[last] - total[first])[nonempty] / (last - first)[nonempty]
        if np.array_equal(moved, centres):
            break
        centres = moved
    return np.unique(centres)


def nearest(values: Array, centres: Array) -> Array:
    """The number of the centre nearest to each value; centres ascend."""
    return np.searchsorted((centres[1:] + centres[:-1]) / 2, values, side="left").astype(np.int32)


def _spread(ordered: Array, size: int, random: np.random.Generator) -> Array:
    """k-means++ (Arthur & Vassilvitskii 2007).

    Each next centre is a value, likelier the farther from the others.
    """
    centres = [ordered[random.integers(ordered.size)]]
    distance = (ordered - centres[0]) ** 2
    while len(centres) < size and distance.any():
        drawn = random.random() * distance.sum()
        centres.append(ordered[np.searchsorted(np.cumsum(distance), drawn, side="right")])
        distance = np.minimum(distance, (ordered - centres[-1]) ** 2)
    return np.sort(centres)
