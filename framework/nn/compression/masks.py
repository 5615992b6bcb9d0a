"""Which weights to zero, and how many in each layer. Pure numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from framework.contracts.net import Array, WeightKey

FLOOR_OF_LEFT = 0.1  # largest share of the remaining weights that a floor may take


def smallest(values: Array, zeros: int) -> Array:
    """The `zeros` entries of least magnitude; of equal ones the later are chosen first.

    Args:
        values: any shape.
        zeros: 0 to the number of values.

    Returns:
        A boolean array of the same shape, true at exactly `zeros` places.
    """
    return least(np.abs(values), zeros)


def least(scores: Array, count: int) -> Array:
    """The `count` entries of least score; of equal ones the later are chosen first.

    Args:
        scores: any shape.
        count: 0 to the number of scores.

    Returns:
        A boolean array of the same shape, true at exactly `count` places.
    """
    chosen, equal, left = _parted(scores.ravel(), count)
    chosen[equal[equal.size - left :]] = True
    return chosen.reshape(scores.shape)


def lowest(
    scores: Mapping[WeightKey, Array], total: int, floor: float = 0.0
) -> dict[WeightKey, Array]:
    """The `total` entries of least score among all arrays together: one threshold for a whole net.

    Args:
        scores: of each kernel, any shape.
        total: 0 to the number of all scores; one entry of each array is never chosen.
        floor: share of each array that is never chosen, 0 to 1, but never more than `FLOOR_OF_LEFT`
            of the share that is left of all: a floor that took much of a small budget would deal it
            out evenly, by no score at all.

    Returns:
        Boolean arrays of the same shapes; of equal scores it does not matter in which order the
        arrays come.
    """
    # sorted: where scores are equal between arrays, the names decide and not the mapping's order
    keys = sorted(scores)
    size = sum(values.size for values in scores.values())
    floor = min(floor, FLOOR_OF_LEFT * (1 - total / size))
    candidates = [_candidates(scores[key], floor) for key in keys]
    owners = np.repeat(np.arange(len(keys)), list(map(len, candidates)))
    chosen, equal, left = _parted(np.concatenate(candidates), total)
    chosen[equal[:left]] = True
    counts = np.bincount(owners[chosen], minlength=len(keys))
    zeros = {}
    for key, count in zip(keys, counts, strict=True):
        zeros[key] = least(scores[key], int(count))
    return zeros


def _candidates(scores: Array, floor: float) -> Array:
    """The scores that may be chosen, ascending."""
    return np.sort(scores.ravel())[: room(scores.size, floor)]


def room(size: int, floor: float) -> int:
    """How many of `size` values may be zero where the share `floor`, and at least one, is not."""
    # a share such as 0.1 x 0.4 is no exact number: rounding must not keep one value more
    return size - max(1, math.ceil(size * floor - 1e-9))


def _parted(scores: Array, count: int) -> tuple[Array, Array, int]:
    """The `count` least, or all where there are fewer, but for which of equal ones it is.

    A sort of values takes a third of the time of an order of their places, or less.

    Returns:
        Whether each is below the `count`-th, the places of those that equal it, and how many of
        these are among the least.
    """
    count = min(count, scores.size)
    if not count:
        return np.zeros(scores.size, dtype=bool), np.arange(0), 0
    # a partition takes ten times as long where many scores are equal, as those of pruned weights
    edge = np.sort(scores)[count - 1]
    below, equal = scores < edge, scores == edge
    if np.isnan(edge):  # as in an order: what is no number comes after all that are
        below, equal = ~np.isnan(scores), np.isnan(scores)
    return below, np.flatnonzero(equal), count - int(np.count_nonzero(below))


def uniform(shapes: Mapping[WeightKey, tuple[int, ...]], sparsity: float) -> dict[WeightKey, float]:
    """The same sparsity for every kernel."""
    return dict.fromkeys(shapes, sparsity)


def erk(shapes: Mapping[WeightKey, tuple[int, ...]], sparsity: float) -> dict[WeightKey, float]:
    """Erdos-Renyi-kernel proportions.

    The density of a kernel goes with the sum of its sides over their product.

    Thin layers stay denser than wide ones; a kernel that would need more than all its weights stays
    dense, and the others share what is left, so that the total is `sparsity`. (Evci et al. 2020,
    arXiv:1911.11134, after Mocanu et al. 2018.)

    Args:
        shapes: kernels, as (..., inputs, outputs).
        sparsity: share of zeros among all of them together, 0 to 1.

    Returns:
        The sparsity of each kernel, 0 to 1.
    """
    raw, sizes = {}, {}
    for key, shape in shapes.items():
        raw[key], sizes[key] = sum(shape) / np.prod(shape), int(np.prod(shape))
    left = (1 - sparsity) * sum(sizes.values())
    sparsities, sparse, dense_size = dict.fromkeys(shapes, 0.0), list(shapes), 0
    while sparse:
        scale = (left - dense_size) / sum(raw[key] * sizes[key] for key in sparse)
        full = {key for key in sparse if scale * raw[key] >= 1}
        if not full:
            return sparsities | {key: 1 - scale * raw[key] for key in sparse}
        # what these do not need is shared by the others, and may fill one of them in turn
        dense_size += sum(sizes[key] for key in full)
        sparse = [key for key in sparse if key not in full]
    return sparsities


def zeros_asked(size: int, sparsity: float) -> int:
    """Number of zeros in a tensor of `size` values; at least one value stays, as in tfmot."""
    return size - max(1, round(size * (1 - sparsity)))


def block_scores(kernel: Array, rows: int) -> Array:
    """(blocks, outputs) mean magnitude of each block.

    `rows` neighbouring inputs of one output, fewer in a last block.

    Args:
        kernel: (inputs, outputs).
    """
    begins = np.arange(0, kernel.shape[0], rows)
    sizes = np.diff(np.append(begins, kernel.shape[0]))
    sums = np.add.reduceat(np.abs(kernel).astype(np.float64), begins, axis=0)
    return np.asarray(sums / sizes[:, None])


def blocks(kernel: Array, rows: int, count: int) -> Array:
    """The `count` blocks of least mean magnitude, whole; of equal ones the later are first.

    Args:
        kernel: (inputs, outputs).
        rows: inputs in a block; the last has fewer where they do not divide the kernel's.
        count: 0 to the number of blocks.

    Returns:
        A boolean array of the kernel's shape.
    """
    chosen = least(block_scores(kernel, rows), count)
    return np.repeat(chosen, rows, axis=0)[: kernel.shape[0]]
