"""Kernels stored in blocks: which are, what the file answers then, and every sparse tensor read
back whole."""

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from framework import nn
from framework.contracts import Export, Samples, Stage
from framework.nn import compression, tflite
from framework.nn.tflite import sparse_blocks
from framework.nn.tflite.flatbuffer import FlatFile

SPARSE = Export(sparse=True)
FORMATS = {"float32": Export(), "int8": Export("int8")}


def layers():
    return nn.backend.keras.layers


def mlp(inputs=16, units=8, steps=0):
    """Two dense layers, over one position or several."""
    x = given = layers().Input((steps, inputs) if steps else (inputs,), name="numbers")
    x = layers().Dense(units, activation="relu", name="hidden")(x)
    x = layers().GlobalAveragePooling1D(name="mean")(x) if steps else x
    return nn.backend.keras.Model(given, layers().Dense(4, name="head")(x))


def convolutional():
    """Convolutions before a dense layer."""
    given = layers().Input((6, 6, 4), name="numbers")
    x = layers().Conv2D(8, 3, activation="relu", name="first")(given)
    x = layers().DepthwiseConv2D(3, name="depthwise")(x)
    return nn.backend.keras.Model(
        given, layers().Dense(4, name="head")(layers().Flatten(name="flatten")(x))
    )


def shared():
    """One dense layer used twice."""
    given = layers().Input((16,), name="numbers")
    again = layers().Dense(16, activation="relu", name="hidden")
    return nn.backend.keras.Model(given, layers().Dense(4, name="head")(again(again(given))))


def staged(model, *, rows=4, share=0.9, seed=0):
    """The model with random weights, and that share of the blocks of each kernel zero."""
    random = np.random.default_rng(seed)
    weights = {}
    for layer in model.layers:
        for position, variable in enumerate(layer.weights):
            value = random.normal(size=variable.shape).astype(np.float32)
            if value.ndim > 1:
                flat = value.reshape(-1, value.shape[-1])
                cut = compression.masks.block_scores(flat, rows).size
                value = np.where(
                    compression.masks.blocks(flat, rows, round(share * cut)), 0, flat
                ).reshape(value.shape)
            weights[layer.name, position] = value
    return Stage(nn.graph.to_graph(model), {}).with_weights(weights)


def samples_for(model, count=12):
    shape = (count, *model.input_shape[1:])
    return Samples(
        {"numbers": np.random.default_rng(1).normal(size=shape).astype(np.float32)},
        np.zeros(count, int),
    )


def stored_in_blocks(file):
    """Layer, or name of the tensor where it tells none -> values in the file, of each tensor stored
    sparsely."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(file, 0))
    found = {}
    for tensor in model.subgraphs[0].tensors:
        name = tensor.name.decode()
        if tensor.sparsity:
            layer = next((layer for layer in ("hidden", "head") if f"/{layer}/" in name), name)
            found[layer] = len(model.buffers[tensor.buffer].data) // 4
    return found


def converted(model, monkeypatch, form, **cut):
    """(stage, file as the converter itself makes it sparse, file as it makes it dense)."""
    stage, samples = replace(staged(model, **cut), export=FORMATS[form]), samples_for(model)
    plain = tflite.converter.to_tflite(stage, samples)
    set_format = tflite.converter._set_format

    def set_sparse(converter, *given):
        set_format(converter, *given)
        converter.optimizations = [
            *converter.optimizations,
            nn.backend.tf.lite.Optimize.EXPERIMENTAL_SPARSITY,
        ]

    monkeypatch.setattr(tflite.converter, "_set_format", set_sparse)
    return stage, tflite.converter.to_tflite(stage, samples), plain


def test_only_blocks_that_are_not_zero_lie_in_the_file_and_it_answers_the_same():
    model = mlp()
    stage, samples = staged(model), samples_for(model)  # 29 of 32 blocks are zero, and 7 of 8
    plain = tflite.converter.to_tflite(stage)
    file = tflite.converter.to_tflite(replace(stage, export=SPARSE))
    assert stored_in_blocks(file) == {"hidden": 3 * 4, "head": 4}
    assert not stored_in_blocks(plain)
    tflite.converter.check_agreement(
        tflite.converter.predict(stage, samples), tflite.interpreter.outputs(file, samples)
    )
    assert tflite.interpreter.outputs(file, samples) == pytest.approx(
        tflite.interpreter.outputs(plain, samples), abs=1e-5
    )


def test_any_interpreter_opens_it():
    model = mlp(inputs=64, units=32)
    stage, samples = replace(staged(model), export=SPARSE), samples_for(model)
    interpreter = Interpreter(model_content=tflite.converter.to_tflite(stage))
    interpreter.allocate_tensors()
    given, answer = (
        interpreter.get_input_details()[0]["index"],
        interpreter.get_output_details()[0]["index"],
    )
    interpreter.set_tensor(given, samples.inputs["numbers"][:1])
    interpreter.invoke()
    assert interpreter.get_tensor(answer) == pytest.approx(
        tflite.converter.predict(stage, samples)[:1], abs=1e-4
    )


@pytest.mark.parametrize(
    ("model", "cut", "found"),
    [
        (lambda: mlp(inputs=18), {}, {"head"}),  # 4 does not divide the inputs
        (lambda: mlp(steps=3), {}, {"head"}),  # many positions: the dense kernel is faster
        (mlp, {"share": 0.5}, set()),  # too few zeros
        (mlp, {"rows": 1, "share": 0.7}, set()),  # scattered
        (mlp, {"rows": 8}, {"hidden", "head"}),
        (shared, {}, {"head"}),
        (convolutional, {}, {"head"}),
    ],
    ids=["inputs", "positions", "few", "scattered", "rows of 8", "shared", "convolutions"],
)
def test_kernels_that_gain_nothing_stay_whole(model, cut, found):
    net = model()
    stage, samples = replace(staged(net, **cut), export=SPARSE), samples_for(net)
    file = tflite.converter.to_tflite(stage)
    assert set(stored_in_blocks(file)) == found
    tflite.converter.check_agreement(
        tflite.converter.predict(stage, samples), tflite.interpreter.outputs(file, samples)
    )
    plain = tflite.converter.to_tflite(replace(stage, export=Export()))
    assert found or file == plain


@pytest.mark.parametrize("form", ["float16", "dynamic", "int8"])
def test_files_of_fewer_bits_stay_whole(form):
    model = mlp(inputs=64, units=32)
    stage, samples = replace(staged(model), export=Export(form)), samples_for(model)
    plain = tflite.converter.to_tflite(stage, samples)
    assert (
        tflite.converter.to_tflite(replace(stage, export=replace(SPARSE, format=form)), samples)
        == plain
    )


def test_weights_are_read_back_whole():
    model = convolutional()
    stage = staged(model)
    plain, file = (
        tflite.converter.to_tflite(replace(stage, export=export)) for export in (Export(), SPARSE)
    )
    assert stored_in_blocks(file)
    one, other = tflite.weights.read_weights(plain, stage), tflite.weights.read_weights(file, stage)
    for before, after in zip(one, other, strict=True):
        assert np.array_equal(before.values, after.values)
        assert replace(before, values=None) == replace(after, values=None)


def test_weights_begin_where_the_format_wants_them_to():
    file = tflite.converter.to_tflite(replace(staged(mlp(inputs=64, units=32)), export=SPARSE))
    whole = schema.Model.GetRootAsModel(file, 0)
    vectors = [whole.Buffers(index) for index in range(whole.BuffersLength())]
    begins = [
        file.find(vector.DataAsNumpy().tobytes()) for vector in vectors if vector.DataLength() >= 16
    ]
    assert begins
    assert all(begin % 16 == 0 for begin in begins)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("model", "cut"),
    [
        # in 8 bits the converter's blocks are of 16, and what is left over is lost
        (lambda: mlp(32, 16), {}),
        (convolutional, {"share": 0.8}),
        (lambda: mlp(18, 10), {"rows": 1}),
        (lambda: mlp(32, 16), {"rows": 16}),
    ],
    ids=["blocks", "convolutions", "scattered", "blocks of 16"],
)
def test_what_the_converter_stores_sparsely_is_read_back_whole(model, cut, form, monkeypatch):
    stage, file, plain = converted(model(), monkeypatch, form, **cut)
    assert stored_in_blocks(file)
    for before, after in zip(
        tflite.weights.read_weights(plain, stage),
        tflite.weights.read_weights(file, stage),
        strict=True,
    ):
        assert np.array_equal(before.values, after.values)
        assert np.array_equal(before.scales, after.scales)


def level(size=0, segments=None, indices=None):
    made = schema.DimensionMetadataT()
    made.format, made.denseSize = int(segments is not None), size
    for name, values in (("arraySegments", segments), ("arrayIndices", indices)):
        vector = schema.Int32VectorT()
        vector.values = values
        setattr(made, name, vector)
    return made


@pytest.mark.parametrize(
    ("order", "blocked", "levels", "stored", "whole"),
    [
        (
            [0, 1],
            None,
            [level(2), level(0, [0, 1, 3], [2, 0, 1])],
            [7, 8, 9],
            [[0, 0, 7], [8, 9, 0]],
        ),
        # columns first
        ([1, 0], None, [level(2), level(0, [0, 1, 2], [1, 0])], [7, 8], [[0, 8], [7, 0]]),
        (
            [0, 1, 2],
            [1],
            [level(2), level(0, [0, 0, 1], [1]), level(2)],
            [7, 8],
            [[0, 0, 0, 0], [0, 0, 7, 8]],
        ),
        (
            [0, 1, 2, 3],  # blocks of two by two
            [0, 1],
            [level(1), level(0, [0, 1], [1]), level(2), level(2)],
            [6, 7, 8, 9],
            [[0, 0, 6, 7], [0, 0, 8, 9]],
        ),
    ],
    ids=["rows", "columns", "blocks of a row", "square blocks"],
)
def test_places_are_walked_in_the_order_of_the_file(order, blocked, levels, stored, whole):
    sparsity = schema.SparsityParametersT()
    sparsity.traversalOrder, sparsity.blockMap, sparsity.dimMetadata = order, blocked, levels
    assert sparse_blocks.dense(np.array(stored), sparsity, np.shape(whole)).tolist() == whole


def test_a_file_read_by_its_parts_knows_no_difference():
    file = FlatFile(tflite.converter.to_tflite(replace(staged(mlp()), export=SPARSE)))
    kernel = file.constant(file.operators[0].inputs[1])
    assert kernel.values.shape == (8, 16)
    assert np.count_nonzero(kernel.values) == 12
