"""No -0.0 leaves a training or an export: it equals 0 and has other bytes, which a compressor sees as noise."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from nets_support import CATALOG, SMALL, fixed, job_for, tiny_stage

from framework import nn
from framework.spec import use
from framework.trial import compress

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


@pytest.mark.parametrize("name", CATALOG.strategies.names())
def test_none_in_the_weights_or_in_the_file(name, lab):
    given = {"layers": "uniform"} if name in ("magnitude_prune", "random_prune", "dynamic_sparse") else {}
    knobs = CATALOG.strategies.get(name).knobs()
    given |= {knob: 1 for knob, item in knobs.items() if item.unit == "epochs"}
    given |= {"sparsity": 0.7} if "sparsity" in knobs else {}
    spec = fixed(SMALL["lenet_300_100"], use(name, **given))
    stage = compress(spec, lab, job_for(spec, lab))
    assert sum(negative_zeros(value) for value in stage.weights.values()) == 0
    assert in_file(nn.export.to_tflite(stage, lab.splits(spec).calibration)) == 0


def test_none_where_a_normalisation_with_a_negative_factor_is_folded():
    stage = tiny_stage(batch_norm=True)
    kernel = stage.weights["conv", 0]
    kept = (np.arange(kernel.size) % 2).reshape(kernel.shape)
    weights = {**stage.weights, ("conv", 0): kernel * kept}
    file = nn.export.to_tflite(stage.with_weights({**weights, ("norm", 0): -weights["norm", 0]}))
    assert in_file(file) == 0
