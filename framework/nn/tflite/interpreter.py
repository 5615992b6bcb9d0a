"""The exported file run: its outputs, one sample at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from framework.contracts.data import Samples
from framework.contracts.net import Array
from framework.errors import NotDeployable
from framework.nn.backend import quiet
from framework.nn.tflite.weights import products, read_weights

__all__ = ["input_places", "opened", "outputs", "products", "read_weights"]


def outputs(file: bytes, samples: Samples) -> Array:
    """(n, units) outputs of the file, one sample at a time, on one thread.

    A recurrent operation keeps its state from one run to the next: each sample begins without one.

    Raises:
        NotDeployable: the file does not load.
    """
    interpreter = opened(file, threads=1)
    places = input_places(interpreter)
    output = interpreter.get_output_details()[0]["index"]
    results = []
    for position in range(len(samples)):
        # the variables are the states of recurrent operations
        interpreter.reset_all_variables()
        for name, place in places.items():
            interpreter.set_tensor(place, samples.inputs[name][position : position + 1])
        interpreter.invoke()
        # a copy: the next run writes to the same memory
        results.append(interpreter.get_tensor(output)[0])
    return np.stack(results)


def opened(file: bytes, *, threads: int) -> Any:
    """An interpreter ready to run.

    Raises:
        NotDeployable: the file does not load.
    """
    try:
        with quiet():
            interpreter = Interpreter(model_content=file, num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise NotDeployable("The file does not load.", given=str(error)) from error
    return interpreter


def input_places(interpreter: Any) -> dict[str, int]:
    """Input name -> index of its tensor."""
    places = {}
    for detail in interpreter.get_input_details():
        places[_input_name(detail["name"])] = detail["index"]
    return places


def _input_name(tensor_name: str) -> str:
    return tensor_name.removeprefix("serving_default_").split(":")[0]
