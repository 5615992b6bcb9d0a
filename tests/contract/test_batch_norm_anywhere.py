"""Batch normalisation wherever a net of one's own has it, under every strategy: behind an
activation, before a convolution, first of all, several in a row, before an activation alone."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nets_support import CATALOG, FewSamples, fixed, job_for

from framework import nn, use
from framework.results.requested import distinct_per_channel
from framework.runner.measurement import measure
from framework.runner.trial import compress
from framework.study import Use

STRATEGIES = CATALOG.strategies.names()


def layers() -> Any:
    return nn.backend.keras.layers


def conv(activation: str | None = "relu", **options: Any) -> Any:
    return layers().Conv2D(4, 3, activation=activation, **options)


def norm(**options: Any) -> Any:
    return layers().BatchNormalization(**options)


def small(inputs: Any) -> Any:
    """(7, 7, 1): so that a training takes no time."""
    return layers().MaxPooling2D(4)(inputs)


def chain(*built: Any) -> Callable[[Any], Any]:
    def apply(x: Any) -> Any:
        for layer in built:
            x = layer(x)
        return x

    return apply


def before_convolution(x: Any) -> Any:
    return chain(conv(padding="same"), norm(), conv(padding="same"), norm())(small(x))


def first_and_in_a_row(x: Any) -> Any:
    x = chain(norm(), conv(), norm(scale=False), norm(center=False))(small(x))
    return chain(layers().DepthwiseConv2D(3, activation="relu"), norm(scale=False, center=False))(x)


def pre_activation(x: Any) -> Any:
    x = conv(None, padding="same")(small(x))
    for _ in range(2):
        branch = chain(norm(), layers().ReLU(), conv(None, padding="same"))(x)
        branch = chain(norm(), layers().ReLU(), conv(None, padding="same"))(branch)
        x = layers().Add()([x, branch])
    return chain(norm(), layers().ReLU(), layers().GlobalAveragePooling2D())(x)


def behind_concatenation(x: Any) -> Any:
    x = small(x)
    both = layers().Concatenate()([conv(None)(x), conv("tanh")(x)])
    x = chain(norm(), layers().AveragePooling2D(2), norm(), layers().ReLU())(both)
    return chain(layers().Flatten(), norm(), layers().Dense(6, activation="relu"), norm())(x)


def over_steps(x: Any) -> Any:
    x = layers().Reshape((7, 7))(small(x))
    x = chain(layers().Conv1D(4, 3, activation="relu"), norm())(x)
    return chain(layers().LSTM(5, return_sequences=True), norm(), layers().LSTM(4), norm())(x)


# net -> the normalisations that no neighbour can take up, in their order, as the file has them
NETS: dict[Callable[[Any], Any], tuple[int, ...]] = {
    before_convolution: (4, 4),
    first_and_in_a_row: (4, 4, 4),
    pre_activation: (4, 4, 4),
    behind_concatenation: (8, 8),
    over_steps: (4, 5),
}
QUICK = {
    (before_convolution, "magnitude_prune"),
    (pre_activation, "ptq"),
    (behind_concatenation, "qat"),
}
PAIRS = [
    pytest.param(net, name, marks=[] if (net, name) in QUICK else pytest.mark.slow)
    for net in NETS
    for name in STRATEGIES
]


@cache
def saved(net: Callable[[Any], Any], folder: Path) -> Use:
    """A file with the net, biases and normalisations as after a training."""
    keras, generator = nn.backend.keras, np.random.default_rng(0)
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    inputs = keras.Input((28, 28, 1), name="image")
    x = net(inputs)
    x = layers().Flatten()(x) if len(x.shape) > 2 else x
    model = keras.Model(inputs, layers().Dense(10, activation="softmax", name="head")(x))
    values = model.get_weights()
    for at, value in enumerate(values):
        if value.ndim == 1:
            values[at] = value + generator.uniform(0.1, 0.4, value.shape)
    model.set_weights(values)
    path = folder / f"{net.__name__}.keras"
    model.save(path)
    return use("from_file", path=str(path))


def fewest_epochs(name: str) -> dict[str, int]:
    knobs = CATALOG.strategies.get(name).knobs().items()
    return {knob: max(1, int(one.low)) for knob, one in knobs if one.unit == "epochs"}


@pytest.mark.parametrize(("net", "name"), PAIRS)
def test_every_strategy_runs_and_the_file_has_every_number(net, name, few: FewSamples):
    spec = fixed(saved(net, few.root), Use(name, fewest_epochs(name)), epochs=1, batch_size=30)
    stage = compress(spec, few, job_for(spec, few))
    # a float32 file that disagrees with its net is refused here
    measured = measure(stage, spec, few)
    weights = measured.exported.weights
    halves = [one for one in weights if "normalization" in one.layer]
    for role in ("gamma", "beta"):
        assert tuple(one.values.size for one in halves if one.role == role) == NETS[net]
    assert {one.uses > 0 for one in halves if one.role == "gamma"} == {True}
    # what is folded goes, two vectors become one factor, and a kernel without a bias gets one
    moved = {key for key in stage.weights if "normalization" in key[0]}
    plain = sum(value.size for key, value in stage.weights.items() if key not in moved)
    assert measured.metrics["params_total"] == plain + 2 * sum(NETS[net])
    for key, asked in stage.steps[-1].asked.items():
        of_key = [one for one in weights if one.key == key]
        if stage.steps[-1].unit == "zeros":
            assert abs(sum(int((one.values == 0).sum()) for one in of_key) - asked) <= 1, key


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "most"),
    [
        (use("weight_cluster", clusters=4, epochs=1), 4),
        (use("low_bit", bits=3, scales="per_tensor", epochs=1), 7),
    ],
)
def test_what_is_folded_forward_leaves_few_values_in_no_channel(step, most, few: FewSamples):
    spec = fixed(saved(behind_concatenation, few.root), step, epochs=1, batch_size=30)
    stage = compress(spec, few, job_for(spec, few))
    weights = measure(stage, spec, few).exported.weights
    counted = {one.layer: distinct_per_channel(one) for one in weights if one.role == "kernel"}
    # as docs/strategies.md says of both: the factor of each input is in the kernel
    assert counted["dense"] > most
    assert max(counted["conv2d"], counted["conv2d_1"]) <= most
