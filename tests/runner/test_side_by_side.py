"""The study loop with several trials at work: what it finds hangs on no order of their ends."""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from studies_support import Project, Watcher, new_project

from framework.contracts import Catalog
from framework.errors import MachineError, StudyStopped
from framework.planning.resolve import control_spec, first_value
from framework.results import record
from framework.results.record import Record
from framework.runner import sampler
from framework.runner.engine import choice, here
from framework.runner.engine.interface import Task, WorkerDied
from framework.runner.schedule import Schedule
from framework.study import Choice, Spec, Study, Train, use

TRIALS = 12


class Threads:
    """Three runs at a time, each of which takes as long as it likes."""

    slots = 3

    def __init__(self, lab: Any) -> None:
        self._lab, self._pool = lab, ThreadPoolExecutor(max_workers=self.slots)

    def submit(self, task: Task) -> Future[Record]:
        return self._pool.submit(here.trial.run, task.spec, self._lab)

    def ended(self, futures: Any) -> set[Future[Record]]:
        return wait(futures, return_when=FIRST_COMPLETED).done

    def time(self, *_: Any) -> dict[str, float]:
        raise AssertionError("There is nothing to time.")

    def choose(self, specs: Any) -> int:
        return random.randrange(len(specs))

    def qualities(self, specs: Any) -> list[float]:
        raise AssertionError("There is nothing to try.")

    def close(self) -> None:
        self._pool.shutdown()


def made_up(spec: Spec, lab: Any, **_: Any) -> Record:
    """A record that the spec alone decides, after a while that it does not decide."""
    time.sleep(random.random() / 50)
    noise = int(spec.digest[:6], 16) / 16**6
    spec_json = json.dumps(spec.json()).encode()
    files = dict.fromkeys(record.NET_FILES, spec.digest.encode()) | {record.SPEC_JSON: spec_json}
    if spec.compress and spec.compress[0].name != "identity" and noise < 1 / 3:
        return Record(times={"seconds": 0.01}, reason="exception", error="Error: made up")
    metrics = {"val_accuracy": noise, "params_nonzero": 1e4 * (1 - noise**2), "accuracy_drop": 0.0}
    return Record(metrics=metrics, times={"seconds": 0.01, "latency_us_p50": 1.0}, artifacts=files)


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(here.trial, "run", made_up)
    monkeypatch.setattr(sampler, "STARTUP", 2)
    made = new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")
    made.write_study(trials=TRIALS, ahead=3)
    return made


def found(project: Project, generation: int) -> dict[int, tuple[str, str, dict[str, float]]]:
    """Digest, status and metrics of each trial."""
    trials: dict[int, tuple[str, str, dict[str, float]]] = {}
    for run in project.runs("trial", generation=str(generation)):
        assert run.number not in trials
        metrics = dict(run.metrics)
        for name in ("seconds", *record.MACHINE):
            metrics.pop(name, None)
        trials[run.number] = run.tags["spec_digest"], run.status, metrics
    return trials


def test_three_at_a_time_find_what_one_finds(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.study()
    alone = found(project, 0)
    assert sorted(alone) == list(range(TRIALS))
    assert {status for _, status, _ in alone.values()} == {"FINISHED", "FAILED"}
    monkeypatch.setattr(choice, "InProcess", Threads)
    for generation in (1, 2):
        watcher = Watcher()
        project.study(fresh=True, observer=watcher)
        assert found(project, generation) == alone
        # the control is one of those that are at work side by side
        trials = [event for event in watcher.ended_runs if event.of]
        assert {event.what for event in trials} == {f"trial {number}" for number in range(TRIALS)}
        assert [event.position for event in trials] == list(range(1, TRIALS + 1))


@pytest.mark.parametrize(
    "parts",
    [
        {"sampler": '"grid"', "compress": '[use("magnitude_prune", epochs=Int(1, 12))]'},
        {"sampler": '"random"'},
        # a space with fewer specs than trials
        {"sampler": '"random"', "compress": '[use("magnitude_prune", epochs=Int(1, 9))]'},
        {"sampler": '"random"', "seeds": 2, "trials": 6},
    ],
)
def test_trials_that_hang_on_no_result_are_begun_in_any_order(
    project: Project, monkeypatch: pytest.MonkeyPatch, parts: dict[str, Any]
) -> None:
    project.write_study(**{"trials": TRIALS} | parts)
    views = [Watcher(), Watcher()]
    project.study(observer=views[0])
    monkeypatch.setattr(choice, "InProcess", Threads)
    project.study(fresh=True, observer=views[1])
    assert found(project, 1) == found(project, 0)
    assert sorted(views[1].ran) == sorted(views[0].ran)
    fewer = [[text for text in view.said if "No spec is" in text] for view in views]
    assert fewer[0] == fewer[1]


@pytest.mark.parametrize(
    "parts",
    [
        {"sampler": '"grid"', "compress": '[use("magnitude_prune", epochs=Int(1, 12))]'},
        {"sampler": '"random"'},
    ],
)
def test_what_is_asked_and_not_begun_when_time_is_up_is_done_by_the_next_session(
    project: Project, monkeypatch: pytest.MonkeyPatch, parts: dict[str, Any]
) -> None:
    project.write_study(**{"trials": TRIALS, "hours": 1} | parts)
    project.study()
    late = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late[0])
    monkeypatch.setattr("framework.runner.coordinator.time", clock)
    monkeypatch.setattr(choice, "InProcess", Threads)

    def leap(event: Any) -> None:
        # the control may end after it, and has no position
        late[0] = 7200.0 if event.position >= TRIALS // 3 else late[0]

    outcome = project.study(fresh=True, observer=Watcher(at_end=leap))
    assert outcome.out_of_time
    assert TRIALS // 3 <= outcome.ran < TRIALS
    late[0] = 0.0
    outcome = project.study(observer=Watcher())
    assert not outcome.out_of_time
    assert found(project, 1) == found(project, 0)


def test_one_that_is_cut_off_leaves_nothing_running_and_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.study()
    monkeypatch.setattr(choice, "InProcess", Threads)

    def cut(event: Any) -> None:
        if event.position == TRIALS // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project.study(fresh=True, observer=Watcher(at_end=cut))
    statuses = [run.status for run in project.runs("trial", generation="1")]
    assert "RUNNING" not in statuses
    project.study(observer=Watcher())
    ended = {}
    for run in project.runs("trial", generation="1"):
        if run.status != "KILLED":
            assert run.number not in ended
            ended[run.number] = run.tags["spec_digest"], run.status
    alone = found(project, 0)
    assert ended == {number: trial[:2] for number, trial in alone.items()}


def test_the_first_three_are_looked_at_whoever_ends_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "InProcess", Threads)

    def failing(spec: Spec, lab: Any, **_: Any) -> Record:
        if not spec.compress or spec.compress[0].name == "identity":
            return made_up(spec, lab)
        began.append(spec)
        failed = len(began) <= 3
        # the first to begin end last
        time.sleep(0.3 if failed else 0)
        broken = Record(times={"seconds": 0.3}, reason="exception", error="Error: made up")
        return broken if failed else made_up(spec, lab)

    began: list[Spec] = []
    monkeypatch.setattr(here.trial, "run", failing)
    with pytest.raises(StudyStopped, match="The first 3 trials of tiny failed"):
        project.study()


def ended(project: Project, role: str) -> list[str]:
    """Statuses of the runs that count."""
    runs = project.runs(role)
    return [run.status for run in runs if run.status in ("FINISHED", "FAILED")]


def test_a_control_that_was_cut_off_after_the_last_trial_is_run_by_the_next_session(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_study(trials=2, ahead=3)
    monkeypatch.setattr(choice, "InProcess", Threads)
    last = threading.Event()

    def slow_control(spec: Spec, lab: Any, **parts: Any) -> Record:
        if spec.strategy == "identity":
            last.wait(60)
        return made_up(spec, lab)

    def cut(event: Any) -> None:
        if event.position == 2:
            last.set()
            raise KeyboardInterrupt

    monkeypatch.setattr(here.trial, "run", slow_control)
    with pytest.raises(KeyboardInterrupt):
        project.study(observer=Watcher(at_end=cut))
    assert ended(project, "control") == []
    project.study()
    assert ended(project, "control") == ["FINISHED"]
    assert ended(project, "baseline") == ["FINISHED"]
    project.study()
    assert ended(project, "control") == ["FINISHED"]


def test_a_control_that_failed_is_not_run_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(spec: Spec, lab: Any, **parts: Any) -> Record:
        if spec.strategy == "identity":
            return Record(reason="exception", error="Error: made up")
        return made_up(spec, lab)

    monkeypatch.setattr(here.trial, "run", failing)
    for trials in (2, 3):
        project.write_study(trials=trials, ahead=3)
        project.study()
        assert len(ended(project, "trial")) == trials
        assert ended(project, "control") == ["FAILED"]


def test_files_whose_timing_was_cut_off_are_timed_by_the_same_command(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_study(trials=2)

    def untimed(spec: Spec, lab: Any, **parts: Any) -> Record:
        return replace(made_up(spec, lab), times={"seconds": 0.01})

    class Dying(Threads):
        def time(self, *_: Any) -> dict[str, float]:
            raise WorkerDied("SIGKILL", "worker-0.log")

    class Timing(Threads):
        def time(self, *_: Any) -> dict[str, float]:
            return {"latency_us_p50": 1.0}

    monkeypatch.setattr(here.trial, "run", untimed)
    for engine, status, is_timed in ((Dying, "KILLED", False), (Timing, "FINISHED", True)):
        monkeypatch.setattr(choice, "InProcess", engine)
        project.study()
        assert [run.status for run in project.runs("study")] == [status]
        (baseline,) = project.runs("baseline")
        assert ("latency_us_p50" in baseline.metrics) == is_timed


def test_a_run_whose_timing_is_cut_off_where_times_decide_is_done_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_study(trials=2, objectives='{"val_accuracy": "max", "latency_us_p50": "min"}')
    deaths = iter(range(2))

    def untimed(spec: Spec, lab: Any, **parts: Any) -> Record:
        return replace(made_up(spec, lab), times={"seconds": 0.01})

    class Dying(Threads):
        def time(self, *_: Any) -> dict[str, float]:
            if next(deaths, None) is not None:
                raise WorkerDied("SIGKILL", "worker-0.log")
            return {"latency_us_p50": 1.0}

    monkeypatch.setattr(here.trial, "run", untimed)
    monkeypatch.setattr(choice, "InProcess", Dying)
    project.study()
    runs = [run for role in ("baseline", "control", "trial") for run in project.runs(role)]
    assert sum(run.status == "KILLED" for run in runs) == 2
    assert {run.tags.get("reason", "died") for run in runs} <= {"died", "exception"}
    assert sum(run.status != "KILLED" for run in runs) == 4


def test_the_control_of_each_net_has_its_baseline_where_the_training_is_searched() -> None:
    epochs: Any = Choice(1, 2)
    study = Study(
        dataset=use("digits"),
        architecture=Choice(use("mlp", label="small"), use("mlp", label="large", units=128)),
        train=Train(epochs=epochs),
        compress=(use("magnitude_prune", epochs=1),),
    )
    tried = study.fix(lambda name, domain: "large" if name == "architecture" else 2)
    schedule = Schedule()
    schedule.refer(tried, control_spec(study, Catalog(), like=tried))
    roles = []
    while work := schedule.next():
        schedule.dense[work.spec.digest] = "run"
        roles.append((work.role, work.spec.train.epochs))
    assert roles == [("baseline", 2), ("baseline", 1), ("control", 1)]


def test_a_store_that_fails_in_the_middle_of_a_run_fails_no_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = MachineError("The disk is full.")

    def report(*_: Any) -> None:
        raise full

    def run(spec: Spec, lab: Any, *, report: Any, **_: Any) -> Record:
        try:
            report(1, {"loss": 0.5})
        except Exception as error:  # noqa: BLE001  (as `trial.run` does)
            return Record(reason="exception", error=str(error))
        raise AssertionError

    monkeypatch.setattr(here.trial, "run", run)
    lab: Any = None
    task = Task(
        Study(dataset=use("digits"), architecture=use("mlp")).fix(first_value), None, report
    )
    assert here.InProcess(lab).submit(task).exception() is full
