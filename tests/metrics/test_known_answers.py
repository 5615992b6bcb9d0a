"""Each metric on made-up files whose values are known."""

import numpy as np
import pytest
import zstandard
from nets_support import CATALOG, exported

from framework.contracts import FileWeight


def value(name, *kernels, **changes):
    return CATALOG.metrics.build(name, {}).measure(exported(*kernels, **changes))


def test_accuracy_is_the_share_of_right_answers_each_sample_alike():
    outputs = [[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5], [0.4, 0.4, 0.2]]
    # of equal outputs the first wins
    assert value("accuracy", outputs=outputs, labels=[1, 0, 0, 0]) == 0.75
    assert value("accuracy", outputs=outputs, labels=[0, 1, 1, 1]) == 0.0


def test_accuracy_of_a_binary_task_asks_for_more_than_a_half():
    outputs = [[0.9], [0.5], [0.51], [0.1]]
    assert value("accuracy", outputs=outputs, labels=[1.0, 0.0, 0.0, 0.0], task="binary") == 0.75


def test_accuracy_is_not_defined_for_regression():
    assert CATALOG.metrics.get("accuracy").tasks == {"classes", "binary"}


def test_parameters_are_counted_in_the_file():
    kernels = [[[0.0, 1.0], [-2.0, 0.0]], [0.0, -0.0, 1e-30]]
    assert value("params_total", *kernels) == 7
    assert value("params_nonzero", *kernels) == 3


def test_operations_are_kernel_values_times_positions_and_biases_are_none():
    bias = FileWeight("layer_0", "bias", 1, 0, np.ones(5))
    kernel = FileWeight("layer_0", "kernel", 0, 9, np.ones((3, 5)))
    depthwise = FileWeight("layer_1", "kernel", 2, 4, np.zeros((1, 3, 3, 5)))
    assert value("macs_dense", weights=(kernel, bias, depthwise)) == 15 * 9 + 45 * 4


@pytest.mark.parametrize("file", [b"", b"abc", bytes(10_000)])
def test_sizes_are_those_of_the_file(file):
    assert value("size_tflite_bytes", file=file) == len(file)
    compressed = value("size_tflite_compressed_bytes", file=file)
    assert compressed == len(zstandard.compress(file, 19))
    assert compressed < 100  # zeros are nearly nothing


def test_zeros_show_in_the_compressed_size_alone():
    random = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    sparse = np.where(np.abs(random) > 1.6, random, 0).astype(np.float32)
    dense_file, sparse_file = random.tobytes(), sparse.tobytes()
    assert value("size_tflite_bytes", file=dense_file) == value(
        "size_tflite_bytes", file=sparse_file
    )
    sizes = [value("size_tflite_compressed_bytes", file=file) for file in (dense_file, sparse_file)]
    assert sizes[1] < 0.3 * sizes[0]
