"""What plug-ins share about nets. Each room is imported on first use, so that plug-in modules load without TensorFlow.

allowed   the classes that a net may be built of; without TensorFlow
backend   TensorFlow, started once: legacy Keras, threads, silence
graph     a net as data (JSON of a functional configuration) and back, allow-listed layers only
reuse     nets kept traced between trials
fit       training: everything reset, then `fit`
hold      what a stage promises, held while it trains
gradients of the loss with respect to the weights, for ranking them
masks     which weights to zero; pure numpy
codebooks which weights share a value; pure numpy
pruning   tfmot's pruning wrapper under a schedule of variables
quantizing  training in 8 bits, as the exported file calculates; it stands on `places` (where that file rounds) and
          `wrapped` (layers whose weights are replaced by functions of them)
grids     weights on few levels, whose steps are learned
noise     weights under noise whose size is learned
export    a stage becomes a `.tflite` file
tflite    the file read back: its weights, its answers; it stands on
          `flatfile` (operators and constants of a file), `blocks` (kernels stored as the blocks that are not zero),
          `net_weights` (what a net's layers call their weights) and `file_weights` (which constant is which weight)
saved     a keras model in a file, read as data: its layers and weights; without TensorFlow until it is built
interface what a file is given and what it answers: names, shapes, types; without TensorFlow
latency   two files timed beside each other
images    one preprocessing path for pictures
"""

from __future__ import annotations

import importlib
from types import ModuleType

ROOMS = (
    "allowed", "backend", "codebooks", "export", "fit", "gradients", "graph", "grids", "hold", "images",
    "interface", "latency", "masks", "net_weights", "noise", "pruning", "quantizing", "reuse", "saved",
    "tflite",
)  # fmt: skip


def __getattr__(name: str) -> ModuleType:
    if name in ROOMS:
        return importlib.import_module(f"framework.nn.{name}")
    raise AttributeError(f"framework.nn has no room {name!r}; it has {', '.join(ROOMS)}")
