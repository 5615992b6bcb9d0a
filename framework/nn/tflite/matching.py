"""Which weight a constant is: comparisons of numbers and names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from framework.contracts.net import Array
    from framework.nn.net_weights import NetWeight
    from framework.nn.tflite.flatbuffer import Constant


def side_by_side(gates: list[Constant]) -> Array:
    """A kernel as keras has it, (inputs, 4 x units), of the file's (units, inputs) of each gate."""
    return np.concatenate([gate.numbers.T for gate in gates], axis=1)


def first_named(weights: list[NetWeight], named: Iterable[tuple[str, str]]) -> NetWeight | None:
    """The first of the weights in the first of the named layers that has one."""
    for layer, _ in named:
        for weight in weights:
            if weight.layer == layer:
                return weight
    return None


def is_weight(constant: Constant | None) -> bool:
    """Whether it is a constant of a type that a weight may have."""
    return constant is not None and constant.weight_like


def with_role(weights: list[NetWeight], role: str) -> list[NetWeight]:
    """Those of the weights that are `role` to their layers."""
    return [weight for weight in weights if weight.role == role]


def is_factor(constant: Constant, config: dict[str, Any]) -> bool:
    """Whether it is the scale or the offset in a Rescaling's configuration."""
    for name in ("scale", "offset"):
        values = np.array(config[name])
        if values.size == constant.values.size and near(values, constant):
            return True
    return False


def near(values: Array, constant: Constant, step: float = 0.0) -> bool:
    """Whether the numbers are the values, up to the rounding of the types that store both."""
    return bool(
        np.abs(values.ravel() - constant.numbers.ravel()).max(initial=0.0)
        <= constant.step + step + 1e-7
    )
