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

DTYPES = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16, schema.TensorType.INT8: np.int8}
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
    try:
        with quiet():
            interpreter = Interpreter(model_content=file, num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise NotDeployable("The file does not load.", given=str(error)) from error
    places = {_input_name(detail["name"]): detail["index"] for detail in interpreter.get_input_details()}
    output = interpreter.get_output_details()[0]["index"]
    results = []
    for position in range(len(samples)):
        for name, place in places.items():
            interpreter.set_tensor(place, samples.inputs[name][position : position + 1])
        interpreter.invoke()
        results.append(interpreter.get_tensor(output)[0])
    return np.stack(results)


def read_weights(file: bytes, stage: Stage) -> tuple[FileWeight, ...]:
    """Every weight of the net and the tensor that holds it; batch normalisation is folded into the kernels before it.

    Raises:
        NotDeployable: a constant of the file belongs to no layer of the net, or to none that has a kernel.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(file, 0))
    layers = {layer["config"]["name"]: layer["config"] for layer in graph.layers(stage.graph)}
    found: list[FileWeight] = []
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            if max(code.builtinCode, code.deprecatedBuiltinCode) in WEIGHTED:
                found += _operator_weights(model, subgraph, operator, layers)
            else:
                _refuse_constants(model, subgraph, operator)
    return tuple(found)


def _operator_weights(model: Any, subgraph: Any, operator: Any, layers: dict[str, Any]) -> Iterator[FileWeight]:
    output = subgraph.tensors[operator.outputs[0]]
    kernel_index = int(operator.inputs[1])
    kernel = subgraph.tensors[kernel_index]
    layer = _layer_of((output.name, kernel.name), layers)
    channels = int(output.shape[-1])
    positions = int(np.prod(output.shape[1:-1]))
    yield FileWeight(layer, "kernel", kernel_index, positions, _values(model, kernel))
    bias_index = int(operator.inputs[2]) if len(operator.inputs) > 2 else -1
    bias = _values(model, subgraph.tensors[bias_index]) if bias_index >= 0 else np.zeros(channels, np.float32)
    if layers[layer].get("use_bias", True) or bias.any():  # the converter adds a zero bias to a convolution without one
        yield FileWeight(layer, "bias", bias_index, 0, bias)


def _refuse_constants(model: Any, subgraph: Any, operator: Any) -> None:
    """A batch normalisation that could not be folded, and its like: parameters that nothing would count."""
    for index in operator.inputs:
        tensor = subgraph.tensors[index]
        constant = index >= 0 and model.buffers[tensor.buffer].data is not None
        if constant and tensor.type in DTYPES and np.prod(tensor.shape, dtype=int) > 1:
            raise NotDeployable(
                "A constant of the file belongs to no layer that is counted.",
                given=f"Tensor {tensor.name.decode()!r}.",
                todo="Put a batch normalisation right behind its convolution or dense layer, before the activation.",
            )


def _values(model: Any, tensor: Any) -> Array:
    data = model.buffers[tensor.buffer].data
    if data is None or tensor.type not in DTYPES:
        raise NotDeployable(
            "A weight of the file cannot be read.", given=f"Tensor {tensor.name!r}, type {tensor.type}."
        )
    return np.frombuffer(bytes(data), dtype=DTYPES[tensor.type]).reshape(tensor.shape)


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
