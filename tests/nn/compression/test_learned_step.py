"""What is learned beside the weights: steps of a grid and sizes of noise, against the formulas of
their papers."""

import numpy as np
import pytest

from framework import nn
from framework.nn.compression import variational_dropout
from framework.nn.compression.learned_step import Grid, Group
from framework.nn.compression.variational_dropout import Noise


class Owner:
    """All that a quantizer uses of its layer."""

    def __init__(self):
        self.losses = []

    def add_weight(self, name, *, shape, initializer, dtype="float32", trainable=True):
        tf = nn.backend.tf
        begin = (tf.ones if initializer == "ones" else tf.zeros)(shape, dtype)
        return tf.Variable(begin, name=name, trainable=trainable)

    def add_loss(self, value):
        self.losses.append(float(value))


def owned(quantizer, shape):
    """(the quantizer with its variables, their owner)."""
    owner = Owner()
    quantizer.build(shape, "kernel", owner)
    return quantizer, owner


# --- steps of a grid ------------------------------------------------------------------------------

LARGEST = 3
STEP = 0.5
# the last column's ends lie beyond 3 steps
VALUES = np.array([[0.6, -0.2], [1.4, 9.0], [-1.1, -2.5]], np.float32)
FACTORS = np.array([[1.0, 2.0], [-3.0, 4.0], [5.0, 7.0]], np.float32)


def on_grid(axes, channels):
    """(the values on their grid, gradient of sum(FACTORS x them) for the values, and for the steps'
    growth)."""
    tf = nn.backend.tf
    grid, _ = owned(
        Grid(Group(VALUES.shape, axes, channels), tf.Variable(float(LARGEST))), VALUES.shape
    )
    grid.start.assign(tf.fill(grid.start.shape, STEP))
    weights = tf.Variable(VALUES)
    with tf.GradientTape() as tape:
        placed = grid(tf.convert_to_tensor(weights), True, None)
        loss = tf.reduce_sum(placed * FACTORS)
    to_weights, to_growth = tape.gradient(loss, [weights, grid.growth])
    return placed.numpy(), to_weights.numpy(), to_growth.numpy()


def test_values_are_whole_steps_and_clipped_at_the_largest():
    placed, _, _ = on_grid((0,), 1)
    assert placed.tolist() == [[0.5, 0.0], [1.5, 1.5], [-1.0, -1.5]]


def test_the_gradient_passes_the_rounding_and_stops_where_values_are_clipped():
    _, to_weights, _ = on_grid((0,), 1)
    assert to_weights == pytest.approx(np.array([[1.0, 2.0], [-3.0, 0.0], [5.0, 0.0]]), abs=1e-6)


@pytest.mark.parametrize(("axes", "channels", "sharing"), [((0,), 1, 3), ((0, 1), 0, 6)])
def test_the_gradient_of_a_step_is_lsqs_and_balanced_by_its_scale(axes, channels, sharing):
    """Formulas 3 and 4 of Esser et al. 2020.

    The step's logarithm is learned, so its gradient is times the step.
    """
    multiples = VALUES / STEP
    slope = np.where(
        np.abs(multiples) < LARGEST, np.rint(multiples) - multiples, np.sign(multiples) * LARGEST
    )
    expected = (FACTORS * slope).sum(axis=axes, keepdims=True) * STEP / np.sqrt(sharing * LARGEST)
    _, _, to_growth = on_grid(axes, channels)
    assert to_growth == pytest.approx(expected, rel=1e-5)


def test_a_grown_step_is_larger_by_its_exponential():
    tf = nn.backend.tf
    grid, _ = owned(Grid(Group((1, 1), (0,), 1), tf.Variable(1.0)), (1, 1))
    grid.growth.assign([[np.log(2.0)]])
    assert grid(tf.constant([[9.0]]), False, None).numpy() == pytest.approx(2.0)


# --- noise ----------------------------------------------------------------------------------------

WEIGHT = 2.0
LOG_VARIANCE = -4.0


def under_noise(*, training=True, strength=0.25, zeros=0):
    """(10 000 weights under noise, the loss that came with it)."""
    tf = nn.backend.tf
    shared = {"seed": tf.Variable(3, dtype=tf.int32), "strength": tf.Variable(strength)}
    noise, owner = owned(Noise(shared, 5), (100, 100))
    noise.variable.assign(tf.fill((100, 100), LOG_VARIANCE / variational_dropout.SPEED))
    weights = np.full((100, 100), WEIGHT, np.float32)
    weights[:zeros] = 0
    noisy = noise(tf.constant(weights), training, None).numpy()
    again = noise(tf.constant(weights), training, None).numpy()
    return noisy, again, owner.losses[:1]


def test_noise_has_the_standard_deviation_that_is_learned():
    noisy, again, _ = under_noise()
    assert (noisy - WEIGHT).std() == pytest.approx(np.exp(LOG_VARIANCE / 2), rel=0.03)
    assert (noisy - WEIGHT).mean() == pytest.approx(0, abs=4 * np.exp(LOG_VARIANCE / 2) / 100)
    assert abs(np.corrcoef(noisy.ravel(), again.ravel())[0, 1]) < 0.05  # drawn anew in each step


def test_noise_costs_its_strength_times_the_divergence_of_all_living_weights():
    log_alpha = LOG_VARIANCE - np.log(WEIGHT**2)
    k1, k2, k3 = 0.63576, 1.87320, 1.48695
    each = k1 - k1 / (1 + np.exp(-k2 - k3 * log_alpha)) + 0.5 * np.log1p(np.exp(-log_alpha))
    assert under_noise()[2] == pytest.approx([0.25 * 10_000 * each], rel=1e-4)
    noisy, _, losses = under_noise(zeros=40)
    assert losses == pytest.approx([0.25 * 6_000 * each], rel=1e-4)
    assert not noisy[:40].any()


def test_without_training_there_is_no_noise():
    noisy, _, losses = under_noise(training=False)
    assert (noisy == WEIGHT).all()
    assert losses == []
