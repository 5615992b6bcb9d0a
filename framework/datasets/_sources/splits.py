"""Which sample belongs to which split.

One published rule, the same on every machine and for every study.

Samples are put in the order of sha256(RULE, content). Class by class, the first ones go to the
split that is carved off. The content alone decides: neither the order in which a file was written
nor a random generator's version matters, and copies of one sample are neighbours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial

import numpy as np

from framework.contracts.net import Array
from framework.errors import InvalidValue

RULE = "squeezelab split rule 1"
LABELS = "labels"
Arrays = Mapping[str, Array]
"""The arrays of one split by name, `labels` among them, all of one length."""


def in_order(arrays: Arrays) -> dict[str, Array]:
    """The samples in the rule's order."""
    # a stable sort: copies of one sample, whose keys are equal, stay as they come
    order = sorted(range(len(arrays[LABELS])), key=partial(_key, arrays))
    return take(arrays, np.array(order, np.int64))


def carve(
    arrays: Arrays, count: int, *, by: str = LABELS
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Take `count` samples off, with the classes in proportion; both parts in the rule's order.

    Args:
        arrays: at least `count` + 1 samples.
        count: at least 1.
        by: the array whose whole numbers are kept in proportion.

    Returns:
        The part of `count` samples, and the rest.

    Raises:
        InvalidValue: `count` is out of its range.
    """
    total = len(arrays[LABELS])
    if not 1 <= count < total:
        raise InvalidValue(
            f"A split of {count} samples cannot be taken off {total}.",
            todo=f"Allowed: 1 to {total - 1}.",
        )
    ordered = in_order(arrays)
    strata = _strata(ordered[by])
    chosen = np.zeros(total, bool)
    for stratum, quota in quotas(strata, count).items():
        chosen[np.flatnonzero(strata == stratum)[:quota]] = True
    return take(ordered, np.flatnonzero(chosen)), take(ordered, np.flatnonzero(~chosen))


def quotas(strata: Array, count: int) -> dict[int, int]:
    """How many of `count` samples fall to each stratum.

    In proportion, by largest remainder, ties to the lower number.

    Args:
        strata: (n,) whole numbers.
        count: at most n.

    Returns:
        stratum -> samples; the sum is `count`.
    """
    numbers, sizes = np.unique(strata, return_counts=True)
    whole, remainders = np.divmod(count * sizes, len(strata))
    missing = count - whole.sum()
    # numbers go up, and a stable sort leaves equal remainders in their order
    favoured = np.argsort(-remainders, kind="stable")[:missing]
    whole[favoured] += 1
    return dict(zip(numbers.tolist(), whole.tolist(), strict=True))


def digest(arrays: Arrays) -> str:
    """sha256 over names, types, shapes and bytes of the arrays."""
    running = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        running.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        running.update(array.tobytes())
    return running.hexdigest()


def take(arrays: Arrays, indices: Array) -> dict[str, Array]:
    """The samples of these numbers, in this order."""
    return {name: array[indices] for name, array in arrays.items()}


def _key(arrays: Arrays, index: int) -> bytes:
    running = hashlib.sha256(RULE.encode())
    for name in sorted(arrays):  # whatever order a file has them in
        running.update(arrays[name][index].tobytes())
    return running.digest()


def _strata(labels: Array) -> Array:
    """Classes are the strata; the real numbers of a regression have none."""
    return labels if np.issubdtype(labels.dtype, np.integer) else np.zeros(len(labels), np.int64)
