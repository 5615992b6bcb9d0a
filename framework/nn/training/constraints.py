"""The constraints of a stage, enforced while it trains.

After each optimizer step a weight is brought back to what its constraint allows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from framework.contracts.net import Array, Bits, Codebook, Keep, Mask, WeightKey, Weights
from framework.nn.backend import tf

GROUPS = 256  # of a codebook's variables: books of up to so many values share one traced net


class Enforcer(ABC):
    """One constraint in a traced net: its variables, set anew for each training.

    Args:
        constraint: what is in `kind` of it is static.
        weight: the variable that it is about.
    """

    def __init__(self, constraint: Keep, weight: Any) -> None:
        self.weight = weight

    @abstractmethod
    def set(self, constraint: Keep, value: Array) -> None:
        """Set the variables, for a weight that begins as `value`."""

    @abstractmethod
    def enforce(self) -> Any:
        """Bring the weight back; part of the traced step."""


class MaskEnforcer(Enforcer):
    """Zeros stay zero."""

    def __init__(self, constraint: Mask, weight: Any) -> None:
        super().__init__(constraint, weight)
        self.active = tf.Variable(tf.ones(constraint.zeros.shape), trainable=False)

    def set(self, constraint: Mask, value: Array) -> None:  # type: ignore[override]
        """Zeros of the mask."""
        self.change(constraint.zeros)

    def change(self, zeros: Array) -> None:
        """Other zeros from now on."""
        self.active.assign(np.where(zeros, np.float32(0), np.float32(1)))

    @property
    def zeros(self) -> Array:
        """The zeros as they are now."""
        return np.asarray(self.active.numpy() == 0)

    def enforce(self) -> Any:
        """Zero the pruned weights."""
        # a plain product would leave -0.0 of negative weights
        return self.weight.assign(tf.math.multiply_no_nan(self.weight, self.active))


class CodebookEnforcer(Enforcer):
    """Equal values stay equal: each is the mean of its group."""

    def __init__(self, constraint: Codebook, weight: Any) -> None:
        super().__init__(constraint, weight)
        self.indices = tf.Variable(tf.zeros(constraint.indices.shape, tf.int32), trainable=False)
        self.groups = groups(constraint)

    def set(self, constraint: Codebook, value: Array) -> None:  # type: ignore[override]
        """Groups of the codebook."""
        self.indices.assign(constraint.indices)

    def enforce(self) -> Any:
        """Replace each value by the mean of its group."""
        # `groups` is static; of those that no index names the mean is 0, and nothing reads it
        means = tf.math.unsorted_segment_mean(self.weight, self.indices, self.groups)
        return self.weight.assign(tf.gather(means, self.indices))


class BitsEnforcer(Enforcer):
    """The weight stays as it is."""

    def __init__(self, constraint: Bits, weight: Any) -> None:
        super().__init__(constraint, weight)
        self.fixed = tf.Variable(weight, trainable=False)

    def set(self, constraint: Bits, value: Array) -> None:  # type: ignore[override]
        """The values that it stays at."""
        self.fixed.assign(value)

    def enforce(self) -> Any:
        """Undo the step."""
        return self.weight.assign(self.fixed)


def enforcer(constraint: Keep, weight: Any) -> Enforcer:
    """What enforces a constraint on a variable, ready to be set."""
    kinds: dict[type, type[Enforcer]] = {
        Mask: MaskEnforcer,
        Codebook: CodebookEnforcer,
        Bits: BitsEnforcer,
    }
    return kinds[type(constraint)](constraint, weight)


def kind(constraint: Keep) -> str:
    """All that is static in a constraint: nets with the same kinds of them share a trace."""
    size = f" {groups(constraint)}" if isinstance(constraint, Codebook) else ""
    return f"{type(constraint).__name__}{size} {constraint.weight[0]}/{constraint.weight[1]}"


def groups(codebook: Codebook) -> int:
    """How many groups a trace has room for."""
    return max(GROUPS, codebook.size)


def enforced(weights: Weights, constraints: tuple[Keep, ...]) -> dict[WeightKey, Array]:
    """The weights with the zeros of every mask, exactly."""
    exact = dict(weights)
    for constraint in constraints:
        # a wrap may make other weights of the trained ones when it finishes, and so other zeros
        if isinstance(constraint, Mask):
            value = exact[constraint.weight]
            exact[constraint.weight] = np.where(constraint.zeros, 0, value).astype(value.dtype)
    return exact
