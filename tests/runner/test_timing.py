"""What trials cost, read off a few short ones: known answers from a made-up clock, and where a
split is cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from studies_support import prepared

from framework.contracts import Catalog
from framework.errors import SqueezelabError
from framework.planning.resolve import budget
from framework.results.failure import HEAD
from framework.results.record import Record
from framework.runner.baseline import Lab
from framework.runner.forecast import timing
from framework.runner.forecast.timing import MOST_STEPS, Stopwatch, TrialCost
from framework.study import Spec, Train, Use, use


def spec(*compress: Use, **train: Any) -> Spec:
    net = use("lenet_300_100", units_1=32, units_2=16, dropout=0.0)
    return Spec(dataset=use("digits"), architecture=net, train=Train(**train), compress=compress)


PRUNE = use("magnitude_prune", sparsity=0.5, layers="erk", epochs=4)
ONCE, FIXED, EPOCH = 3.0, 5.0, 2.0


class Fake:
    """A machine on which a trial takes 5 s, 2 s more an epoch, and 3 s more the first time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ran: list[Spec] = []

    def monotonic(self) -> float:
        return self.now

    def run(self, spec: Spec, lab: Lab) -> Record:
        first = spec.strategy not in {other.strategy for other in self.ran}
        self.ran.append(spec)
        self.now += ONCE * first + FIXED + EPOCH * budget(spec, lab.catalog)
        return Record(artifacts={"model.tflite": b"0123456789", "spec.json": b"{}"})


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()
    monkeypatch.setattr(timing, "time", fake)
    monkeypatch.setattr(timing.trial, "run", fake.run)
    return fake


@pytest.fixture
def watch(tmp_path_factory: pytest.TempPathFactory) -> Stopwatch:
    return Stopwatch(prepared(tmp_path_factory.getbasetemp()), Catalog())


def test_parts_of_a_trials_time_are_told_apart(machine: Fake, watch: Stopwatch) -> None:
    assert watch.cost(spec(PRUNE)) == TrialCost(ONCE, FIXED, EPOCH, 12.0)
    assert [step.knobs["epochs"] for ran in machine.ran for step in ran.compress] == [1, 1, 4]
    watch.cost(spec(replace(PRUNE, knobs={**PRUNE.knobs, "epochs": 8})))
    assert len(machine.ran) == 3  # one kind is timed once
    assert watch.once == ONCE


def test_without_training_there_is_no_time_of_an_epoch(machine: Fake, watch: Stopwatch) -> None:
    at_once = replace(PRUNE, knobs={**PRUNE.knobs, "epochs": 0})
    assert watch.cost(spec(at_once)) == TrialCost(ONCE, FIXED, 0.0, 12.0)
    assert {budget(ran, Catalog()) for ran in machine.ran} == {0}


def test_a_dense_net_takes_the_pace_of_its_compressed_ones_or_its_own(
    machine: Fake, watch: Stopwatch
) -> None:
    assert watch.dense_cost(spec()).epoch == EPOCH
    assert {ran.strategy for ran in machine.ran} == {"identity"}
    watch.dense_cost(spec())
    assert len(machine.ran) == 3


def test_patience_has_an_end(machine: Fake, watch: Stopwatch) -> None:
    first = watch.cost(spec(PRUNE))
    machine.now += timing.PATIENCE_SECONDS
    assert watch.cost(spec(PRUNE, PRUNE)) == replace(first, once=0.0)
    assert len(machine.ran) == 3


def test_only_the_beginning_of_a_long_epoch_is_timed(machine: Fake, watch: Stopwatch) -> None:
    assert watch.cost(spec(PRUNE, batch_size=16)).epoch == EPOCH  # 75 steps: the whole epoch
    few, validation = MOST_STEPS * 2, 250 / 3
    long = watch.cost(spec(PRUNE, batch_size=2))
    assert long.epoch == pytest.approx(EPOCH * (1200 + validation) / (few + validation))
    assert long.fixed == FIXED


def test_a_trial_that_fails_says_so(
    machine: Fake, watch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Record(reason="exception", error=f"{HEAD}:\nRuntimeError: the plug-in broke\n")
    monkeypatch.setattr(timing.trial, "run", lambda spec, lab: broken)
    with pytest.raises(SqueezelabError, match="fails") as told:
        watch.cost(spec(PRUNE))
    assert "RuntimeError: the plug-in broke" in told.value.given


def test_nothing_is_trained_or_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The real thing: two small trials on an untrained net."""
    root = prepared(tmp_path_factory.getbasetemp())
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    found = Stopwatch(root, Catalog()).cost(spec(PRUNE, batch_size=32, warmup_epochs=0))
    assert found.fixed > 0
    assert found.size > 10_000
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == before
