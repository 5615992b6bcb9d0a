"""Which weights are zeroed, and how many in each layer: known answers and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from framework.nn.compression import masks

sides = st.integers(1, 40)
kernel_shapes = st.lists(
    st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, sides)), min_size=1, max_size=8
)
sparsities = st.floats(0, 0.99)


def named(shapes):
    return {(f"layer_{index}", 0): shape for index, shape in enumerate(shapes)}


def sizes(shapes):
    return {key: int(np.prod(shape)) for key, shape in shapes.items()}


def test_the_smallest_go_and_of_equal_ones_the_later_first():
    values = np.array([[3.0, -1.0], [0.5, -2.0]], np.float32)
    assert masks.smallest(values, 2).tolist() == [[False, True], [True, False]]
    assert masks.smallest(np.ones(4, np.float32), 1).tolist() == [False, False, False, True]


@given(
    values=arrays.arrays(np.float32, st.integers(1, 50), elements=st.floats(-4, 4, width=32)),
    data=st.data(),
)
def test_exactly_as_many_as_asked_and_none_smaller_is_left(values, data):
    count = data.draw(st.integers(0, values.size))
    chosen = masks.smallest(values, count)
    assert chosen.sum() == count
    if 0 < count < values.size:
        assert np.abs(values[chosen]).max() <= np.abs(values[~chosen]).min()


@given(
    values=arrays.arrays(np.float32, 30, elements=st.floats(-4, 4, width=32)),
    first=st.integers(0, 30),
)
def test_zeros_that_are_there_go_first(values, first):
    there = masks.smallest(values, first)
    more = masks.smallest(np.where(there, 0, values), 30)
    assert (more | there).sum() == 30
    again = masks.smallest(np.where(there, 0, values), int((np.where(there, 0, values) == 0).sum()))
    assert (again >= there).all()


RANKED = st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0, np.inf, np.nan])


def ranks(scores):
    """Places from the least score on; what is no number is last, of equal ones the later first."""

    def rank(place):
        return np.isnan(scores[place]), float(np.nan_to_num(scores[place])), -place

    return sorted(range(scores.size), key=rank)


@given(scores=arrays.arrays(np.float32, st.integers(1, 40), elements=RANKED), data=st.data())
def test_the_least_are_the_first_of_an_order_of_all_whatever_is_equal(scores, data):
    count = data.draw(st.integers(0, scores.size))
    chosen = masks.least(scores, count)
    assert set(np.flatnonzero(chosen)) == set(ranks(scores)[:count])


@given(
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    data=st.data(),
)
def test_under_one_threshold_the_first_names_give_what_is_equal(counts, data):
    scores, merged = {}, []
    for number, size in enumerate(counts):
        row = data.draw(arrays.arrays(np.float32, size, elements=st.integers(0, 3)))
        scores[f"layer_{number}", 0] = row
        # one of each stays, the last of an order
        merged += [(float(row[place]), number) for place in ranks(row)[: size - 1]]
    total = data.draw(st.integers(0, sum(counts)))
    given_up = [owner for _, owner in sorted(merged)[:total]]
    chosen = masks.lowest(scores, total)
    assert [int(chosen[key].sum()) for key in scores] == [
        given_up.count(number) for number in range(len(counts))
    ]


def test_uniform_is_one_number_for_all():
    assert masks.uniform(named([(4, 4), (9, 2)]), 0.7) == {("layer_0", 0): 0.7, ("layer_1", 0): 0.7}


def test_erk_by_hand():
    # raw densities 20/100 and 110/1000; half of 1100 stay: scale = 550 / (20 + 110); densities
    # 0.846 and 0.465
    shares = masks.erk(named([(10, 10), (10, 100)]), 0.5)
    assert shares[("layer_0", 0)] == pytest.approx(1 - 550 / 130 * 0.2)
    assert shares[("layer_1", 0)] == pytest.approx(1 - 550 / 130 * 0.11)


def test_erk_leaves_a_kernel_dense_that_would_need_more_than_all_its_weights():
    # at sparsity 0.2 the small kernel's density would be 880 / 130 * 0.2 > 1: the large one bears
    # all 220 zeros
    assert masks.erk(named([(10, 10), (10, 100)]), 0.2) == {
        ("layer_0", 0): 0.0,
        ("layer_1", 0): pytest.approx(0.22),
    }


def test_erk_counts_the_sides_of_a_convolution():
    # (3 + 3 + 16 + 32) / 4608 against (16 + 32) / 512
    shares = masks.erk(named([(3, 3, 16, 32), (1, 1, 16, 32)]), 0.9)
    density = {key: 1 - share for key, share in shares.items()}
    assert density[("layer_0", 0)] / density[("layer_1", 0)] == pytest.approx(
        (54 / 4608) / (50 / 512)
    )


@given(shapes=kernel_shapes, sparsity=sparsities)
def test_erk_reaches_the_total_asked_within_bounds(shapes, sparsity):
    shapes = named(shapes)
    shares = masks.erk(shapes, sparsity)
    assert all(-1e-9 <= share <= 1 for share in shares.values())
    zeros = sum(share * sizes(shapes)[key] for key, share in shares.items())
    assert zeros == pytest.approx(sparsity * sum(sizes(shapes).values()), abs=1e-6)


@given(size=st.integers(1, 10_000), sparsity=st.floats(0, 1))
def test_zeros_asked_is_the_share_and_one_value_stays(size, sparsity):
    asked = masks.zeros_asked(size, sparsity)
    assert 0 <= asked <= size - 1
    assert abs(asked - sparsity * size) <= 1


def test_blocks_of_least_mean_magnitude_go_whole_and_the_last_may_be_short():
    # blocks of two inputs, and one of one
    kernel = np.array([[1, 5], [1, 5], [1, 0], [1, 0], [3, 2]], np.float32)
    assert masks.block_scores(kernel, 2).tolist() == [[1, 5], [1, 0], [3, 2]]
    assert masks.blocks(kernel, 2, 1).tolist() == [[0, 0], [0, 0], [0, 1], [0, 1], [0, 0]]
    assert masks.blocks(kernel, 2, 4).tolist() == [[1, 0], [1, 0], [1, 1], [1, 1], [0, 1]]


@given(
    values=arrays.arrays(np.float32, st.tuples(sides, sides)),
    rows=st.integers(1, 16),
    data=st.data(),
)
def test_exactly_as_many_blocks_as_asked(values, rows, data):
    total = -(-values.shape[0] // rows) * values.shape[1]
    count = data.draw(st.integers(0, total))
    chosen = masks.blocks(np.nan_to_num(values, posinf=1, neginf=-1), rows, count)
    begins = np.arange(0, len(values), rows)
    whole = np.logical_and.reduceat(chosen, begins)
    assert np.array_equal(whole, np.logical_or.reduceat(chosen, begins))
    assert whole.sum() == count
