"""What plug-ins share about nets.

Each module is imported on first use: plug-ins load without TensorFlow.

A core that everything else uses:

allowed      the classes that a net may be built of; without TensorFlow
backend      TensorFlow, started once: legacy Keras, threads, silence
graph        a net as data (JSON of a functional configuration) and back, allow-listed layers only
net_weights  what a net's layers call their weights, and which of them are kernels
reuse        traced nets, cached between trials
images       one preprocessing path for pictures
saved        a keras model in a file, read as data; without TensorFlow until it is built

and three wings:

training     a net is trained under the constraints of earlier steps; gradients are taken
compression  masks, clusters, grids and the wrappers that train under them
tflite       a stage becomes a `.tflite` file; the file is read back, run and timed
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.nn import (
        allowed,
        backend,
        compression,
        graph,
        images,
        net_weights,
        reuse,
        saved,
        tflite,
        training,
    )

__all__ = [
    "allowed",
    "backend",
    "compression",
    "graph",
    "images",
    "net_weights",
    "reuse",
    "saved",
    "tflite",
    "training",
]

if not TYPE_CHECKING:  # else every name would be a module to a type checker

    def __getattr__(name: str) -> ModuleType:
        if name in __all__:
            return importlib.import_module(f"framework.nn.{name}")
        raise AttributeError(f"framework.nn has no module {name!r}; it has {', '.join(__all__)}")
