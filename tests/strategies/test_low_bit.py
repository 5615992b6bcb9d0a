"""Few bits: the best first step, what stands on a grid, and what of it is in the file."""

from dataclasses import replace

import numpy as np
import pytest
import sequence_nets
from nets_support import CATALOG, SMALL, fixed, job_for, masked, tiny_stage

from framework import nn
from framework.contracts import Bits, Export
from framework.contracts.job import PLAIN
from framework.nn import tflite, training
from framework.nn.compression import learned_step
from framework.nn.tflite import converter
from framework.results.requested import distinct_per_channel
from framework.runner.trial import compress
from framework.study import use


def error(values, step, largest):
    return float(((values - learned_step.snapped(values, step, largest)) ** 2).sum())


def closed_form(values):
    """Of ternary weights (Li & Liu 2016): the mean of those above 0.7 of the mean magnitude."""
    size = np.abs(values)
    return size[size > 0.7 * size.mean()].mean()


@pytest.mark.parametrize("seed", range(3))
def test_the_first_ternary_step_is_no_worse_than_the_closed_form(seed):
    values = np.random.default_rng(seed).normal(size=500)
    found = learned_step.best_step(values, (0,), 1)
    assert error(values, found, 1) <= error(values, np.array([closed_form(values)]), 1)


def test_more_bits_are_nearer_to_the_weights():
    values = np.random.default_rng(0).normal(size=(64, 3))
    levels = [learned_step.levels_of(bits) for bits in range(2, 8)]
    errors = [
        error(values, learned_step.best_step(values, (0,), largest), largest) for largest in levels
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 100 * errors[-1]


@pytest.mark.parametrize("bits", [2, 5])
def test_it_asks_the_same_of_every_kernel_and_promises_it(bits, lab):
    spec = fixed(SMALL["lenet5"], use("low_bit", bits=bits, epochs=1))
    stage = compress(spec, lab, job_for(spec, lab))
    keys = {f"{layer}/{position}" for layer, position in nn.net_weights.matrices(stage)}
    step = stage.steps[-1]
    assert step.asked == dict.fromkeys(keys, bits)
    assert max(step.reached.values()) <= bits
    promised = {
        f"{keep.weight[0]}/{keep.weight[1]}" for keep in stage.keeps if isinstance(keep, Bits)
    }
    assert promised == keys


def test_zeros_that_a_stage_keeps_are_zero_on_the_grid():
    stage = masked(tiny_stage(), 0.6)
    shared = learned_step.groups(stage, "per_channel")
    placed = learned_step.on_grid(stage.weights, shared, learned_step.starts(stage, shared, 1), 1)
    for key, zeros in stage.masks.items():
        assert not placed[key][zeros].any()


class Few:
    """All that the strategy uses of a job, on made-up sequences."""

    fit_seconds = 0.0

    def __init__(self, model):
        self.model = model

    def finetune(self, stage, epochs, tuning=PLAIN):
        request = sequence_nets.training_of(self.model, epochs=epochs)
        return training.fit.fit(stage, replace(request, tuning=tuning))


@pytest.mark.parametrize("scales", ["per_channel", "per_tensor"])
@pytest.mark.parametrize("net", sequence_nets.NETS)
def test_the_file_of_a_sequence_net_has_no_more_levels_than_asked(net, scales):
    model = sequence_nets.NETS[net].build()
    knobs = {"bits": 3, "scales": scales, "epochs": 1}
    stage = CATALOG.strategies.build("low_bit", knobs).apply(
        sequence_nets.staged(model), Few(model)
    )
    for export in (Export(), Export("int8", scales=scales)):
        file = converter.to_tflite(replace(stage, export=export), sequence_nets.samples_for(model))
        found = [
            item
            for item in tflite.weights.read_weights(file, stage)
            if item.key in stage.steps[-1].asked
        ]
        assert found
        assert max(map(distinct_per_channel, found)) <= 2**3
