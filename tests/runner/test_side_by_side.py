"""The study loop with several trials at work: what it finds hangs on no order of their ends."""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from studies_support import Project, Watcher, new_project

from framework.errors import StudyStopped
from framework.results import record
from framework.results.record import Record
from framework.runner import coordinator, sampler
from framework.runner.engine import here
from framework.runner.engine.interface import Task
from framework.study import Spec

TRIALS = 12


class Threads:
    """Three runs at a time, each of which takes as long as it likes."""

    slots = 3

    def __init__(self, lab: Any) -> None:
        self._lab, self._pool = lab, ThreadPoolExecutor(max_workers=self.slots)

    def submit(self, task: Task) -> Future[Record]:
        return self._pool.submit(here.trial.run, task.spec, self._lab)

    def ended(self, futures: Any, *, waiting: Any) -> set[Future[Record]]:
        waiting()
        return wait(futures, return_when=FIRST_COMPLETED).done

    def time(self, *_: Any) -> dict[str, float]:
        raise AssertionError("There is nothing to time.")

    def close(self) -> None:
        self._pool.shutdown()


def made_up(spec: Spec, lab: Any, *, seconds: Any = None, report: Any = None) -> Record:
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
    monkeypatch.setattr(coordinator, "InProcess", Threads)
    for generation in (1, 2):
        watcher = Watcher()
        project.study(fresh=True, observer=watcher)
        assert found(project, generation) == alone
        # the control is one of those that are at work side by side
        trials = [event for event in watcher.ended_runs if event.of]
        assert {event.what for event in trials} == {f"trial {number}" for number in range(TRIALS)}
        assert [event.position for event in trials] == list(range(1, TRIALS + 1))


def test_one_that_is_cut_off_leaves_nothing_running_and_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.study()
    monkeypatch.setattr(coordinator, "InProcess", Threads)

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
    monkeypatch.setattr(coordinator, "InProcess", Threads)

    def failing(spec: Spec, lab: Any, *, seconds: Any = None, report: Any = None) -> Record:
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
