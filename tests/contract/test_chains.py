"""Chains: what a step has won is in the file that the last one leaves, whatever net it is."""

import numpy as np
import pytest
from nets_support import FEW, fixed, job_for

from framework import use
from framework.results.requested import asked_and_reached, distinct_per_channel
from framework.runner.measurement import measure
from framework.runner.trial import compress
from framework.study import Use

NETS = {
    "lenet5": use("lenet5", filters_1=8, filters_2=16, units=64),
    "squeezenet": use("squeezenet", width=0.5),
    "lstm": use("lstm", units=16),
    "transformer": use("transformer"),
}
SPARSITY, CLUSTERS = 0.5, 16
PRUNE = Use("magnitude_prune", {"sparsity": SPARSITY, "epochs": 1})
CLUSTER = Use("weight_cluster", {"clusters": CLUSTERS, "epochs": 1})


def qat(scales):
    return Use("qat", {"scales": scales, "epochs": 1, "samples": FEW["calibration"]})


@pytest.fixture(scope="module")
def chain(few):
    done = {}  # two tests look at one chain

    def run(net, *steps):
        spec = fixed(NETS[net], *steps, epochs=1, batch_size=12)
        if spec.digest not in done:
            stage = compress(spec, few, job_for(spec, few))
            done[spec.digest] = stage, measure(stage, spec, few).exported.weights
        return done[spec.digest]

    return run


SLOW = ("squeezenet", "transformer")
CASES = [
    pytest.param(net, scales, marks=[pytest.mark.slow] if net in SLOW else [])
    for net in NETS
    for scales in ("per_tensor", "per_channel")
]


@pytest.mark.parametrize(("net", "scales"), CASES)
def test_zeros_and_shared_values_survive_to_the_file(net, scales, chain):
    stage, weights = chain(net, PRUNE, CLUSTER, qat(scales))
    found = asked_and_reached(stage, weights)
    assert found["sparsity_asked"] == pytest.approx(SPARSITY, abs=0.001)
    # 8 bits round a few more to zero
    assert SPARSITY - 0.001 <= found["sparsity_reached"] <= SPARSITY + 0.05
    assert found["clusters_asked"] == CLUSTERS
    assert found["clusters_reached_per_channel"] <= CLUSTERS
    if scales == "per_tensor":
        assert found["clusters_reached"] <= CLUSTERS
    assert found["bits_asked"] == found["bits_reached"] == 8
    for step in stage.steps[:2]:  # zeros of each kernel, and its shared values
        for key, asked in step.asked.items():
            own = [weight for weight in weights if weight.key == key]
            zeros = sum(int((weight.values == 0).sum()) for weight in own)
            assert (
                zeros >= asked
                if step.unit == "zeros"
                else max(map(distinct_per_channel, own)) <= asked
            ), key


@pytest.mark.parametrize("net", ["lenet5", "lstm"])
def test_zeros_stay_where_they_were_through_every_step(net, chain):
    alone, _ = chain(net, PRUNE)
    whole, _ = chain(net, PRUNE, CLUSTER, qat("per_tensor"))
    for key, zeros in alone.masks.items():
        assert np.array_equal(whole.masks[key], zeros)
        assert not whole.weights[key][zeros].any()


@pytest.mark.parametrize("net", ["lenet5", "lstm"])
def test_a_grid_of_few_levels_survives_8_bits(net, chain):
    stage, weights = chain(
        net, PRUNE, Use("low_bit", {"bits": 3, "epochs": 1}), Use("ptq", {"samples": 40})
    )
    found = asked_and_reached(stage, weights)
    assert found["bits_asked"] <= 3.01
    assert found["bits_reached"] <= 3.01
    assert found["sparsity_reached"] >= SPARSITY - 0.001
