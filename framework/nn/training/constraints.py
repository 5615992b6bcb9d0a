"""What a stage promises, held while it trains.

After each step a weight is brought back to what its promise allows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from framework.contracts import Array, Bits, Codebook, Keep, Mask, WeightKey, Weights
from framework.nn.backend import tf

GROUPS = 256  # of a codebook's variables: books of up to so many values share one traced net


class Held(ABC):
    """One promise in a traced net: its variables, set anew for each training.

    Args:
        keep: the promise; what is in `kind` of it is static.
        weight: the variable that it is about.
    """

    def __init__(self, keep: Keep, weight: Any) -> None:
        self.weight = weight

    @abstractmethod
    def set(self, keep: Keep, value: Array) -> None:
        """Set the variables, for a weight that begins as `value`."""

    @abstractmethod
    def hold(self) -> Any:
        """Bring the weight back; part of the traced step."""


class HeldMask(Held):
    """Zeros stay zero."""

    def __init__(self, keep: Mask, weight: Any) -> None:
        super().__init__(keep, weight)
        self.open = tf.Variable(tf.ones(keep.zeros.shape), trainable=False)

    def set(self, keep: Mask, value: Array) -> None:  # type: ignore[override]
        """Zeros of the mask."""
        self.change(keep.zeros)

    def change(self, zeros: Array) -> None:
        """Other zeros from now on."""
        self.open.assign(1.0 - zeros)

    @property
    def zeros(self) -> Array:
        """The zeros as they are now."""
        return np.asarray(self.open.numpy() == 0)

    def hold(self) -> Any:
        """Zero what the mask closes; a product would leave -0.0 of negative weights."""
        return self.weight.assign(tf.where(self.open > 0, self.weight, tf.zeros_like(self.weight)))


class HeldCodebook(Held):
    """Equal values stay equal: each is the mean of its group."""

    def __init__(self, keep: Codebook, weight: Any) -> None:
        super().__init__(keep, weight)
        self.indices = tf.Variable(tf.zeros(keep.indices.shape, tf.int32), trainable=False)
        self.groups = groups(keep)

    def set(self, keep: Codebook, value: Array) -> None:  # type: ignore[override]
        """Groups of the codebook."""
        self.indices.assign(keep.indices)

    def hold(self) -> Any:
        """Replace each value by the mean of its group."""
        means = tf.math.unsorted_segment_mean(self.weight, self.indices, self.groups)
        return self.weight.assign(tf.gather(means, self.indices))


class HeldBits(Held):
    """The weight stays as it is."""

    def __init__(self, keep: Bits, weight: Any) -> None:
        super().__init__(keep, weight)
        self.fixed = tf.Variable(weight, trainable=False)

    def set(self, keep: Bits, value: Array) -> None:  # type: ignore[override]
        """The values that it keeps."""
        self.fixed.assign(value)

    def hold(self) -> Any:
        """Undo the step."""
        return self.weight.assign(self.fixed)


def held(keep: Keep, weight: Any) -> Held:
    """The promise about a variable, ready to be set."""
    kinds: dict[type, type[Held]] = {Mask: HeldMask, Codebook: HeldCodebook, Bits: HeldBits}
    return kinds[type(keep)](keep, weight)


def kind(keep: Keep) -> str:
    """All that is static in a promise: nets that hold promises of the same kinds share a trace."""
    size = f" {groups(keep)}" if isinstance(keep, Codebook) else ""
    return f"{type(keep).__name__}{size} {keep.weight[0]}/{keep.weight[1]}"


def groups(keep: Codebook) -> int:
    """How many groups a trace has room for."""
    return max(GROUPS, keep.size)


def settled(weights: Weights, keeps: tuple[Keep, ...]) -> dict[WeightKey, Array]:
    """The weights with every promise kept to the bit, after a wrap has had its say."""
    found = dict(weights)
    for keep in keeps:
        if isinstance(keep, Mask):
            value = found[keep.weight]
            found[keep.weight] = np.where(keep.zeros, 0, value).astype(value.dtype)
    return found
