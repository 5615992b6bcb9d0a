"""What every strategy promises, on a net of convolution and dense layers and a recurrent one.

Without training and with a little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from framework import nn
from framework.contracts import Catalog, FileWeight, Mask, Samples, Stage, Strategy
from framework.nn import tflite, training
from framework.nn.tflite import converter, interpreter
from framework.nn.tflite.flatbuffer import FlatFile
from framework.results.requested import distinct, distinct_per_channel
from framework.runner import trial
from framework.runner.baseline import Lab, pack_weights, unpack_weights
from framework.runner.stage_checks import check_finite, check_keeps
from framework.runner.trial import compress
from framework.study.spec import Spec, Use, use
from framework.testing.cases import Case, Names, cases, pytest_generate_tests
from framework.testing.labs import SMALL, digest, fixed, job_for, lab, zeros_in_file

__all__ = ["TestStrategy", "applied", "lab", "pytest_generate_tests"]

NETS = {"lenet5": SMALL["lenet5"], "lstm": use("lstm", units=8)}


@dataclass(frozen=True)
class Applied:
    """One strategy, applied to the baseline of one small net."""

    plugin: type[Strategy]
    spec: Spec
    before: Stage
    digest_before: str
    after: Stage
    file: bytes
    epochs: int

    @property
    def name(self) -> str:
        """Of the strategy."""
        return self.plugin.name


@cases("applied", fixture=True)
def trained(catalog: Catalog, names: Names) -> Iterator[Case]:
    """(strategy, net, epochs): each on every net with an epoch, and on one without."""
    for name in names["strategy"]:
        for net in NETS:
            yield f"{name} {net} 1 epochs", (name, net, 1)
        yield f"{name} lenet5 0 epochs", (name, "lenet5", 0)


@cases("sparse")
def sparse_ones(catalog: Catalog, names: Names) -> Iterator[Case]:
    """(strategy that makes zeros, net)."""
    for name in names["strategy"]:
        if "sparsity" in catalog.strategies.get(name).gives:
            yield f"{name} lenet5", (name, "lenet5")
            yield f"{name} lstm", (name, "lstm")


@cases("strategy")
def strategies(catalog: Catalog, names: Names) -> Iterator[Case]:
    """All classes."""
    for name in names["strategy"]:
        yield name, catalog.strategies.get(name)


@pytest.fixture(scope="module")
def applied(request: pytest.FixtureRequest, lab: Lab) -> Applied:
    """What a strategy makes of a net, and its file."""
    name, net, epochs = request.param
    plugin = lab.catalog.strategies.get(name)
    spec = fixed(lab.catalog, NETS[net], step(plugin, epochs))
    job = job_for(spec, lab)
    strategy = lab.catalog.strategies.build(name, budget(plugin, epochs))
    # what other cases have traced is gone: this one begins on a fresh net
    training.fit.nets.clear()
    before = job.initial if strategy.needs == "initial" else job.baseline.stage
    digest_before = digest(before)
    after = trial.applied(strategy, before, job)
    return Applied(plugin, spec, before, digest_before, after, to_file(after, lab, spec), epochs)


def budget(plugin: type[Strategy], epochs: int) -> dict[str, int]:
    """The knobs that count epochs, each at `epochs` or at the least it allows."""
    counts: dict[str, int] = {}
    for knob, item in plugin.knobs().items():
        if item.unit == "epochs":
            counts[knob] = max(epochs, int(item.low or 0))
    return counts


def step(plugin: type[Strategy], epochs: int) -> Use:
    """The strategy with this budget, as a step of a chain."""
    return Use(plugin.name, budget(plugin, epochs))


def calibration(lab: Lab, spec: Spec) -> Samples:
    """The split that ranges of activations come from."""
    return lab.splits(spec).calibration


def to_file(stage: Stage, lab: Lab, spec: Spec) -> bytes:
    """The exported file."""
    return converter.to_tflite(stage, calibration(lab, spec))


def run(spec: Spec, lab: Lab) -> Stage:
    """The net at the end of the spec's chain."""
    return compress(spec, lab, job_for(spec, lab))


def check_zeros(weights: Sequence[FileWeight], asked: float, reached: float) -> None:
    """As many zeros as were asked for, and as were counted."""
    zeros = sum(int((weight.values == 0).sum()) for weight in weights)
    assert abs(zeros - asked) <= 1
    assert zeros == reached


def check_clusters(weights: Sequence[FileWeight], asked: float, reached: float) -> None:
    """No more distinct values than were asked for."""
    assert max(distinct(weight.values) for weight in weights) <= reached <= asked


def check_bits(weights: Sequence[FileWeight], asked: float, reached: float) -> None:
    """Stored in no more bits, or in no more levels a channel, than were asked for."""
    assert reached <= asked
    stored = max(8 * weight.values.itemsize for weight in weights)
    assert stored <= asked or max(map(distinct_per_channel, weights)) <= 2**asked


def negative_zeros(values: np.ndarray) -> int:
    """How many values are zero and have a sign."""
    return int(np.signbit(values[values == 0]).sum())


def floats(file: bytes) -> Iterator[tuple[int, np.ndarray]]:
    """(tensor, values) of a file's constants in float32 or float16 that its operations read."""
    flat = FlatFile(file)
    read = {index for operator in flat.operators for index in operator.inputs}
    for index in sorted(read):
        constant = flat.constant(index)
        if constant is not None and constant.values.dtype.kind == "f":
            yield index, constant.values


Check = Callable[[Sequence[FileWeight], float, float], None]
CHECKS: dict[str, Check] = {"zeros": check_zeros, "clusters": check_clusters, "bits": check_bits}


class TestStrategy:
    """What every strategy promises."""

    def test_the_stage_given_is_untouched(self, applied: Applied) -> None:
        assert digest(applied.before) == applied.digest_before
        assert applied.after is not applied.before
        for stage in (applied.before, applied.after):
            assert not any(value.flags.writeable for value in stage.weights.values())

    def test_inputs_and_outputs_keep_their_shapes(self, applied: Applied) -> None:
        before, after = (nn.graph.build(stage.graph) for stage in (applied.before, applied.after))
        assert (before.input_shape, before.output_shape) == (after.input_shape, after.output_shape)
        assert before.input_names == after.input_names
        nn.graph.write_weights(after, applied.after.weights)
        check_finite(applied.after)

    def test_it_puts_itself_on_record(self, applied: Applied) -> None:
        last = applied.after.steps[-1]
        strategy = applied.plugin(**budget(applied.plugin, applied.epochs))
        assert applied.after.steps[:-1] == applied.before.steps
        assert last.strategy == applied.name
        assert last.knobs == strategy.values()
        assert last.epochs == strategy.budget()
        assert (last.epochs == 0) == (last.seconds == 0)

    def test_what_it_promises_holds(self, applied: Applied) -> None:
        check_keeps(applied.after)
        in_file, count = zeros_in_file(applied.file, applied.after), 0
        for key, zeros in applied.after.masks.items():
            assert in_file[str(key)] >= zeros.sum()
            count += int(zeros.sum())
        if "sparsity" in applied.plugin.gives:
            assert count > 0

    def test_what_it_declares_is_reached_in_the_exported_file(self, applied: Applied) -> None:
        declared, gives = applied.after.steps[-1], applied.plugin.gives
        # a number format alone asks nothing of single weights
        asks = bool(gives) and applied.name != "ptq"
        assert bool(declared.asked) == asks
        weights = tflite.weights.read_weights(applied.file, applied.after)
        for name, asked in declared.asked.items():
            parts = [weight for weight in weights if weight.key == name]
            assert parts, name
            CHECKS[declared.unit](parts, asked, declared.reached[name])

    def test_no_zero_has_a_sign_in_the_net_or_in_its_file(self, applied: Applied) -> None:
        """A compressor would see noise, and a size would be too bad."""
        for key, value in applied.after.weights.items():
            assert negative_zeros(value) == 0, key
        for index, values in floats(applied.file):
            assert negative_zeros(values) == 0, index

    def test_it_asks_for_what_its_knob_says(self, applied: Applied) -> None:
        """All weights together, also where one threshold decides what each of them gets."""
        last = applied.after.steps[-1]
        share = last.knobs.get("sparsity")
        if share is None or last.unit != "zeros":
            pytest.skip("it has no knob that says how many zeros")
        sizes = {str(key): value.size for key, value in applied.after.weights.items()}
        size = sum(map(sizes.__getitem__, last.asked))
        blocks = last.knobs.get("block_rows", 1) * len(last.asked)
        assert sum(last.asked.values()) == pytest.approx(
            share * size, abs=max(1 + blocks, 0.003 * size)
        )

    def test_its_file_agrees_with_the_net(self, applied: Applied, lab: Lab) -> None:
        samples = calibration(lab, applied.spec)
        net = converter.predict(applied.after, samples)
        file = interpreter.outputs(applied.file, samples)
        if applied.after.export.format == "float32":
            converter.check_agreement(net, file)
        else:  # fewer bits: nearly the same answer, and decision where the net has made one
            assert np.abs(net - file).mean() <= 0.01
            second, first = np.sort(net, axis=1)[:, -2:].T
            same = (net.argmax(axis=1) == file.argmax(axis=1))[first - second > 0.1]
            assert not same.size or same.mean() >= 0.9

    def test_the_bits_it_asks_for_are_in_the_file(self, applied: Applied) -> None:
        if "bits" not in applied.plugin.gives:
            assert applied.after.export.format == applied.before.export.format
            return
        for weight in tflite.weights.read_weights(applied.file, applied.after):
            if weight.role == "kernel":
                assert 8 * weight.values.itemsize == applied.after.export.bits

    def test_saved_and_loaded_it_answers_the_same(self, applied: Applied, lab: Lab) -> None:
        packed = pack_weights(applied.after.weights)
        loaded = applied.after.with_weights(unpack_weights(packed))
        assert digest(loaded) == digest(applied.after)
        assert packed == pack_weights(loaded.weights)
        samples = calibration(lab, applied.spec)
        assert np.array_equal(
            converter.predict(loaded, samples), converter.predict(applied.after, samples)
        )

    def test_the_same_seed_gives_the_same_bits_on_a_used_and_on_a_fresh_net(
        self, applied: Applied, lab: Lab
    ) -> None:
        assert digest(run(replace(applied.spec, seed=1), lab)) != digest(applied.after)
        # the net is traced by now, and holds what the other seed has left
        again = run(applied.spec, lab)
        assert digest(again) == digest(applied.after)
        assert to_file(again, lab, applied.spec) == applied.file

    def test_its_zeros_survive_fine_tuning_after_it(
        self, sparse: tuple[str, str], lab: Lab
    ) -> None:
        prune, net = step(lab.catalog.strategies.get(sparse[0]), 0), NETS[sparse[1]]
        alone = run(fixed(lab.catalog, net, prune), lab)
        tuned = run(fixed(lab.catalog, net, prune, Use("identity", {"epochs": 1})), lab)
        masks = [keep for keep in alone.keeps if isinstance(keep, Mask)]
        assert masks
        for mask in masks:
            assert np.array_equal(tuned.weights[mask.weight] == 0, mask.zeros)
        assert digest(alone) != digest(tuned)
        assert zeros_in_file(converter.to_tflite(tuned), tuned) == zeros_in_file(
            converter.to_tflite(alone), alone
        )

    def test_it_declares_what_it_needs_keeps_and_gives(self, strategy: type[Strategy]) -> None:
        properties = {"sparsity", "codebook", "levels", "bits"}
        assert strategy.needs in ("trained", "initial")
        assert strategy.keeps <= properties
        assert strategy.gives <= properties
