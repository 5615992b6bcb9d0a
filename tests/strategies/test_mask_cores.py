"""The heart of each strategy that chooses zeros, with answers found by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.nn import compression
from framework.nn.compression import clustering, learned_step, variational_dropout
from framework.strategies.dynamic_sparse import moved
from framework.strategies.gradient_prune import taylor
from framework.strategies.lottery_ticket import levels
from framework.strategies.random_prune import as_text, from_text
from framework.strategies.snip import sensitivity

A, B = ("a", 0), ("b", 0)


def test_one_threshold_takes_the_smallest_wherever_they_are():
    scores = {A: np.array([[5.0, 1.0], [6.0, 2.0]]), B: np.array([3.0, 4.0, 7.0])}
    found = compression.masks.lowest(scores, 4)
    assert found[A].tolist() == [[False, True], [False, True]]
    assert found[B].tolist() == [True, True, False]


def test_the_floor_keeps_a_layer_from_collapsing():
    scores = {A: np.arange(10.0), B: np.arange(10.0) + 100}
    assert compression.masks.lowest(scores, 12)[A].sum() == 9  # one value always stays
    wide = {A: np.arange(100.0), B: np.arange(100.0) + 1000}
    # and no more, where no floor is asked for
    assert compression.masks.lowest(wide, 120)[A].sum() == 99
    # the floor may have a tenth of the 40 % that are left
    found = compression.masks.lowest(wide, 120, floor=0.04)
    assert (found[A].sum(), found[B].sum()) == (96, 24)
    found = compression.masks.lowest(wide, 120, floor=0.5)
    assert (found[A].sum(), found[B].sum()) == (96, 24)


THIN, WIDE = ("thin", 0), ("wide", 0)


@pytest.mark.parametrize("sparsity", [0.9, 0.98, 0.99, 0.995, 0.999])
def test_at_high_sparsity_scores_decide_and_not_the_floor(sparsity):
    # as in LeNet-5: 500 weights that all matter beside 400 000 that mostly do not, and a layer that
    # nothing needs
    random = np.random.default_rng(0)
    scores = {
        WIDE: random.random(400_000),
        THIN: 1 + random.random(500),
        A: random.random(10_000) * 1e-6,
    }
    size = sum(values.size for values in scores.values())
    total = compression.masks.zeros_asked(size, sparsity)
    free, floored = (
        compression.masks.lowest(scores, total),
        compression.masks.lowest(scores, total, floor=0.01),
    )
    left = size - total
    # with half of what is left for floors it was 5 of 500
    assert (~floored[THIN]).sum() >= 0.89 * (~free[THIN]).sum()
    assert sum(int((~floored[key] & free[key]).sum()) for key in scores) <= 0.1 * left + len(scores)
    assert 1 <= (~floored[A]).sum() <= 0.1 * left
    assert sum(int((~item).sum()) for item in floored.values()) == pytest.approx(
        left, abs=len(scores)
    )


def test_of_equal_scores_it_does_not_matter_which_array_comes_first():
    scores = {A: np.ones(6), B: np.ones(6), ("c", 0): np.ones(6)}
    one, two = (
        compression.masks.lowest(scores, 9),
        compression.masks.lowest(dict(reversed(scores.items())), 9),
    )
    assert all(np.array_equal(one[key], two[key]) for key in scores)


@given(
    st.lists(st.lists(st.floats(0, 10), min_size=1, max_size=20), min_size=1, max_size=4),
    st.floats(0, 1),
    st.floats(0, 0.9),
)
def test_as_many_as_asked_but_one_of_each_stays(arrays, share, floor):
    scores = {(str(index), 0): np.array(values) for index, values in enumerate(arrays)}
    sizes = [values.size for values in scores.values()]
    total = round(share * sum(values.size for values in scores.values()))
    found = compression.masks.lowest(scores, total, floor)
    chosen_in_all = sum(int(chosen.sum()) for chosen in found.values())
    assert chosen_in_all <= total
    # floors are rounded up in each
    assert chosen_in_all >= min(total, sum(sizes) - len(sizes)) - len(sizes)
    assert all((~chosen).any() for chosen in found.values())
    for key, chosen in found.items():  # within an array the least go first
        assert scores[key][chosen].max(initial=-1) <= scores[key][~chosen].min()


def test_taylor_is_the_mean_size_of_weight_times_gradient():
    weights = {A: np.array([2.0, -1.0, 0.0])}
    gradients = [{A: np.array([1.0, 3.0, 9.0])}, {A: np.array([-1.0, 1.0, 9.0])}]
    # the mean gradient of the first would be 0
    assert taylor(weights, gradients)[A].tolist() == [2.0, 2.0, 0.0]


def test_sensitivities_are_shares_of_the_whole():
    weights, gradients = (
        {A: np.array([1.0, -2.0]), B: np.array([3.0])},
        {A: np.array([2.0, 1.0]), B: np.array([-2.0])},
    )
    found = sensitivity(weights, gradients)
    assert found[A].tolist() == [0.2, 0.2]
    assert found[B].tolist() == [0.6]


def test_each_round_takes_the_same_share_of_what_is_left():
    assert levels(0.875, 3) == pytest.approx([0.5, 0.75, 0.875])
    assert levels(0.9, 1) == pytest.approx([0.9])


def test_the_smallest_drop_and_the_largest_gradients_grow():
    weights = np.array([5.0, 0.1, 3.0, 0.0, 0.0, 0.0, 0.2, 4.0])
    gradients = np.array([9.0, 0.5, 9.0, -2.0, 0.0, 1.0, 0.5, 9.0])
    zeros = weights == 0
    found = moved(weights, gradients, zeros, share=0.4)  # two of five
    assert found.tolist() == [False, True, False, False, True, False, True, False]
    assert found.sum() == zeros.sum()


def test_what_was_just_dropped_may_grow_again():
    weights = np.array([5.0, 0.1, 3.0, 0.0, 0.0])
    gradients = np.array([0.0, 9.0, 0.0, 2.0, 1.0])
    assert moved(weights, gradients, weights == 0, share=0.34).tolist() == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_nothing_grows_where_the_gradient_is_zero():
    weights, zeros = np.array([1.0, 2.0, 0.0, 0.0]), np.array([False, False, True, True])
    assert moved(weights, np.zeros(4), zeros, share=0.5).tolist() == zeros.tolist()


def test_proportions_of_a_run_are_a_text_and_back():
    zeros = {("conv_1", 0): 12, ("block/dense", 2): 0}
    assert from_text(as_text(zeros)) == zeros


# --- few values -----------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["kmeans++", "linear"])
def test_values_in_clear_groups_get_the_means_of_them(start):
    values = np.array([[0.0, 0.2, 5.0], [5.2, -3.0, 0.1]])
    groups, centres = clustering.shared(values, 3, start=start, seed=0)
    assert centres == pytest.approx([-3.0, 0.1, 5.1])
    assert groups.tolist() == [[1, 1, 2], [2, 0, 1]]


def test_zeros_that_are_kept_are_a_group_of_their_own():
    values = np.array([0.0, 0.0, 0.1, 0.1, 4.0])
    groups, centres = clustering.shared(values, 3, start="kmeans++", seed=0, zeros=values == 0)
    assert centres[0] == 0
    assert centres[groups].tolist() == values.tolist()
    groups, centres = clustering.shared(
        np.zeros(3), 4, start="linear", seed=0, zeros=np.ones(3, bool)
    )
    assert (groups.tolist(), centres.tolist()) == ([0, 0, 0], [0.0])


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=60),
    st.integers(2, 12),
    st.sampled_from(["kmeans++", "linear"]),
)
def test_never_more_groups_than_asked_and_each_value_in_the_nearest(values, size, start):
    array = np.array(values)
    groups, centres = clustering.shared(array, size, start=start, seed=1)
    assert len(centres) <= size
    distance = np.abs(array[:, None] - centres[None, :])
    assert distance[np.arange(array.size), groups] == pytest.approx(distance.min(axis=1))


# --- few bits -------------------------------------------------------------------------------------


def test_a_grid_of_two_bits_is_ternary_and_of_four_has_fifteen_levels():
    assert [learned_step.levels_of(bits) for bits in (2, 3, 4, 7)] == [1, 3, 7, 63]
    values = np.array([-1.0, -0.4, 0.1, 0.6, 3.0])
    assert learned_step.snapped(values, np.array(1.0), 1).tolist() == [-1, 0, 0, 1, 1]
    assert learned_step.snapped(values, np.array(0.5), 3).tolist() == pytest.approx(
        [-1, -0.5, 0, 0.5, 1.5]
    )


def test_values_that_are_on_a_grid_find_its_step():
    values = np.array([[-0.6, 1.0], [0.2, -3.0], [0.4, 2.0]])  # steps of 0.2 and 1, three of them
    steps = learned_step.best_step(values, (0,), 3)
    assert steps.tolist() == [pytest.approx([0.2, 1.0])]
    assert learned_step.best_step(np.zeros((2, 1)), (0,), 3).tolist() == [[1.0]]


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40), st.integers(2, 7))
def test_the_step_found_is_no_worse_than_the_one_that_reaches_the_largest_value(values, bits):
    array, largest = np.array(values), learned_step.levels_of(bits)
    whole = np.array([max(np.abs(array).max(), 1e-6) / largest], np.float32)
    found = learned_step.best_step(array, (0,), largest)
    errors = [
        float(((array - learned_step.snapped(array, step, largest)) ** 2).sum())
        for step in (found, whole)
    ]
    assert errors[0] <= errors[1] + 1e-6


# --- noise ----------------------------------------------------------------------------------------


def test_log_alpha_is_noise_against_size():
    found = variational_dropout.log_alpha(np.array([1.0, 0.1]), np.array([-2.0, -2.0]))
    assert found == pytest.approx([-2.0, -2.0 - np.log(0.01)], abs=1e-5)


def test_the_weights_of_the_largest_alpha_are_cut_and_zeros_go_first():
    keys = (A, B)
    wrap = variational_dropout.NoiseWrap(keys, zeros=3)
    weights = {A: np.array([1.0, 1.0, 0.0]), B: np.array([2.0, 0.5]), ("a", 1): np.array([7.0])}
    noise = {
        variational_dropout.name_of(A): np.array([0.5, -1.0, -1.0]),
        variational_dropout.name_of(B): np.array([-1.0, 0.1]),
    }
    found = wrap.finish(weights, noise)  # log alpha: 5, -10, a zero; -11.4, 2.4
    assert found[A].tolist() == [0.0, 1.0, 0.0]
    assert found[B].tolist() == [2.0, 0.0]
    assert found["a", 1].tolist() == [7.0]
