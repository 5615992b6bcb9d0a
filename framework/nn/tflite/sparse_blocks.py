"""Kernels of zero blocks in a `.tflite` file: the blocks that are left, and where they are.

The converter can store kernels so, but not choose which: it does so where the runtime then answers
wrongly (inputs that its blocks do not divide), not at all (half precision, 8 bits), or more slowly.
Here the file is taken as it comes out of the converter, and only kernels that gain by it are stored
in blocks.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from framework.contracts.net import Array

# inputs of one block: the only width for which the runtime has code of its own for float32
ROWS = 4
LEAST_ZEROS = 2 / 3  # share of zero blocks; with fewer the runtime is faster with the dense kernel
# the first of FULLY_CONNECTED that may be sparse; under a lower one blocks are taken for a dense
# kernel
VERSION = 8
ALIGNMENT = 16  # bytes: what the format asks of every buffer
# of the schema
INDEX_VECTORS = {"uint8": "Uint8Vector", "uint16": "Uint16Vector", "int32": "Int32Vector"}


def in_blocks(file: bytes) -> bytes:
    """The file with those kernels stored in blocks that the runtime then multiplies by faster.

    They are float32 kernels of fully connected layers whose inputs four divides, which are used
    once, for one position of a sample, and of whose blocks two thirds or more are zero. The file
    itself if there are none.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(file, 0))
    chosen = _chosen(model)
    if not chosen:
        return file
    # the version belongs to a code of operators: those that read blocks get a new one
    for operator, tensor in chosen:
        operator.opcodeIndex = len(model.operatorCodes)
        _store(tensor, model.buffers[tensor.buffer])
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = VERSION
    model.operatorCodes.append(code)
    builder = _Builder(len(file))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def dense(stored: Array, sparsity: Any, shape: tuple[int, ...]) -> Array:
    """A tensor that is stored sparsely, whole.

    Its places are walked level by level, the sides of the tensor first and then those within a
    block, in the order that the file says. A level has all of its places, or those that are listed
    for each place of the level above.

    Args:
        stored: (n,) values in the file.
        sparsity: `SparsityParametersT` of the schema.
        shape: of the whole tensor.
    """
    blocked = [] if sparsity.blockMap is None else list(map(int, sparsity.blockMap))
    levels = list(zip(map(int, sparsity.traversalOrder), sparsity.dimMetadata, strict=True))
    widths = _block_widths(levels, blocked, len(shape))
    # one column for each place of the levels so far: its indices in the tensor
    places = np.zeros((len(shape), 1), int)
    for level, metadata in levels:
        counts, index = _level(metadata, places.shape[1])
        places = np.repeat(places, counts, axis=1)
        if level < len(shape):
            # the index counts blocks where this side is cut into them
            places[level] += index * widths.get(level, 1)
        else:
            places[blocked[level - len(shape)]] += index
    whole = np.zeros(shape, stored.dtype)
    whole[tuple(places)] = stored
    return whole


def _block_widths(levels: list[tuple[int, Any]], blocked: list[int], sides: int) -> dict[int, int]:
    """Side of the tensor -> how long a block is along it. Levels from `sides` on are of blocks."""
    widths = {}
    for level, metadata in levels:
        if level >= sides:
            widths[blocked[level - sides]] = metadata.denseSize
    return widths


def _level(metadata: Any, above: int) -> tuple[Array, Array]:
    """(how many places are under each place of the level above, their indices)."""
    if metadata.format == schema.DimensionType.DENSE:
        return np.full(above, metadata.denseSize), np.tile(np.arange(metadata.denseSize), above)
    ends = np.asarray(metadata.arraySegments.values, int)
    return np.diff(ends), np.asarray(metadata.arrayIndices.values, int)


def _chosen(model: Any) -> list[tuple[Any, Any]]:
    """(operator, kernel) of each layer that gains."""
    if len(model.subgraphs) != 1:
        return []
    (net,) = model.subgraphs
    reads = Counter[int]()
    for operator in net.operators:
        reads.update(map(int, operator.inputs))
    shared = Counter(tensor.buffer for tensor in net.tensors)
    chosen = []
    for operator in net.operators:
        if not _is_fully_connected(model, operator):
            continue
        kernel, output = net.tensors[operator.inputs[1]], net.tensors[operator.outputs[0]]
        # another reader has no code for blocks, and another tensor on the same bytes no blocks
        alone = reads[int(operator.inputs[1])] == shared[kernel.buffer] == 1
        one_position = np.prod(output.shape) == kernel.shape[0]
        if alone and one_position and _gains(kernel, model.buffers[kernel.buffer].data):
            chosen.append((operator, kernel))
    return chosen


def _is_fully_connected(model: Any, operator: Any) -> bool:
    code = model.operatorCodes[operator.opcodeIndex]
    kind = max(code.builtinCode, code.deprecatedBuiltinCode)
    return bool(kind == schema.BuiltinOperator.FULLY_CONNECTED)


def _gains(kernel: Any, data: Array | None) -> bool:
    if data is None or kernel.type != schema.TensorType.FLOAT32 or kernel.shape[1] % ROWS:
        return False
    return bool(_cut(kernel, data).any(axis=2).mean() <= 1 - LEAST_ZEROS)


def _cut(kernel: Any, data: Array) -> Array:
    """(outputs, blocks, ROWS): the kernel, cut into blocks."""
    return np.frombuffer(bytes(data), np.float32).reshape(kernel.shape[0], -1, ROWS)


def _store(kernel: Any, buffer: Any) -> None:
    """Leave out the zero blocks of a kernel, and write down which are left.

    Rows, blocks of a row, within a block.
    """
    cut = _cut(kernel, buffer.data)
    left = cut.any(axis=2)
    buffer.data = np.frombuffer(cut[left].tobytes(), np.uint8)
    rows, within = _side(len(cut)), _side(ROWS)
    # compressed rows: where the blocks of each row end, and which column of blocks each is in
    listed = schema.DimensionMetadataT()
    listed.format = schema.DimensionType.SPARSE_CSR
    ends = np.concatenate([[0], np.cumsum(left.sum(axis=1))])
    listed.arraySegmentsType, listed.arraySegments = _indices(ends)
    listed.arrayIndicesType, listed.arrayIndices = _indices(np.nonzero(left)[1])
    kernel.sparsity = schema.SparsityParametersT()
    # level 2 is within a block, and blocks cut side 1, the inputs
    kernel.sparsity.traversalOrder = [0, 1, 2]
    kernel.sparsity.blockMap = [1]
    kernel.sparsity.dimMetadata = [rows, listed, within]


def _side(size: int) -> Any:
    """A level with all of its places."""
    side = schema.DimensionMetadataT()
    side.format, side.denseSize = schema.DimensionType.DENSE, size
    return side


def _indices(values: Array) -> tuple[int, Any]:
    """(type in the schema, vector) of whole numbers, in the smallest type that fits them."""
    largest = values.max(initial=0)
    kind = next(kind for kind in INDEX_VECTORS if largest <= np.iinfo(kind).max)
    vector = getattr(schema, f"{INDEX_VECTORS[kind]}T")()
    vector.values = values.astype(kind)
    return getattr(schema.SparseIndexVector, INDEX_VECTORS[kind]), vector


class _Builder(schema.flatbuffers.Builder):
    """Packs a file; the package's own does not align buffers of weights."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803
        """Begin a vector at a multiple of `ALIGNMENT` bytes, if it is as long as that."""
        wanted = ALIGNMENT if elemSize * numElems >= ALIGNMENT else alignment
        return super().StartVector(elemSize, numElems, max(alignment, wanted))
