"""A `.tflite` file as values: its operators, and the tensors whose numbers lie in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from framework.contracts import Array
from framework.errors import NotDeployable
from framework.nn.tflite import sparse_blocks

WEIGHT_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT16: np.int16,
}
TYPES = WEIGHT_TYPES | {  # biases beside 8-bit kernels; also shapes and the like
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.BOOL: np.bool_,
}
NEGATIVE_ZEROS: dict[int, Any] = {  # their bits
    schema.TensorType.FLOAT32: np.uint32(0x80000000),
    schema.TensorType.FLOAT16: np.uint16(0x8000),
}
KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
# a constant behind one of them is the constant before it
UNPACKING = frozenset({"DENSIFY", "DEQUANTIZE", "QUANTIZE"})


@dataclass(frozen=True)
class Operator:
    """One operation.

    Args:
        kind: as `FULLY_CONNECTED`.
        inputs, outputs: indices of tensors; -1 for an input that is left out.
        options: what the schema holds for this kind.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


@dataclass(frozen=True)
class Constant:
    """A tensor whose numbers lie in the file.

    Args:
        tensor: its index; of a weight that is unpacked when the file is loaded, that of the packed
            one.
        values: as stored; integers counted from the one that stands for zero, so that a zero is a
            zero. A tensor that is stored sparsely is given whole.
        numbers: what the values stand for, float64.
        scales: how many factors turn the stored integers into numbers; 0 where none are needed.
        step: largest error of rounding to the stored type that one number can have.
        weight_like: of a type that a weight may have; not a shape, an index or a truth value.
    """

    tensor: int
    name: str
    values: Array
    numbers: Array
    scales: int
    step: float
    weight_like: bool


def settled(file: bytes) -> bytes:
    """The same file with zeros in buffers that nothing reads, and 0.0 for -0.0 in those of weights.

    For an 8-bit LSTM the converter leaves such buffers behind, with whatever the memory held: the
    same net would not always give the same bytes. A zero times a negative factor of a batch
    normalisation is -0.0.
    """
    content = bytearray(file)
    model = schema.Model.GetRootAsModel(content, 0)
    graphs = [model.Subgraphs(number) for number in range(model.SubgraphsLength())]
    read = {
        graph.Tensors(index).Buffer() for graph in graphs for index in range(graph.TensorsLength())
    }
    read |= {model.Metadata(index).Buffer() for index in range(model.MetadataLength())}
    for index in set(range(model.BuffersLength())) - read:
        if model.Buffers(index).DataLength():
            model.Buffers(index).DataAsNumpy()[:] = 0
    for graph in graphs:
        for index in range(graph.TensorsLength()):
            _without_negative_zeros(
                model.Buffers(graph.Tensors(index).Buffer()), graph.Tensors(index).Type()
            )
    return bytes(content)


def _without_negative_zeros(buffer: Any, kind: int) -> None:
    """Write 0.0 where a buffer of floats holds -0.0."""
    if kind in NEGATIVE_ZEROS and buffer.DataLength():
        negative = NEGATIVE_ZEROS[kind]
        bits = buffer.DataAsNumpy().view(negative.dtype)
        bits[bits == negative] = 0


class FlatFile:
    """The file taken apart. It has one graph; loops and branches would be others.

    Raises:
        NotDeployable: it has several graphs.
    """

    def __init__(self, file: bytes) -> None:
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(file, 0))
        if len(self._model.subgraphs) != 1:
            raise NotDeployable(
                "The file has a loop, whose weights cannot be counted.",
                given=f"It has {len(self._model.subgraphs)} graphs.",
                todo="An LSTM layer becomes one operation when it has keras's own activations and "
                "a bias, and neither a mask nor recurrent dropout.",
            )
        self._tensors = self._model.subgraphs[0].tensors
        self.operators = tuple(self._operator(item) for item in self._model.subgraphs[0].operators)
        self._packed = {
            item.outputs[0]: item.inputs[0] for item in self.operators if item.kind in UNPACKING
        }
        self._constants: dict[int, Constant | None] = {}

    def shape(self, index: int) -> tuple[int, ...]:
        """The shape of a tensor."""
        shape = self._tensors[index].shape
        return () if shape is None else tuple(int(side) for side in shape)

    def name(self, index: int) -> str:
        """The name of a tensor: names of what was fused into it, parted by semicolons."""
        return str(self._tensors[index].name.decode())

    def constant(self, index: int) -> Constant | None:
        """The constant that a tensor is or is unpacked from.

        None for one that is computed, or left out.
        """
        while index in self._packed:
            index = self._packed[index]
        if index not in self._constants:
            held = index >= 0 and self._model.buffers[self._tensors[index].buffer].data is not None
            self._constants[index] = self._read(index) if held else None
        return self._constants[index]

    def _operator(self, item: Any) -> Operator:
        code = self._model.operatorCodes[item.opcodeIndex]
        kind = KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        inputs, outputs = ([] if side is None else side for side in (item.inputs, item.outputs))
        return Operator(
            kind, tuple(map(int, inputs)), tuple(map(int, outputs)), item.builtinOptions
        )

    def _read(self, index: int) -> Constant:
        tensor = self._tensors[index]
        if tensor.type not in TYPES:
            raise NotDeployable(
                "A constant of the file cannot be read.",
                given=f"Tensor {self.name(index)!r}, type {tensor.type}.",
            )
        data = bytes(self._model.buffers[tensor.buffer].data)
        stored, shape = np.frombuffer(data, dtype=TYPES[tensor.type]), self.shape(index)
        stored = (
            sparse_blocks.dense(stored, tensor.sparsity, shape)
            if tensor.sparsity
            else stored.reshape(shape)
        )
        scale, zero = _along(tensor, tensor.quantization)
        with np.errstate(over="ignore"):
            # integers wrap around
            values = stored if not np.any(zero) else (stored - zero.astype(stored.dtype))
        numbers = (stored.astype(np.float64) - zero) * scale
        scales = (
            0 if tensor.quantization is None or tensor.quantization.scale is None else scale.size
        )
        step = _step(numbers, stored, scale if scales else None)
        return Constant(
            index, self.name(index), values, numbers, scales, step, tensor.type in WEIGHT_TYPES
        )


def _along(tensor: Any, quantization: Any) -> tuple[Array, Array]:
    """Scale factors and zero points, shaped to be broadcast over the tensor."""
    if quantization is None or quantization.scale is None:
        return np.ones(1), np.zeros(1, int)
    scale = np.asarray(quantization.scale, np.float64)
    zero = (
        np.zeros(scale.size, int)
        if quantization.zeroPoint is None
        else np.asarray(quantization.zeroPoint, int)
    )
    if scale.size == 1:
        return scale, zero
    shape = [1] * len(tensor.shape)
    shape[quantization.quantizedDimension] = scale.size
    return scale.reshape(shape), zero.reshape(shape)


def _step(numbers: Array, stored: Array, scale: Array | None) -> float:
    largest = float(np.abs(numbers).max(initial=0.0))
    if scale is not None:
        return float(scale.max())
    return largest * (2.0**-10 if stored.dtype == np.float16 else 2.0**-20)
