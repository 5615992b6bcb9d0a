"""The inputs and outputs of a `.tflite` file.

Without TensorFlow, as it runs where it is deployed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framework.errors import NotDeployable


@dataclass(frozen=True)
class Port:
    """One input or output.

    Args:
        name: of an input, as the data set calls it.
        shape: with the batch of 1.
        dtype: as `float32`.
        scale, zero: stored integer = value / scale + zero; scale is 0 for floats.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero: int


def ports(file: bytes) -> tuple[list[Port], list[Port]]:
    """Inputs and outputs.

    Raises:
        NotDeployable: the file does not load.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        net = Interpreter(model_content=file, num_threads=1)
    except (ValueError, RuntimeError) as error:
        raise NotDeployable("The file does not load.", given=str(error)) from error
    return list(map(_port, net.get_input_details())), list(map(_port, net.get_output_details()))


def _port(detail: dict[str, Any]) -> Port:
    scale, zero = detail["quantization"]
    name = detail["name"].removeprefix("serving_default_").partition(":")[0]
    shape = tuple(map(int, detail["shape"]))
    return Port(name, shape, detail["dtype"].__name__, float(scale), int(zero))
