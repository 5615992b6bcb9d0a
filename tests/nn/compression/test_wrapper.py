"""Weights replaced by functions of themselves: every layer calculates with what stands in their
place."""

import numpy as np
import pytest
import sequence_nets
from nets_support import tiny_stage

from framework import nn
from framework.nn import compression
from framework.nn.compression import learned_step, variational_dropout

LARGEST = 3  # of the grid: three bits


def convolutions():
    """A convolution of steps, and one of each channel by itself."""
    layers = nn.backend.keras.layers
    inputs = layers.Input((8, 8, 3), name="image")
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(inputs)
    x = layers.Conv2D(4, 2, activation="relu", name="conv")(x)
    x = layers.Conv1D(5, 3, name="steps")(layers.Reshape((25, 4), name="rows")(x))
    return sequence_nets.finished(inputs, layers.GlobalAveragePooling1D(name="mean")(x))


NETS = {"convolutions": convolutions, "mixed": sequence_nets.mixed} | {
    name: known.build for name, known in sequence_nets.NETS.items()
}


@pytest.fixture(params=NETS)
def net(request):
    """(model, stage, inputs) of one net."""
    model = NETS[request.param]()
    return model, sequence_nets.staged(model), dict(sequence_nets.samples_for(model, 4).inputs)


def answers(stage, inputs):
    model = nn.graph.build(stage.graph)
    nn.graph.write_weights(model, stage.weights)
    return model(inputs, training=False).numpy()


def wrapped(wrap, stage, dynamic):
    plain = nn.graph.build(stage.graph)
    nn.graph.write_weights(plain, stage.weights)
    model, variables = wrap.build(plain)
    assert set(variables) == set(dynamic)
    for name, value in dynamic.items():
        variables[name].assign(value)
    return model, variables


def noise_for(wrap, stage, *, log_variance, strength=0.0):
    size = {variational_dropout.name_of(key): stage.weights[key].shape for key in wrap.keys}
    begin = {
        name: np.full(shape, log_variance / variational_dropout.SPEED, np.float32)
        for name, shape in size.items()
    }
    return begin | {"seed": 1, "strength": strength}


@pytest.mark.parametrize("scales", ["per_channel", "per_tensor"])
def test_a_net_under_grids_answers_as_the_net_whose_weights_are_on_them(net, scales):
    _, stage, inputs = net
    shared = learned_step.groups(stage, scales)
    steps = learned_step.starts(stage, shared, LARGEST)
    wrap = learned_step.GridWrap(scales, shared, LARGEST)
    model, _ = wrapped(wrap, stage, wrap.dynamic(steps))
    placed = stage.with_weights(learned_step.on_grid(stage.weights, shared, steps, LARGEST))
    assert answers(placed, inputs) == pytest.approx(model(inputs, training=False).numpy(), abs=1e-5)
    # else this test says nothing
    assert np.abs(answers(placed, inputs) - answers(stage, inputs)).max() > 1e-4


def test_every_kernel_and_table_has_a_grid(net):
    _, stage, _ = net
    assert set(learned_step.groups(stage, "per_channel")) == set(nn.net_weights.matrices(stage))


def test_every_weight_and_every_step_of_a_grid_has_a_gradient(net):
    _, stage, inputs = net
    shared = learned_step.groups(stage, "per_channel")
    wrap = learned_step.GridWrap("per_channel", shared, LARGEST)
    model, variables = wrapped(
        wrap, stage, wrap.dynamic(learned_step.starts(stage, shared, LARGEST))
    )
    learned = {name: item for name, item in variables.items() if name.startswith("growth/")}
    assert len(learned) == len(shared)
    found = gradients(model, inputs, list(learned.values()))
    assert all(np.abs(value).max() > 0 for value in found)


def gradients(model, inputs, variables):
    tf = nn.backend.tf
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(inputs, training=True)))
    return [tf.convert_to_tensor(value).numpy() for value in tape.gradient(loss, variables)]


def test_noise_is_there_in_training_only(net):
    _, stage, inputs = net
    wrap = variational_dropout.NoiseWrap(tuple(compression.pruning.kernels(stage)))
    model, _ = wrapped(wrap, stage, noise_for(wrap, stage, log_variance=-2.0))
    assert answers(stage, inputs) == pytest.approx(model(inputs, training=False).numpy(), abs=1e-6)


def test_every_kernel_has_noise_that_is_learned(net):
    _, stage, inputs = net
    wrap = variational_dropout.NoiseWrap(tuple(compression.pruning.kernels(stage)))
    model, variables = wrapped(wrap, stage, noise_for(wrap, stage, log_variance=-4.0))
    learned = [item for name, item in variables.items() if name.startswith("noise/")]
    assert len(learned) == len(wrap.keys)
    assert all(np.abs(value).max() > 0 for value in gradients(model, inputs, learned))


def test_noise_is_drawn_anew_in_each_step_and_the_same_from_the_same_seed():
    stage = tiny_stage()
    inputs = {"image": np.random.default_rng(0).random((4, 6, 6, 1)).astype(np.float32)}

    def two_steps(seed):
        wrap = variational_dropout.NoiseWrap(tuple(compression.pruning.kernels(stage)))
        dynamic = noise_for(wrap, stage, log_variance=-4.0) | {"seed": seed}
        model, _ = wrapped(wrap, stage, dynamic)
        return [model(inputs, training=True).numpy() for _ in range(2)]

    first, second = two_steps(1)
    assert not np.array_equal(first, second)
    assert np.array_equal([first, second], two_steps(1))
    assert not np.array_equal(first, two_steps(2)[0])


def test_variables_of_functions_change_no_weight_of_the_plain_net(net):
    model, stage, _ = net
    wrap = variational_dropout.NoiseWrap(tuple(compression.pruning.kernels(stage)))
    plain = nn.graph.build(stage.graph)
    nn.graph.write_weights(plain, stage.weights)
    before = nn.graph.variables(plain)
    wrap.build(plain)
    assert set(before) == set(nn.graph.read_weights(model))
    assert all(np.array_equal(before[key].numpy(), value) for key, value in stage.weights.items())
