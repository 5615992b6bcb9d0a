"""Which weights to zero, and how many in each layer. Pure numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from framework.contracts import Array, WeightKey

FLOOR_OF_LEFT = 0.1  # what a floor may take at most of the weights that are left


def smallest(values: Array, zeros: int) -> Array:
    """The `zeros` entries of least magnitude; of equal ones the later go first.

    Args:
        values: any shape.
        zeros: 0 to the number of values.

    Returns:
        A boolean array of the same shape, true at exactly `zeros` places.
    """
    return least(np.abs(values), zeros)


def least(scores: Array, count: int) -> Array:
    """The `count` entries of least score; of equal ones the later go first.

    Args:
        scores: any shape.
        count: 0 to the number of scores.

    Returns:
        A boolean array of the same shape, true at exactly `count` places.
    """
    order = _from_least(scores.ravel())
    chosen = np.zeros(scores.size, dtype=bool)
    chosen[order[:count]] = True
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
    keys, size = sorted(scores), sum(values.size for values in scores.values())
    floor = min(floor, FLOOR_OF_LEFT * (1 - total / size))
    orders = {
        key: _from_least(scores[key].ravel())[: room(scores[key].size, floor)] for key in keys
    }
    offered = np.concatenate([scores[key].ravel()[orders[key]] for key in keys])
    owners = np.concatenate([np.full(len(orders[key]), index) for index, key in enumerate(keys)])
    counts = np.bincount(owners[np.argsort(offered, kind="stable")[:total]], minlength=len(keys))
    return {key: least(scores[key], int(count)) for key, count in zip(keys, counts, strict=True)}


def room(size: int, floor: float) -> int:
    """How many of `size` values may go where the share `floor`, and at least one value, stays."""
    # a share such as 0.1 x 0.4 is no exact number
    return size - max(1, math.ceil(size * floor - 1e-9))


def _from_least(scores: Array) -> Array:
    return np.lexsort((-np.arange(scores.size), scores))


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
    raw = {key: sum(shape) / np.prod(shape) for key, shape in shapes.items()}
    sizes = {key: int(np.prod(shape)) for key, shape in shapes.items()}
    dense: set[WeightKey] = set()
    while True:
        left = (1 - sparsity) * sum(sizes.values()) - sum(sizes[key] for key in dense)
        open_keys = [key for key in shapes if key not in dense]
        if not open_keys:
            return dict.fromkeys(shapes, 0.0)
        scale = left / sum(raw[key] * sizes[key] for key in open_keys)
        full = {key for key in open_keys if scale * raw[key] >= 1}
        if not full:
            return {key: 0.0 if key in dense else 1 - scale * raw[key] for key in shapes}
        dense |= full


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
    return np.asarray(
        np.add.reduceat(np.abs(kernel).astype(np.float64), begins, axis=0) / sizes[:, None]
    )


def blocks(kernel: Array, rows: int, count: int) -> Array:
    """The `count` blocks of least mean magnitude, whole; of equal ones the later go first.

    Args:
        kernel: (inputs, outputs).
        rows: inputs in a block; the last has fewer where they do not divide the kernel's.
        count: 0 to the number of blocks.

    Returns:
        A boolean array of the kernel's shape.
    """
    chosen = least(block_scores(kernel, rows), count)
    return np.repeat(chosen, rows, axis=0)[: kernel.shape[0]]
