"""The computed lines of the size ledger, on tensors whose sizes can be counted by hand."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from nets_support import exported

from framework.contracts.file import FileWeight
from framework.metrics._ledger import codebook_bytes, entropy_bits, sparse_bytes
from framework.metrics.size_sparse_bytes import SizeSparseBytes

TENSORS = arrays.arrays(
    st.sampled_from([np.float32, np.float16, np.int8]),
    arrays.array_shapes(max_dims=4, max_side=6),
    elements=st.sampled_from([0.0, 1.0, -2.0, 3.0]),
)


def test_few_values_cost_a_bitmap_or_compressed_rows():
    values = np.zeros((4, 100), np.float32)
    values[0, :3] = 1.0
    # 3 values of 4 bytes; bitmap 50 bytes; rows: 3 columns below 100 and 5 beginnings, one byte
    # each
    assert sparse_bytes(values) == 12 + min(50, 3 + 5)


def test_many_values_cost_a_bitmap():
    values = np.ones((4, 100), np.float32)
    values[:, :30] = 0
    assert sparse_bytes(values) == 4 * 280 + min(50, 280 + 5 * 2)


def test_what_an_index_would_make_larger_is_stored_dense():
    assert sparse_bytes(np.ones((4, 100), np.float32)) == 1600
    values = np.ones((1, 64), np.int8)
    values[0, :8] = 0
    assert sparse_bytes(values) == 64  # a bitmap of 8 bytes saves nothing on 8 zeros of one byte


def test_the_dense_net_has_the_same_bytes_on_both_lines():
    random = np.random.default_rng(0)
    net = exported(
        random.normal(size=(3, 4)), random.normal(size=(1, 3, 3, 8)), random.normal(size=5)
    )
    assert SizeSparseBytes().measure(net) == sum(weight.values.nbytes for weight in net.weights)


def test_a_row_is_what_leads_to_one_output_of_a_depthwise_kernel_too():
    values = np.arange(1 * 3 * 3 * 2).reshape(1, 3, 3, 2)
    depthwise = FileWeight("d", "kernel", 0, 1, values, output_axis=-1)
    assert depthwise.rows.shape == (2, 9)
    assert depthwise.rows[0].tolist() == values[0, :, :, 0].ravel().tolist()
    assert FileWeight("c", "kernel", 0, 1, values).rows.shape == (1, 18)
    assert FileWeight("b", "bias", 0, 0, np.ones(7)).rows.shape == (1, 7)


def test_columns_beyond_255_take_two_bytes():
    values = np.zeros((1, 257), np.int8)
    values[0, -1] = 5
    assert sparse_bytes(values) == 1 + min(33, 2 + 2)


@pytest.mark.parametrize(("columns", "width"), [(256, 1), (257, 2), (65_536, 2), (65_537, 4)])
def test_a_column_has_the_fewest_bytes_that_hold_its_number(columns, width):
    values = np.zeros((1, columns), np.int8)
    values[0, -1] = 5
    assert sparse_bytes(values) == 1 + width + 2


def test_a_vector_is_one_row_and_a_bitmap_has_a_byte_for_the_last_places():
    values = np.zeros(100, np.float32)
    values[:3] = 1.0
    assert sparse_bytes(values) == 12 + min(13, 3 + 2)
    assert sparse_bytes(np.array([1.0] * 5 + [0.0] * 12, np.float32)) == 20 + min(3, 5 + 2)


def test_four_values_are_two_bits_each_and_a_table():
    values = np.resize(np.array([1, 2, 3, 4], np.float32), 80)
    assert codebook_bytes(values) == 80 * 2 // 8 + 4 * 4


def test_three_values_are_two_bits_each_and_the_last_byte_counts_whole():
    values = np.array([1, 2, 3, 1, 2], np.float32)
    assert codebook_bytes(values) == 2 + 3 * 4  # ten bits


def test_beginnings_of_rows_take_two_bytes_where_there_are_more_than_255_values():
    values = np.zeros((1, 100_000), np.float32)
    values[0, :300] = 1
    # a column below 100 000 takes four bytes
    assert sparse_bytes(values) == 300 * 4 + 300 * 4 + 2 * 2


def test_one_value_needs_no_index():
    assert codebook_bytes(np.full(1000, 0.5, np.float32)) == 4


def test_what_has_no_codebook_is_dense():
    values = np.random.default_rng(0).normal(size=300).astype(np.float32)
    assert codebook_bytes(values) == values.nbytes


def test_entropy_of_places_and_values():
    values = np.array([0, 0, 0, 0, 0, 0, 7, 7, 9, 9], np.int8)
    places = math.log2(len(list(combinations(range(10), 4))))
    assert entropy_bits(values) == pytest.approx(places + 4 * 1.0 + 2 * 8)


def test_one_value_costs_its_place_and_its_own_bits():
    assert entropy_bits(np.array([0, 0, 0, 7, 0, 0, 0, 0], np.int8)) == pytest.approx(
        math.log2(8) + 8
    )


def test_values_that_do_not_repeat_cost_their_own_bits():
    values = np.random.default_rng(0).normal(size=100).astype(np.float32)
    assert entropy_bits(values) == 3200


def test_nothing_but_zeros_is_nearly_nothing():
    zeros = np.zeros((10, 10), np.float32)
    assert (entropy_bits(zeros), codebook_bytes(zeros)) == (0, 4)
    assert sparse_bytes(zeros) == min(13, 11)


def matrix(values):
    return values.reshape(values.shape[0], -1)


@given(TENSORS)
def test_no_line_is_longer_than_it_can_be(values):
    assert 0 <= entropy_bits(values) <= 8 * values.nbytes
    assert codebook_bytes(values) <= values.nbytes
    assert sparse_bytes(matrix(values)) <= values.nbytes


@given(TENSORS)
def test_more_zeros_never_cost_more(values):
    thinner = values.copy()
    thinner.ravel()[0] = 0
    assert sparse_bytes(matrix(thinner)) <= sparse_bytes(matrix(values))


@given(TENSORS, st.integers(0, 1000))
def test_the_bound_does_not_depend_on_the_order(values, seed):
    shuffled = np.random.default_rng(seed).permutation(values.ravel()).reshape(values.shape)
    assert entropy_bits(shuffled) == pytest.approx(entropy_bits(values))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_a_tensor_without_values_costs_nothing(shape):
    values = np.zeros(shape, np.float32)
    assert sparse_bytes(values) == codebook_bytes(values) == entropy_bits(values) == 0
