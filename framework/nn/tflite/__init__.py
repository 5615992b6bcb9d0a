"""A stage becomes a `.tflite` file; the file is read back, run and timed.

converter      the file made, and compared with its net
flatbuffer     operators and constants of a file
sparse_blocks  kernels stored as the blocks that are not zero
dead_ranges    ranges of activations that the runtime cannot take, widened
weights        which constant of the file is which weight of the net
interpreter    the outputs of the file
signature      inputs and outputs of a file: names, shapes, types; without TensorFlow
latency        two files timed next to each other
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.nn.tflite import (
        converter,
        dead_ranges,
        flatbuffer,
        interpreter,
        latency,
        signature,
        sparse_blocks,
        weights,
    )

__all__ = [
    "converter",
    "dead_ranges",
    "flatbuffer",
    "interpreter",
    "latency",
    "signature",
    "sparse_blocks",
    "weights",
]

if not TYPE_CHECKING:  # else every name would be a module to a type checker

    def __getattr__(name: str) -> ModuleType:
        if name in __all__:
            return importlib.import_module(f"framework.nn.tflite.{name}")
        raise AttributeError(
            f"framework.nn.tflite has no module {name!r}; it has {', '.join(__all__)}"
        )
