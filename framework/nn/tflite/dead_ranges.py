"""Activations of an 8-bit file in too narrow a range.

Their scale is made one that runtimes compute with.

Where a whole layer is dead on the calibration split, the converter gives its outputs a range of
nothing, and XNNPACK refuses the file: it multiplies sums by a factor below 256 only.

Where the cells of an LSTM stay below a half there, the converter gives them a range of less than 1,
and the runtime's outputs come from memory that nothing wrote: its tanh of 16-bit numbers knows
ranges of 1, 2, 4 .. 64 (`PortableApplyTanh`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from framework.contracts.net import Array

LIMIT = 256.0  # of input scale x kernel scale / output scale
CELL_STEP = 2.0**-15  # least scale of the 16-bit cells of an LSTM: they reach from -1 to 1
CELLS = 19  # which input of the operation they are
SUMS = frozenset(
    {
        schema.BuiltinOperator.FULLY_CONNECTED,
        schema.BuiltinOperator.CONV_2D,
        schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    }
)


def widened(file: bytes) -> bytes:
    """The file with wider ranges for outputs that no sum can fill, and for cells.

    The new scale is that of a single product, so that such an output may be up to 255 of them;
    the biases that follow are written in it. Cells of an LSTM reach at least from -1 to 1. A file
    without either stays as it is.
    """
    # of a bytearray, arrays from the reader are views that can be written to
    content = bytearray(file)
    model = schema.Model.GetRootAsModel(content, 0)
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
        for operator in operators:
            _widen(model, graph, operator, operators)
            _widen_cells(model, graph, operator)
    return bytes(content)


def _widen(model: Any, graph: Any, operator: Any, operators: list[Any]) -> None:
    if not _is_sum(model, operator):
        return
    source, kernel = _scale(graph, operator.Inputs(0)), _scale(graph, operator.Inputs(1))
    output = _scale(graph, operator.Outputs(0))
    if source is None or kernel is None or output is None:
        return
    product = float(source[0]) * float(kernel.max())
    if product / float(output[0]) < LIMIT:
        return
    readers = [reader for reader in operators if operator.Outputs(0) in reader.InputsAsNumpy()]
    # of a sum only the bias is written in the scale of the input; a pooling passes that scale on
    if readers and all(_is_sum(model, reader) for reader in readers):
        output[0] = product
        for reader in readers:
            # as stored, in float32: what the runtime will calculate with
            _rewrite_bias(model, graph, reader, float(output[0]))


def _widen_cells(model: Any, graph: Any, operator: Any) -> None:
    """Nothing else is written in the scale of the cells.

    They are zero at first, and no other operation reads them.
    """
    if _kind(model, operator) != schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM:
        return
    scale = _scale(graph, operator.Inputs(CELLS))
    if scale is not None:
        scale[:] = np.maximum(scale, CELL_STEP)


def _rewrite_bias(model: Any, graph: Any, operator: Any, source: float) -> None:
    """The same bias in the scale that follows from another one of the input."""
    if operator.InputsLength() < 3 or operator.Inputs(2) < 0:
        return
    scale, kernel = _scale(graph, operator.Inputs(2)), _scale(graph, operator.Inputs(1))
    if scale is None or kernel is None:
        return
    values = model.Buffers(graph.Tensors(operator.Inputs(2)).Buffer()).DataAsNumpy().view(np.int32)
    numbers = values.astype(np.float64) * scale.astype(np.float64)
    # a bias is added to the sums as it is: its scale has to be that of their products
    scale[:] = source * kernel
    values[:] = np.rint(numbers / scale.astype(np.float64))


def _is_sum(model: Any, operator: Any) -> bool:
    return _kind(model, operator) in SUMS


def _kind(model: Any, operator: Any) -> int:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # the older field is one byte and the newer one absent in old files: the larger one counts
    return int(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))


def _scale(graph: Any, index: int) -> Array | None:
    """The scale factors of a tensor, to be written to; None if it has none."""
    quantization = graph.Tensors(index).Quantization()
    if quantization is None or not quantization.ScaleLength():
        return None
    return np.asarray(quantization.ScaleAsNumpy())
