"""Every architecture under every kind of compression: a few steps of training, then what the
exported file holds."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from nets_support import CATALOG, default_net, fixed, job_for
from variants import LARGE_NETS

from framework import nn
from framework.contracts import Stage
from framework.errors import TrialError
from framework.nn import compression
from framework.results.record import BASELINE_PREFIX
from framework.results.requested import asked_and_reached, distinct, distinct_per_channel
from framework.runner.measurement import Measured, against, measure
from framework.runner.trial import compress
from framework.study import Use

NETS = CATALOG.architectures.names()
TRAINED = [pytest.param(net, marks=pytest.mark.slow) if net in LARGE_NETS else net for net in NETS]
OTHERS = sorted(set(CATALOG.strategies.names()) - {"identity", "magnitude_prune", "ptq"})
LEDGER = ("params_", "size_")  # how the lines of the size ledger begin
PTQ = {
    "float16": {"format": "float16"},
    "dynamic": {"format": "dynamic"},
    "int8": {"format": "int8"},
    "int8 per tensor": {"format": "int8", "scales": "per_tensor"},
}
PRUNED = {"at once": 0, "in training": 1}
# of an output by 8-bit numbers, on average: a share, or a unit of a standardised label
LARGEST_CHANGE = 0.1
# Fewer layers of the same kinds, as each costs its tracing; the nets as they come are those of
# test_every_architecture.py.
SMALLER = {
    "cnn": Use("cnn", {"filters": 8, "units": 16}),
    "ds_cnn": Use("ds_cnn", {"blocks": 1, "filters": 96}),
    "image_audio": Use("image_audio", {"blocks": 1, "filters": 8, "units": 32}),
    "image_text": Use("image_text", {"blocks": 1, "filters": 8, "units": 32}),
    "lenet5": Use("lenet5", {"filters_1": 8, "filters_2": 16, "units": 64}),
    "resnet8": Use("resnet8", {"stacks": 2}),
    "squeezenet": Use("squeezenet", {"width": 0.25}),
    "transformer": Use("transformer", {"layers": 1}),
}


@dataclass(frozen=True)
class Compressed:
    """One net after one step."""

    spec: Any
    stage: Stage
    dense: Stage
    measured: Measured


@pytest.fixture(scope="module")
def compressed(few):
    @cache  # several tests ask for the control with training
    def run(net, name, **knobs):
        architecture = SMALLER.get(net) or default_net(net, few.root)
        spec = fixed(architecture, Use(name, knobs), epochs=1, batch_size=12)
        job = job_for(spec, few)
        stage = compress(spec, few, job)
        # a float32 file that disagrees with its net is refused here
        measured = measure(stage, spec, few)
        return Compressed(spec, stage, job.baseline.stage, measured)

    return run


@pytest.mark.parametrize("net", NETS)
def test_the_control_without_training_is_the_dense_net_on_every_line(net, compressed, few):
    one = compressed(net, "identity")
    beside = against(one.spec, few, job_for(one.spec, few).baseline, one.measured.metrics)
    for name, value in one.measured.metrics.items():
        assert beside[f"{BASELINE_PREFIX}{name}"] == value, name


@pytest.mark.parametrize("net", TRAINED)
def test_the_control_with_training_is_as_large_as_the_dense_net(net, compressed, few):
    one = compressed(net, "identity", epochs=1)
    beside = against(one.spec, few, job_for(one.spec, few).baseline, one.measured.metrics)
    lines = [name for name in one.measured.metrics if name.startswith(LEDGER)]
    assert len(lines) >= 8
    for name in lines:
        assert 0.995 <= beside[f"{BASELINE_PREFIX}{name}"] / one.measured.metrics[name] <= 1.005, (
            name
        )


PRUNINGS = [
    pytest.param(
        net,
        epochs,
        id=f"{net}-{when}",
        marks=[pytest.mark.slow] if epochs and net in LARGE_NETS else [],
    )
    for net in NETS
    for when, epochs in PRUNED.items()
]


@pytest.mark.parametrize(("net", "epochs"), PRUNINGS)
def test_zeros_asked_for_are_in_the_file(net, epochs, compressed):
    one = compressed(net, "magnitude_prune", sparsity=0.7, epochs=epochs)
    (step,) = one.stage.steps
    assert set(step.asked) == {
        f"{layer}/{position}" for layer, position in compression.pruning.kernels(one.stage)
    }
    found = dict.fromkeys(step.asked, 0)
    for weight in one.measured.exported.weights:
        if weight.key in found:
            found[weight.key] += int((weight.values == 0).sum())
    assert all(abs(found[key] - asked) <= 1 for key, asked in step.asked.items())
    reached = asked_and_reached(one.stage, one.measured.exported.weights)
    assert reached["sparsity_reached"] == pytest.approx(0.7, abs=0.01)
    assert reached["sparsity_reached"] == pytest.approx(reached["sparsity_asked"], abs=0.001)


@pytest.mark.parametrize("mode", PTQ)
@pytest.mark.parametrize("net", NETS)
def test_fewer_bits_are_in_the_file_and_it_answers_like_the_net(net, mode, compressed):
    one = compressed(net, "ptq", **PTQ[mode])
    reached = asked_and_reached(one.stage, one.measured.exported.weights)
    assert reached["bits_asked"] == (16 if mode == "float16" else 8)
    # the converter leaves small tensors alone, and a recurrent layer that has one
    if mode == "dynamic":
        kernels = [
            weight for weight in one.measured.exported.weights if weight.role.endswith("kernel")
        ]
        small = {weight.layer for weight in kernels if weight.values.size < 1024}
        assert {weight.layer for weight in kernels if weight.values.dtype == np.float32} == small
    else:
        assert reached["bits_reached"] == reached["bits_asked"]
        assert one.measured.metrics["quantized_share"] > 0.95
    dense = sum(value.size for value in one.stage.weights.values())
    assert 0.9 * dense <= one.measured.metrics["params_total"] <= dense
    change = np.abs(one.measured.exported.outputs - one.measured.exported.net_outputs)
    assert change.mean() <= (0.01 if mode == "float16" else LARGEST_CHANGE)


@pytest.mark.parametrize("net", TRAINED)
def test_training_changes_every_weight_of_a_net_that_is_not_pruned(net, compressed, few):
    one = compressed(net, "identity", epochs=1)
    still = [
        key
        for key, value in one.stage.weights.items()
        if np.array_equal(value, one.dense.weights[key])
    ]
    assert not still


NO_DENSE_LAYER = ("block_prune", "squeezenet")  # its head is a convolution
PAIRS = [(name, net) for name in OTHERS for net in NETS if (name, net) != NO_DENSE_LAYER]


def test_blocks_of_dense_layers_are_refused_where_there_is_none(compressed):
    name, net = NO_DENSE_LAYER
    with pytest.raises(TrialError, match="this net has none"):
        compressed(net, name, epochs=0)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "net"), PAIRS)
def test_every_other_strategy_reaches_what_it_asks_on_every_net(name, net, compressed):
    knobs = CATALOG.strategies.get(name).knobs()
    one = compressed(
        net,
        name,
        **{knob: max(1, int(item.low)) for knob, item in knobs.items() if item.unit == "epochs"},
    )
    step = one.stage.steps[-1]
    assert step.asked
    assert step.epochs >= 1
    for key, asked in step.asked.items():
        own = [weight for weight in one.measured.exported.weights if weight.key == key]
        assert own, key
        if step.unit == "zeros":
            assert abs(sum(int((weight.values == 0).sum()) for weight in own) - asked) <= 1, key
        elif step.unit == "clusters":
            assert max(map(distinct_per_channel, own)) <= asked, key
            # it is folded into kernels, a factor for each channel
            if not has_batch_norm(one.stage):
                assert max(distinct(weight.values) for weight in own) <= asked, key
        else:
            on_grid = max(map(distinct_per_channel, own)) <= 2**asked
            assert on_grid or all(8 * weight.values.itemsize <= asked for weight in own), key


def has_batch_norm(stage):
    return any(
        layer["class_name"] == "BatchNormalization" for layer in nn.graph.layers(stage.graph)
    )
