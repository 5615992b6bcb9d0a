"""Which weights to zero, and how many in each layer. Pure numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from framework.contracts import Array

Key = tuple[str, int]


def smallest(values: Array, zeros: int) -> Array:
    """The `zeros` entries of least magnitude; of equal ones the later go first.

    Args:
        values: any shape.
        zeros: 0 to the number of values.

    Returns:
        A boolean array of the same shape, true at exactly `zeros` places.
    """
    order = np.lexsort((-np.arange(values.size), np.abs(values).ravel()))
    chosen = np.zeros(values.size, dtype=bool)
    chosen[order[:zeros]] = True
    return chosen.reshape(values.shape)


def uniform(shapes: Mapping[Key, tuple[int, ...]], sparsity: float) -> dict[Key, float]:
    """The same sparsity for every kernel."""
    return dict.fromkeys(shapes, sparsity)


def erk(shapes: Mapping[Key, tuple[int, ...]], sparsity: float) -> dict[Key, float]:
    """Erdos-Renyi-kernel proportions: the density of a kernel goes with the sum of its sides over their product.

    Thin layers stay denser than wide ones; a kernel that would need more than all its weights stays dense, and the
    others share what is left, so that the total is `sparsity`. (Evci et al. 2020, arXiv:1911.11134, after Mocanu et
    al. 2018.)

    Args:
        shapes: kernels, as (..., inputs, outputs).
        sparsity: share of zeros among all of them together, 0 to 1.

    Returns:
        The sparsity of each kernel, 0 to 1.
    """
    raw = {key: sum(shape) / np.prod(shape) for key, shape in shapes.items()}
    sizes = {key: int(np.prod(shape)) for key, shape in shapes.items()}
    dense: set[Key] = set()
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
