"""The exported file read back: its weights as they lie in it, and its answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from framework.contracts import Array, FileWeight, Samples, Stage
from framework.errors import NotDeployable
from framework.nn import graph
from framework.nn.backend import quiet

KERNEL_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
}
TYPES = KERNEL_TYPES | {schema.TensorType.INT32: np.int32}  # biases beside 8-bit kernels; also shapes and the like
DEQUANTIZE = schema.BuiltinOperator.DEQUANTIZE
WEIGHTED = {
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
}


def answers(file: bytes, samples: Samples) -> Array:
    """(n, units) outputs of the file, one sample at a time, on one thread.

    Raises:
        NotDeployable: the file does not load.
    """
    interpreter = opened(file, threads=1)
    places = input_places(interpreter)
    output = interpreter.get_output_details()[0]["index"]
    results = []
    for position in range(len(samples)):
        for name, place in places.items():
            interpreter.set_tensor(place, samples.inputs[name][position : position + 1])
        interpreter.invoke()
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
    return {_input_name(detail["name"]): detail["index"] for detail in interpreter.get_input_details()}


def read_weights(file: bytes, stage: Stage) -> tuple[FileWeight, ...]:
    """Every weight of the net and the tensor that holds it; batch normalisation is folded into the kernels before it.

    Raises:
        NotDeployable: a constant of the file belongs to no layer of the net, or to none that has a kernel.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(file, 0))
    layers = {layer["config"]["name"]: layer["config"] for layer in graph.layers(stage.graph)}
    found: list[FileWeight] = []
    for subgraph in model.subgraphs:
        stored = _stored(model, subgraph)
        for operator in subgraph.operators:
            if _code(model, operator) in WEIGHTED:
                found += _operator_weights(model, subgraph, operator, layers, stored)
            elif _code(model, operator) != DEQUANTIZE:
                _refuse_constants(model, subgraph, operator, stored)
    return tuple(found)


def _code(model: Any, operator: Any) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _stored(model: Any, subgraph: Any) -> dict[int, int]:
    """Tensor -> the tensor that it is unpacked from when the file is loaded: how a float16 file holds its weights."""
    unpacked = (operator for operator in subgraph.operators if _code(model, operator) == DEQUANTIZE)
    return {int(operator.outputs[0]): int(operator.inputs[0]) for operator in unpacked}


def _operator_weights(
    model: Any, subgraph: Any, operator: Any, layers: dict[str, Any], stored: dict[int, int]
) -> Iterator[FileWeight]:
    kernel_index, bias_index = [stored.get(int(index), int(index)) for index in (*operator.inputs[1:3], -1)][:2]
    output, kernel = subgraph.tensors[operator.outputs[0]], subgraph.tensors[kernel_index]
    layer = _layer_of((output.name, kernel.name), layers)
    positions = int(np.prod(output.shape[1:-1]))
    yield FileWeight(layer, "kernel", kernel_index, positions, _values(model, kernel), _scales(kernel))
    if bias_index >= 0:
        bias, scales = _values(model, subgraph.tensors[bias_index]), _scales(subgraph.tensors[bias_index])
    else:
        bias, scales = np.zeros(int(output.shape[-1]), np.float32), 0
    if layers[layer].get("use_bias", True) or bias.any():  # the converter adds a zero bias to a convolution without one
        yield FileWeight(layer, "bias", bias_index, 0, bias, scales, position=1)


def _scales(tensor: Any) -> int:
    scale = tensor.quantization.scale if tensor.quantization is not None else None
    return 0 if scale is None else len(scale)


def _refuse_constants(model: Any, subgraph: Any, operator: Any, stored: dict[int, int]) -> None:
    """A batch normalisation that could not be folded, and its like: parameters that nothing would count."""
    for index in (stored.get(int(index), int(index)) for index in operator.inputs):
        tensor = subgraph.tensors[index]
        constant = index >= 0 and model.buffers[tensor.buffer].data is not None
        if constant and tensor.type in KERNEL_TYPES and np.prod(tensor.shape, dtype=int) > 1:
            raise NotDeployable(
                "A constant of the file belongs to no layer that is counted.",
                given=f"Tensor {tensor.name.decode()!r}.",
                todo="Put a batch normalisation right behind its convolution or dense layer, before the activation.",
            )


def _values(model: Any, tensor: Any) -> Array:
    data = model.buffers[tensor.buffer].data
    if data is None or tensor.type not in TYPES:
        raise NotDeployable(
            "A weight of the file cannot be read.", given=f"Tensor {tensor.name!r}, type {tensor.type}."
        )
    return np.frombuffer(bytes(data), dtype=TYPES[tensor.type]).reshape(tensor.shape)


def _layer_of(names: tuple[bytes, ...], layers: dict[str, Any]) -> str:
    """The layer in names such as `net/fire2_squeeze/Relu;net/fire2_squeeze/Conv2D`."""
    for name in names:
        for part in name.decode().split(";"):
            pieces = part.split("/")
            if pieces[0] == graph.NET and len(pieces) > 1 and pieces[1] in layers:
                config = layers[pieces[1]]
                if "kernel_initializer" in config or "depthwise_initializer" in config:
                    return pieces[1]
    raise NotDeployable("A weight of the file belongs to no layer of the net.", given=f"Tensors: {names}.")


def _input_name(tensor_name: str) -> str:
    return tensor_name.removeprefix("serving_default_").split(":")[0]
