"""The parts of tensorflow-model-optimization that wraps are made of, loaded without chatter."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# first: it says which keras tfmot takes
from framework.nn.backend import quiet


@contextmanager
def _without_keras_3() -> Iterator[None]:
    """Let nobody load Keras 3, unless somebody has.

    tfmot looks in it for a module that only Keras 2 had, and goes on without: Keras 3 took longer
    to load than all of tfmot.
    """
    if "keras" in sys.modules:
        yield
        return
    sys.modules["keras"] = None  # type: ignore[assignment]  # as documented: it is not found
    try:
        yield
    finally:
        del sys.modules["keras"]


with quiet(), _without_keras_3(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorflow_model_optimization.python.core.quantization.keras import (
        quantize_config,
        quantize_wrapper,
        quantizers,
    )
    from tensorflow_model_optimization.python.core.sparsity.keras import (
        pruning_schedule,
        pruning_wrapper,
    )

__all__ = [
    "pruning_schedule",
    "pruning_wrapper",
    "quantize_config",
    "quantize_wrapper",
    "quantizers",
]
