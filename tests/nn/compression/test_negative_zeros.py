"""No -0.0 leaves an export: it equals 0 and has other bytes, which a compressor sees as noise."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from nets_support import tiny_stage

from framework.nn.tflite import converter

FLOATS = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}


def negative_zeros(values):
    return int((np.signbit(values) & (values == 0)).sum())


def in_file(file):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(file, 0))
    total = 0
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if tensor.type in FLOATS and data is not None and not isinstance(data, int) and len(data):
            total += negative_zeros(np.asarray(data, np.uint8).view(FLOATS[tensor.type]))
    return total


def test_none_where_a_normalisation_with_a_negative_factor_is_folded():
    stage = tiny_stage(batch_norm=True)
    kernel = stage.weights["conv", 0]
    kept = (np.arange(kernel.size) % 2).reshape(kernel.shape)
    weights = {**stage.weights, ("conv", 0): kernel * kept}
    file = converter.to_tflite(stage.with_weights({**weights, ("norm", 0): -weights["norm", 0]}))
    assert in_file(file) == 0
