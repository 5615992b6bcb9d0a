"""A `.tflite` file as values: its operators, and the tensors whose numbers are in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from framework.contracts.net import Array
from framework.errors import NotDeployable
from framework.nn.tflite import sparse_blocks

WEIGHT_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT16: np.int16,
}
TYPES = WEIGHT_TYPES | {  # biases next to 8-bit kernels; also shapes and the like
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.BOOL: np.bool_,
}
NEGATIVE_ZEROS: dict[int, Any] = {  # their bits
    schema.TensorType.FLOAT32: np.uint32(0x80000000),
    schema.TensorType.FLOAT16: np.uint16(0x8000),
}
KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
# a constant after one of them is the constant before it
UNPACKING = frozenset({"DENSIFY", "DEQUANTIZE", "QUANTIZE"})


@dataclass(frozen=True)
class Operator:
    """One operation.

    Args:
        kind: as `FULLY_CONNECTED`.
        inputs, outputs: indices of tensors; -1 for an input that is left out.
        options: the settings that the schema has for this kind.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


@dataclass(frozen=True)
class Constant:
    """A tensor whose numbers are in the file.

    Args:
        tensor: its index; of a weight that is unpacked when the file is loaded, that of the packed
            one.
        values: as stored; integers counted from the one that stands for zero, so that a zero is a
            zero. A tensor that is stored sparsely is given whole.
        numbers: what the values represent, float64.
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


def canonical(file: bytes) -> bytes:
    """The same file with zeros in buffers that nothing reads, and 0.0 for -0.0 in those of weights.

    For an 8-bit LSTM the converter leaves such buffers behind, with whatever was in the memory: the
    same net would not always give the same bytes. A zero times a negative factor of a batch
    normalisation is -0.0.
    """
    # of a bytearray, arrays from the reader are views that can be written to: lengths stay the same
    content = bytearray(file)
    model = schema.Model.GetRootAsModel(content, 0)
    tensors = list(_tensors(model))
    read = {tensor.Buffer() for tensor in tensors}
    for index in range(model.MetadataLength()):
        read.add(model.Metadata(index).Buffer())
    for index in set(range(model.BuffersLength())) - read:
        if model.Buffers(index).DataLength():
            model.Buffers(index).DataAsNumpy()[:] = 0
    for tensor in tensors:
        _without_negative_zeros(model.Buffers(tensor.Buffer()), tensor.Type())
    return bytes(content)


def _tensors(model: Any) -> Iterator[Any]:
    """The tensors of all graphs of a file."""
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        for index in range(graph.TensorsLength()):
            yield graph.Tensors(index)


def _without_negative_zeros(buffer: Any, kind: int) -> None:
    """Write 0.0 where a buffer of floats has -0.0."""
    if kind in NEGATIVE_ZEROS and buffer.DataLength():
        negative = NEGATIVE_ZEROS[kind]
        # as integers: for floats 0.0 == -0.0
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
        (net,) = self._model.subgraphs
        self._tensors = net.tensors
        self.operators = tuple(map(self._operator, net.operators))
        # a sparse or half-precision kernel is unpacked by an operation when the file is loaded
        self._packed: dict[int, int] = {}
        for operator in self.operators:
            if operator.kind in UNPACKING:
                self._packed[operator.outputs[0]] = operator.inputs[0]
        self._constants: dict[int, Constant | None] = {}

    def shape(self, index: int) -> tuple[int, ...]:
        """The shape of a tensor."""
        return _whole_numbers(self._tensors[index].shape)

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
            # -1 is an input that is left out; what is computed has a buffer without data
            stored = index >= 0 and self._data(index) is not None
            self._constants[index] = self._read(index) if stored else None
        return self._constants[index]

    def _data(self, index: int) -> Any:
        return self._model.buffers[self._tensors[index].buffer].data

    def _operator(self, packed: Any) -> Operator:
        code = self._model.operatorCodes[packed.opcodeIndex]
        # the older field is one byte and the newer one absent in old files: the larger one counts
        kind = KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        inputs, outputs = _whole_numbers(packed.inputs), _whole_numbers(packed.outputs)
        return Operator(kind, inputs, outputs, packed.builtinOptions)

    def _read(self, index: int) -> Constant:
        tensor, stored = self._tensors[index], self._stored(index)
        scale, zero = _along(tensor, tensor.quantization)
        # integers wrap around: a zero is a zero, and different values stay different
        with np.errstate(over="ignore"):
            values = stored - zero.astype(stored.dtype) if np.any(zero) else stored
        numbers = (stored.astype(np.float64) - zero) * scale
        scales = scale.size if _is_scaled(tensor.quantization) else 0
        step = _step(numbers, stored, scale if scales else None)
        weight_like = tensor.type in WEIGHT_TYPES
        return Constant(index, self.name(index), values, numbers, scales, step, weight_like)

    def _stored(self, index: int) -> Array:
        """The numbers of a tensor as they are in the file, in the tensor's shape."""
        tensor, shape = self._tensors[index], self.shape(index)
        if tensor.type not in TYPES:
            raise NotDeployable(
                "A constant of the file cannot be read.",
                given=f"Tensor {self.name(index)!r}, type {tensor.type}.",
            )
        stored = np.frombuffer(bytes(self._data(index)), dtype=TYPES[tensor.type])
        if tensor.sparsity:
            return sparse_blocks.dense(stored, tensor.sparsity, shape)
        return stored.reshape(shape)


def _whole_numbers(vector: Any) -> tuple[int, ...]:
    """A vector of the schema; one without entries may be missing."""
    return () if vector is None else tuple(map(int, vector))


def _is_scaled(quantization: Any) -> bool:
    """Whether a tensor's integers represent other numbers."""
    return quantization is not None and quantization.scale is not None


def _along(tensor: Any, quantization: Any) -> tuple[Array, Array]:
    """Scale factors and zero points, shaped to be broadcast over the tensor."""
    if not _is_scaled(quantization):
        return np.ones(1), np.zeros(1, int)
    scale = np.asarray(quantization.scale, np.float64)
    zero = np.zeros(scale.size, int)
    if quantization.zeroPoint is not None:
        zero = np.asarray(quantization.zeroPoint, int)
    if scale.size == 1:
        return scale, zero
    # one scale for each channel: along one axis, which the file names
    shape = [1] * len(tensor.shape)
    shape[quantization.quantizedDimension] = scale.size
    return scale.reshape(shape), zero.reshape(shape)


def _step(numbers: Array, stored: Array, scale: Array | None) -> float:
    """The largest error of rounding to the stored type."""
    if scale is not None:
        return float(scale.max())
    # a float is rounded by a share of itself, 2**-11 in half precision and 2**-24 in single: both
    # bounds are wider
    largest = float(np.abs(numbers).max(initial=0.0))
    return largest * (2.0**-10 if stored.dtype == np.float16 else 2.0**-20)
