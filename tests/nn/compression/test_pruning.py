"""The pruning schedule: cubic, and final on its end step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets_support import tiny_stage
from sequence_nets import mixed, untrained

from framework import nn
from framework.nn import compression


def schedule(*, end, frequency, initial, final):
    tf = nn.backend.tf
    clock = {
        "end_step": tf.Variable(end, dtype=tf.int64),
        "frequency": tf.Variable(frequency, dtype=tf.int64),
    }
    made = compression.pruning.Polynomial(clock)
    made.initial.assign(initial)
    made.final.assign(final)

    def at(step):
        due, sparsity = made(tf.constant(step, tf.int64))
        return bool(due), float(sparsity)

    return at


def test_the_sparsity_rises_cubically_and_stays():
    at = schedule(end=10, frequency=3, initial=0.2, final=0.8)
    assert at(0)[1] == pytest.approx(0.2)
    assert at(5)[1] == pytest.approx(0.8 - 0.6 * 0.125)  # half-way, seven eighths are done
    assert at(9)[1] == pytest.approx(0.8 - 0.6 * 0.001)
    assert at(10)[1] == at(1000)[1] == pytest.approx(0.8)


def test_updates_are_counted_back_from_the_end_step():
    at = schedule(end=10, frequency=3, initial=0.0, final=0.8)
    assert [step for step in range(40) if at(step)[0]] == [1, 4, 7, 10]


@given(total=st.integers(1, 100_000))
def test_a_ramp_ends_within_the_training_on_an_update(total):
    end, frequency = compression.pruning.ramp(total)
    assert 1 <= end <= total
    assert 1 <= frequency <= end
    assert end == 1 or end == pytest.approx(0.6 * total, abs=0.5)
    assert (
        end - end % frequency
    ) // frequency <= 2 * compression.pruning.UPDATES  # each update sorts all weights of a layer


def test_kernels_are_those_of_dense_and_convolution_layers():
    stage = tiny_stage(batch_norm=True)
    assert compression.pruning.kernels(stage) == {
        ("conv", 0): (3, 3, 1, 4),
        ("hidden", 0): (64, 8),
        ("head", 0): (8, 3),
    }
    assert ("norm", 0) in stage.weights


def test_recurrent_and_attention_kernels_are_among_them_and_tables_are_not():
    assert compression.pruning.kernels(untrained(mixed())) == {
        ("attention", 0): (8, 2, 4),
        ("attention", 2): (8, 2, 4),
        ("attention", 4): (8, 2, 4),
        ("attention", 6): (2, 4, 8),
        ("lstm", 0): (8, 20),
        ("lstm", 1): (5, 20),
        ("head", 0): (5, 4),
    }


@pytest.mark.parametrize(
    ("shapes", "whole"),
    [
        ([(3, 3, 4, 8)], (3, 3, 4, 8)),
        ([(8, 20), (5, 20)], (13, 20)),  # of an LSTM: over the input and the state
        ([(8, 2, 4), (8, 2, 4), (8, 2, 4), (2, 4, 8)], (32, 8)),
        # values in other sizes: a common divisor
        ([(8, 2, 4), (8, 2, 4), (8, 2, 3), (2, 3, 9)], (115, 2)),
    ],
)
def test_kernels_of_one_layer_are_taken_for_one_matrix(shapes, whole):
    assert compression.pruning.stacked(shapes) == whole


def test_a_layer_has_one_share_and_all_together_reach_what_is_asked():
    shapes = {
        ("lstm", 0): (30, 80),
        ("lstm", 1): (20, 80),
        ("wide", 0): (20, 500),
        ("head", 0): (20, 4),
    }
    assert compression.pruning.shares(compression.masks.uniform, shapes, 0.7) == dict.fromkeys(
        ("lstm", "wide", "head"), 0.7
    )
    shares = compression.pruning.shares(compression.masks.erk, shapes, 0.7)
    assert shares == {
        name: pytest.approx(share)
        for (name, _), share in compression.masks.erk(
            {("lstm", 0): (50, 80), ("wide", 0): (20, 500), ("head", 0): (20, 4)},
            0.7,
        ).items()
    }
    zeros = sum(shares[layer] * rows * columns for (layer, _), (rows, columns) in shapes.items())
    assert zeros == pytest.approx(0.7 * (50 * 80 + 20 * 500 + 20 * 4))
