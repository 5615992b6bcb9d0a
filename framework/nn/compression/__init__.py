"""Which weights are pruned, share a value or stay on a grid, and the wrappers to train them.

masks                which weights to zero; pure numpy
clustering           which weights share a value; pure numpy
pruning              kernels and shares of a net; tfmot's pruning wrapper, scheduled by variables
tfmot                what the library gives to these
wrapper              layers whose weights are replaced by functions of them
qat                  training in 8 bits, as the exported file calculates
quantization_points  where that file rounds
learned_step         weights on few levels, whose scales are learned
variational_dropout  weights under noise whose size is learned
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.nn.compression import (
        clustering,
        learned_step,
        masks,
        pruning,
        qat,
        quantization_points,
        tfmot,
        variational_dropout,
        wrapper,
    )

__all__ = [
    "clustering",
    "learned_step",
    "masks",
    "pruning",
    "qat",
    "quantization_points",
    "tfmot",
    "variational_dropout",
    "wrapper",
]

if not TYPE_CHECKING:  # else every name would be a module to a type checker

    def __getattr__(name: str) -> ModuleType:
        if name in __all__:
            return importlib.import_module(f"framework.nn.compression.{name}")
        raise AttributeError(
            f"framework.nn.compression has no module {name!r}; it has {', '.join(__all__)}"
        )
