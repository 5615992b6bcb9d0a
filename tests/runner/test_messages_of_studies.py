"""What a study says and refuses, word by word, where nothing has to be trained to hear it."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from studies_support import Watcher

from framework import Choice, Study, Train, use
from framework.contracts import Catalog
from framework.errors import (
    InvalidStudy,
    SqueezelabError,
    StudyStopped,
    TrialError,
    UserError,
)
from framework.planning.resolve import resolve
from framework.results.record import Record, Run
from framework.runner import baseline, failures, reproduce, settle, trial
from framework.runner.coordinator import Coordinator, first_value
from framework.runner.forecast import timing
from framework.runner.schedule import Flight, Schedule, Work
from framework.runner.settle import Settler
from framework.runner.smoke.gate import _Trying
from framework.runner.telling import Teller
from framework.strategies import block_prune
from framework.system.child import ChildEnded
from framework.tracking.history import History

CATALOG = Catalog()
STUDY = Study(dataset=use("digits"), architecture=use("lenet5"), train=Train(learning_rate=0.4))
SPEC = resolve(STUDY, CATALOG).fix(first_value)


def run(number: int = 0, *, status: str = "FINISHED", **tags: str) -> Run:
    named = {"role": "trial", "study": "mine", "trial": f"{number:06}"} | tags
    return Run(f"{number:032x}", f"trial {number}", status, named, {}, {})


def session(**parts: Any) -> Any:
    plan = SimpleNamespace(
        name="mine",
        overrides=(),
        task="classes",
        study=SimpleNamespace(trials=9, sampler="tpe", fix=lambda ask: SPEC),
    )
    return SimpleNamespace(observer=Watcher(), plan=plan, done={}, wanted=9, **parts)


# --- what is said ---------------------------------------------------------------------------------


def teller() -> tuple[Teller, list[str]]:
    """One, and what it says."""
    plan: Any = session().plan
    plan.study.architecture = Choice(use("lenet5"), use("cnn"))
    plan.study.objectives = {"val_accuracy": "max"}
    watcher = Watcher()
    return Teller(plan, CATALOG, watcher), watcher.said


def test_trials_that_are_not_ranked_and_changes_are_said_before_anything_runs() -> None:
    telling, said = teller()
    done = {0: run(plugin_files="strategies/mine=0111")}
    history = History(0, None, changed=True, done=done)
    tags = {"plugin_files": "strategies/mine=0222"}
    telling.history(history, tags, unranked=1, deleted=2)
    first, second, third, fourth = said
    assert first.startswith("1 trials were measured by other versions of a metric")
    assert second.startswith("2 trials have lost an objective")
    assert "strategies/mine.py has changed since 1 of these runs" in third
    assert fourth.startswith("The study has changed since it was run")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [(1, "Nothing is searched, so one trial"), (4, "4 distinct of 9 trials asked for")],
)
def test_fewer_trials_than_asked_for_are_said(wanted: int, words: str) -> None:
    telling, said = teller()
    telling.fewer(wanted=wanted, distinct=4)
    assert words in said[0]
    assert "give a knob" in said[0].lower()


def test_a_baseline_that_has_learned_nothing_is_said_loudly() -> None:
    telling, said = teller()
    for accuracy in (0.12, 0.9):
        metrics = {"val_accuracy": accuracy, "chance_accuracy": 0.1, "chance_limit": 0.13}
        telling.reference("baseline", SPEC, Record(metrics))
    [loud] = said
    assert loud.startswith("WARNING: the baseline of lenet5 is no better than chance")


def test_what_is_not_as_in_the_file_is_said_of_a_net() -> None:
    net = SimpleNamespace(remarks=lambda: ["training-only layers are left out: noise"])
    watching = Watcher()
    settler = Settler(SimpleNamespace(architecture=lambda spec: net), say=watching.say)  # type: ignore[arg-type]
    settler._remark(SPEC)
    assert watching.said == ["lenet5: training-only layers are left out: noise."]


def test_what_is_taken_for_auto_is_said_with_what_was_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def quality(spec: Any, lab: Any) -> float:
        return 0.9 if spec.architecture.knobs["pixels"] == "bytes" else 0.1

    monkeypatch.setattr(settle, "_quality", quality)
    lab: Any = SimpleNamespace(info=lambda spec: SimpleNamespace(task="classes"))
    watcher = Watcher()
    options = {"architecture.pixels": ("unit", "bytes")}
    taken = Settler(lab, say=watcher.say)._tried(SPEC, options)
    assert taken == {"architecture.pixels": "bytes"}
    [said] = watcher.said
    assert "is taken for auto" in said
    assert "0.9000 on the calibration split" in said


def test_a_cached_baseline_that_is_damaged_is_put_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "net").mkdir()
    with caplog.at_level(logging.WARNING):
        baseline._put_aside(tmp_path / "net", ValueError("a bit"))
    [aside] = tmp_path.iterdir()
    assert f"damaged (a bit). It is put aside as {aside.name} and trained again." in caplog.text


# --- what stops a study ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "way_out"),
    [
        ("diverged", 'SET="train.learning_rate=0.04"'),
        ("exception", "make show RUN=7"),
    ],
)
def test_a_baseline_that_fails_stops_the_study_with_its_cause(reason: str, way_out: str) -> None:
    error = "Traceback (most recent call last):\nValueError: no such layer\n"
    record = Record({}, reason=reason, error=error)
    dense = session(settler=SimpleNamespace(settle=lambda spec: spec), schedule=Schedule())
    flight = Flight("7", Work("baseline", SPEC.dense()), Future())
    with pytest.raises(StudyStopped, match="The baseline of mine failed") as told:
        Coordinator._end_baseline(dense, flight, record)
    assert "no such layer" in told.value.given
    assert way_out in told.value.todo


def test_three_trials_that_fail_at_the_start_stop_the_study() -> None:
    store: Any = SimpleNamespace(artifact=lambda run_id, name: b"ValueError: no such layer")
    done = {number: run(number, status="FAILED", reason="exception") for number in range(3)}
    with pytest.raises(StudyStopped, match="The first 3 trials of mine failed") as told:
        failures.check_start("mine", done, store)
    assert "no such layer" in told.value.given
    assert f"make show RUN={done[2].run_id}" in told.value.todo
    # whichever of the others has ended by then
    with pytest.raises(StudyStopped, match="The first 3 trials of mine failed"):
        failures.check_start("mine", done | {3: run(3)}, store)
    failures.check_start("mine", done | {1: run(1)}, store)
    failures.check_start("mine", {0: done[0], 2: done[2], 3: done[1]}, store)


def test_the_time_of_a_trial_that_fails_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Record({}, reason="exception", error="ValueError: no such layer\n")
    monkeypatch.setattr(timing.trial, "run", lambda spec, lab: failed)
    timer: Any = SimpleNamespace(_lab=None)
    with pytest.raises(SqueezelabError, match="its time is not known") as told:
        timing.Stopwatch._run(timer, SPEC)
    assert "Tried: lenet5" in told.value.given


def test_a_trial_that_took_too_long_before_it_was_timed_is_no_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab: Any = SimpleNamespace(
        splits=lambda spec: SimpleNamespace(train=(), calibration=(), validation=(), digests={}),
        baseline=lambda *_: SimpleNamespace(digest="0"),
        measured={},
    )
    made = SimpleNamespace(file=b"", metrics={"val_accuracy": 0.9})
    monkeypatch.setattr(trial, "compress", lambda *_: None)
    monkeypatch.setattr(trial.measurement, "measure", lambda *_: made)
    monkeypatch.setattr(
        trial,
        "TrialJob",
        lambda *_, deadline, **__: SimpleNamespace(deadline=deadline, baseline=lab.baseline()),
    )
    result = trial.run(SPEC, lab, seconds=1e-9)
    assert (result.status, result.reason) == ("FAILED", "timeout")
    assert "longer than trial_seconds" in result.error
    assert not result.metrics


def test_a_net_without_dense_layers_is_pruned_by_another_strategy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(block_prune.compression.pruning, "kernels", lambda *_: {})
    strategy = CATALOG.strategies.build("block_prune", {})
    with pytest.raises(TrialError, match="this net has none") as told:
        strategy.apply(None, None)  # type: ignore[arg-type]
    assert CATALOG.strategies.build(told.value.todo.split()[1].rstrip("."), {})


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "said", "way_out"),
    [
        (run(role="study"), "no single run", "NAME:12"),
        (run(3, role="confirm"), "trains nothing", "Reproduce that trial, mine:3"),
        (run(status="FAILED", reason="diverged"), "left no net", "Choose a run that finished"),
    ],
)
def test_a_run_that_cannot_be_trained_again_is_told(made: Run, said: str, way_out: str) -> None:
    with pytest.raises(UserError, match=said) as told:
        reproduce._check_role(made)
    assert way_out in told.value.todo
    reproduce._check_role(run(3))


def trying(watching: Watcher) -> _Trying:
    plan = SimpleNamespace(name="mine")
    return _Trying(plan, Path(), {}, watching.say)  # type: ignore[arg-type]


def test_what_a_few_samples_have_shown_is_told_with_the_step_at_fault() -> None:
    watching = Watcher()
    test = trying(watching)
    test._hear({"trying": "lenet5 under ptq"})
    test._wait(99.0)
    assert watching.said == ["  still at it: lenet5 under ptq"]
    error = {"what": "ValueError: no.", "given": "", "todo": ""}
    for step, way_out in (("ptq", "Leave ptq out of compress="), ("", "make list")):
        with pytest.raises(InvalidStudy, match="mine would fail at: lenet5 under ptq") as told:
            test._hear({"failed": error, "step": step})
        assert way_out in told.value.todo
    without = Study(dataset=use("digits"), architecture=use("lenet5"), compress=[])
    assert resolve(without, CATALOG)


def test_a_child_that_ended_early_is_told_by_what_ended_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for why, said in (("silent", "Nothing came of it"), ("memory", "more memory than 2 GB")):

        def ended(*_: Any, why: str = why, **__: Any) -> Any:
            raise ChildEnded(why, "2 GB")

        monkeypatch.setattr("framework.runner.smoke.gate.messages", ended)
        plan = SimpleNamespace(name="mine", overrides=())
        test = _Trying(plan, Path(), {}, Watcher().say)  # type: ignore[arg-type]
        with pytest.raises(InvalidStudy, match="could not be tried") as told:
            test.run([])
        assert said in told.value.given
