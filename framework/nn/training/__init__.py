"""A net is trained under the constraints that earlier steps of a chain made.

fit          everything reset, then `fit`
objective    loss, targets and metrics of a task
schedule     the learning rate
constraints  masks, codebooks and grids enforced after each optimizer step, whoever trains
gradients    of the loss with respect to the weights, for ranking them
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.nn.training import (
        constraints,
        fit,
        gradients,
        objective,
        schedule,
    )

__all__ = ["constraints", "fit", "gradients", "objective", "schedule"]

if not TYPE_CHECKING:  # else every name would be a module to a type checker

    def __getattr__(name: str) -> ModuleType:
        if name in __all__:
            return importlib.import_module(f"framework.nn.training.{name}")
        raise AttributeError(
            f"framework.nn.training has no module {name!r}; it has {', '.join(__all__)}"
        )
