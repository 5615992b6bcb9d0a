"""What every strategy promises, on a dense, a convolution and a recurrent net, without training and
with a little."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from nets_support import CATALOG, SMALL, digest, fixed, job_for, zeros_in_file

from framework import nn
from framework.contracts import FileWeight, Mask, Stage
from framework.nn import tflite, training
from framework.nn.tflite import converter, interpreter
from framework.results.requested import distinct, distinct_per_channel
from framework.runner import trial
from framework.runner.baseline import pack_weights, unpack_weights
from framework.runner.trial import check_finite, check_keeps, compress
from framework.study import Spec, Use, use

NAMES = CATALOG.strategies.names()
NETS = SMALL | {"lstm": use("lstm", units=8)}
CASES = [
    (name, net, epochs)
    for name in NAMES
    for net, epochs in (*((net, 1) for net in NETS), ("lenet5", 0))
]


def budget(name, epochs):
    """The knobs that count epochs, each at `epochs` or at the least it allows."""
    knobs = CATALOG.strategies.get(name).knobs()
    return {
        knob: max(epochs, int(item.low)) for knob, item in knobs.items() if item.unit == "epochs"
    }


def step(name, epochs):
    return Use(name, budget(name, epochs))


@dataclass(frozen=True)
class Applied:
    """One strategy, applied to the baseline of one small net."""

    name: str
    spec: Spec
    before: Stage
    digest_before: str
    after: Stage
    file: bytes
    epochs: int


@pytest.fixture(
    scope="module", params=CASES, ids=lambda case: f"{case[0]} {case[1]} {case[2]} epochs"
)
def applied(request, lab):
    name, net, epochs = request.param
    spec = fixed(NETS[net], step(name, epochs))
    job = job_for(spec, lab)
    strategy = CATALOG.strategies.build(name, budget(name, epochs))
    before = job.initial if strategy.needs == "initial" else job.baseline.stage
    known = digest(before)
    after = trial.applied(strategy, before, job)
    return Applied(name, spec, before, known, after, to_file(after, lab, spec), epochs)


def calibration(lab, spec):
    return lab.splits(spec).calibration


def to_file(stage, lab, spec):
    return converter.to_tflite(stage, calibration(lab, spec))


def test_the_stage_given_is_untouched(applied):
    assert digest(applied.before) == applied.digest_before
    assert applied.after is not applied.before
    for stage in (applied.before, applied.after):
        assert not any(value.flags.writeable for value in stage.weights.values())


def test_inputs_and_outputs_keep_their_shapes(applied):
    before, after = (nn.graph.build(stage.graph) for stage in (applied.before, applied.after))
    assert (before.input_shape, before.output_shape) == (after.input_shape, after.output_shape)
    assert before.input_names == after.input_names
    nn.graph.write_weights(after, applied.after.weights)
    check_finite(applied.after)


def test_it_puts_itself_on_record(applied):
    last = applied.after.steps[-1]
    assert applied.after.steps[:-1] == applied.before.steps
    assert last.strategy == applied.name
    assert (
        last.knobs
        == CATALOG.strategies.build(applied.name, budget(applied.name, applied.epochs)).values()
    )
    assert (
        last.epochs
        == CATALOG.strategies.build(applied.name, budget(applied.name, applied.epochs)).budget()
    )
    assert (last.epochs == 0) == (last.seconds == 0)


def test_what_it_promises_holds(applied):
    check_keeps(applied.after)
    masks = applied.after.masks
    promised = Counter(
        {f"{layer}/{position}": int(zeros.sum()) for (layer, position), zeros in masks.items()}
    )
    found = zeros_in_file(applied.file, applied.after)
    assert all(found[name] >= count for name, count in promised.items())
    if "sparsity" in CATALOG.strategies.get(applied.name).gives:
        assert promised.total() > 0


def test_what_it_declares_is_reached_in_the_exported_file(applied):
    declared, gives = applied.after.steps[-1], CATALOG.strategies.get(applied.name).gives
    # a number format alone asks nothing of single weights
    asks = bool(gives) and applied.name != "ptq"
    assert bool(declared.asked) == asks
    weights = tflite.weights.read_weights(applied.file, applied.after)
    for name, asked in declared.asked.items():
        own = [weight for weight in weights if weight.key == name]
        assert own, name
        REACHED[declared.unit](own, asked, declared.reached[name])


def test_it_asks_for_what_its_knob_says(applied):
    """Also where one threshold decides what each weight gets: all of them together are what was
    asked for."""
    last = applied.after.steps[-1]
    share = last.knobs.get("sparsity")
    if share is None or last.unit != "zeros":
        pytest.skip("it has no knob that says how many zeros")
    sizes = {
        f"{layer}/{position}": value.size
        for (layer, position), value in applied.after.weights.items()
    }
    size = sum(sizes[name] for name in last.asked)
    blocks = last.knobs.get("block_rows", 1) * len(last.asked)
    assert sum(last.asked.values()) == pytest.approx(
        share * size, abs=max(1 + blocks, 0.003 * size)
    )


def _zeros(own: list[FileWeight], asked, reached):
    found = sum(int((weight.values == 0).sum()) for weight in own)
    assert abs(found - asked) <= 1
    assert found == reached


def _clusters(own: list[FileWeight], asked, reached):
    assert max(distinct(weight.values) for weight in own) <= reached <= asked


def _bits(own: list[FileWeight], asked, reached):
    assert reached <= asked
    stored = max(8 * weight.values.itemsize for weight in own)
    assert stored <= asked or max(map(distinct_per_channel, own)) <= 2**asked


REACHED = {"zeros": _zeros, "clusters": _clusters, "bits": _bits}


def test_its_file_agrees_with_the_net(applied, lab):
    samples = calibration(lab, applied.spec)
    net, file = (
        converter.predict(applied.after, samples),
        interpreter.answers(applied.file, samples),
    )
    if applied.after.export.format == "float32":
        converter.check_agreement(net, file)
    else:  # fewer bits: nearly the same answer, and decision where the net has made one
        assert np.abs(net - file).mean() <= 0.01
        second, first = np.sort(net, axis=1)[:, -2:].T
        same = (net.argmax(axis=1) == file.argmax(axis=1))[first - second > 0.1]
        assert not same.size or same.mean() >= 0.9


def test_the_bits_it_asks_for_are_in_the_file(applied):
    if "bits" not in CATALOG.strategies.get(applied.name).gives:
        assert applied.after.export.format == applied.before.export.format
        return
    kernels = [
        w for w in tflite.weights.read_weights(applied.file, applied.after) if w.role == "kernel"
    ]
    assert all(8 * kernel.values.itemsize == applied.after.export.bits for kernel in kernels)


def test_saved_and_loaded_it_answers_the_same(applied, lab):
    packed = pack_weights(applied.after.weights)
    loaded = applied.after.with_weights(unpack_weights(packed))
    assert digest(loaded) == digest(applied.after)
    assert packed == pack_weights(loaded.weights)
    samples = calibration(lab, applied.spec)
    assert np.array_equal(
        converter.predict(loaded, samples), converter.predict(applied.after, samples)
    )


def run(spec, lab):
    return compress(spec, lab, job_for(spec, lab))


def test_the_same_seed_gives_the_same_bits_on_a_used_and_on_a_fresh_net(applied, lab):
    assert digest(run(replace(applied.spec, seed=1), lab)) != digest(applied.after)
    assert digest(run(applied.spec, lab)) == digest(applied.after)
    training.fit.nets.clear()
    again = run(applied.spec, lab)
    assert digest(again) == digest(applied.after)
    assert to_file(again, lab, applied.spec) == applied.file


@pytest.mark.parametrize("net", ["lenet5", "lstm"])
@pytest.mark.parametrize(
    "name", [name for name in NAMES if "sparsity" in CATALOG.strategies.get(name).gives]
)
def test_its_zeros_survive_fine_tuning_after_it(name, net, lab):
    alone = run(fixed(NETS[net], step(name, 0)), lab)
    tuned = run(fixed(NETS[net], step(name, 0), Use("identity", {"epochs": 1})), lab)
    masks = [keep for keep in alone.keeps if isinstance(keep, Mask)]
    assert masks
    for mask in masks:
        assert np.array_equal(tuned.weights[mask.weight] == 0, mask.zeros)
    assert digest(alone) != digest(tuned)
    assert zeros_in_file(converter.to_tflite(tuned), tuned) == zeros_in_file(
        converter.to_tflite(alone), alone
    )


@pytest.mark.parametrize("name", NAMES)
def test_it_declares_what_it_needs_keeps_and_gives(name):
    strategy = CATALOG.strategies.get(name)
    properties = {"sparsity", "codebook", "levels", "bits"}
    assert strategy.needs in ("trained", "initial")
    assert strategy.keeps <= properties
    assert strategy.gives <= properties
