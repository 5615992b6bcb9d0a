"""Real worker processes: the same bytes, whoever dies."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from studies_support import Project, Watcher, children, is_alive, never_killed, new_project

from framework.errors import InvalidStudy, StudyStopped, UserError
from framework.maintenance import cancel
from framework.planning.own_plugins import catalog_of
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.results.edited import differences, read_metrics
from framework.results.record import METRICS_JSON, MODEL_TFLITE, WEIGHTS_NPZ
from framework.runner import coordinator, settle
from framework.runner.baseline import Lab, baseline_digest
from framework.runner.engine import latencies, work, workers
from framework.runner.engine.cancelling import CANCELLED_TEXT
from framework.runner.engine.interface import Task, WorkerDied
from framework.runner.events import Interrupted, Outcome
from framework.study import Spec, Train, use
from framework.system import host
from framework.tracking.lookup import Asked

SPEC = Spec(dataset=use("digits"), architecture=use("lenet5"), train=Train())
OWN = '''"""A strategy of a project's own."""

import os
import signal
import time
from dataclasses import dataclass

from framework.contracts import Job, Stage, Strategy, knob, strategy


@strategy("deadly", version=1)
@dataclass(frozen=True, kw_only=True)
class Deadly(Strategy):
    """Ends its process, or takes long.  Source: this test."""

    how: str = knob("dies", choices=("dies", "sleeps", "lives"), doc="what it does")

    def apply(self, stage: Stage, job: Job) -> Stage:
        """As it is asked."""
        if self.how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "sleeps":
            time.sleep(600)
        return stage
'''


def run(project: Project, name: str = "tiny", *, count: int = 2, **options: Any) -> Outcome:
    """Run a study with workers."""
    catalog = catalog_of(project.root)
    observer = options.pop("observer", Watcher())
    planned = plan(project.root, name, settings=options.pop("settings", []), catalog=catalog)
    return coordinator.run(
        planned, project.root, catalog=catalog, observer=observer, workers=count, **options
    )


def results(project: Project) -> dict[int, Any]:
    """What the specs decide of each trial that ended: digest, status, files."""
    store, found = project.store(), {}
    for one in project.runs("trial"):
        if one.status != "KILLED":
            assert one.number not in found
            files = [store.artifact(one.run_id, name) for name in (MODEL_TFLITE, WEIGHTS_NPZ)]
            found[one.number] = one.tags["spec_digest"], one.status, files
    return found


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


def alone(tmp_path_factory: pytest.TempPathFactory, project: Project) -> Project:
    """The same study run in one process, and its file put into the project."""
    done = never_killed(tmp_path_factory.getbasetemp(), 5)
    shutil.copy(done.root / "studies" / "tiny.py", project.root / "studies" / "tiny.py")
    return done


def processes() -> set[int]:
    """Workers of this process that are alive."""
    return {child.pid or 0 for child in multiprocessing.active_children()}


def test_two_workers_find_what_one_process_finds(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = results(alone(tmp_path_factory, project))
    before = processes()
    killed: list[int] = []

    def kill(_: Any) -> None:
        if not killed:
            killed.append(random.choice(sorted(processes() - before)))
            os.kill(killed[0], signal.SIGKILL)

    view = Watcher(at_end=kill)
    run(project, settings=["trials=5"], observer=view)
    assert killed
    # a worker says what it is at, and files are timed afterwards
    assert {("trial 4", "training"), ("trial 4", "exporting")} <= set(view.phases)
    assert ("trial 4", "timing") not in view.phases
    assert view.phases[-1] == ("files", "timing")
    assert results(project) == expected
    assert processes() == before
    others = [one for role in ("study", "baseline", "control") for one in project.runs(role)]
    assert {one.status for one in others} <= {"FINISHED", "KILLED"}
    for one in [*others, *project.runs("trial")]:
        if one.status == "FINISHED" and one.tags["role"] != "study":
            assert one.metrics["latency_us_p50_low"] <= one.metrics["latency_us_p50"]
            measured = read_metrics(project.store().artifact(one.run_id, METRICS_JSON))
            assert measured.keys() == {name for name in one.metrics if "epoch." not in name}
            assert not differences(one, measured)


def test_a_file_whose_timing_is_cut_off_is_timed_by_the_next_session(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = alone(tmp_path_factory, project)
    store = done.store()
    runs = [replace(one, metrics={}) for one in done.runs("trial")[:2]]

    class Dying:
        def time(self, *_: Any) -> dict[str, float]:
            raise WorkerDied("SIGKILL", "worker-0.log")

    monkeypatch.setattr(type(store), "add", lambda *_: pytest.fail("nothing was timed"))
    view = Watcher()
    engine: Any = Dying()
    assert not latencies.time_files(runs, store, engine, observer=view)
    said = view.said
    assert view.phases == [("files", "timing")] * 2
    assert said[0] == "Timing 2 files, one at a time."
    assert "has no latency yet, the same command tries again" in said[1]
    assert len(said) == 3


def test_what_the_store_refuses_is_no_fault_of_a_worker(tmp_path: Path) -> None:
    def report(*_: Any) -> None:
        raise OSError("disk full")

    slot = workers._Slot(tmp_path, 0, begin=report, load=report)
    here, there = multiprocessing.Pipe(duplex=False)
    slot._events, slot._task = here, Task(SPEC, None, report)
    there.send(("epoch", 1, {"loss": 0.5}))
    with pytest.raises(OSError, match="disk full"):
        slot._hear()


def test_trials_that_are_judged_by_times_run_on_one_machine(project: Project) -> None:
    project.write_study(objectives='{"val_accuracy": "max", "latency_us_p50": "min"}')
    with pytest.raises(InvalidStudy, match="run on one machine") as refused:
        run(project, count=0, cluster="auto")
    assert "latency_us_p50" in refused.value.given
    assert refused.value.todo == "Leave CLUSTER out."
    assert not project.runs("study")


@pytest.mark.parametrize("count", [0, 2])
def test_trials_that_are_judged_by_times_are_timed_before_the_next_is_asked(
    project: Project, count: int
) -> None:
    project.write_study(
        objectives='{"val_accuracy": "max", "latency_us_p50": "min"}',
        constraints='[AtLeast("speedup_measured", 0.001)]',
        trials=3,
        ahead=2,
    )
    told: list[Any] = []
    watcher = Watcher(at_end=lambda event: told.append(event.values))
    run(project, count=count, observer=watcher)
    assert len(told) == 5
    assert all(values["latency_us_p50"] > 0 for values in told)
    assert all("latency_us_p50" in one.metrics for one in project.runs("trial"))


def test_a_trial_is_cancelled_from_another_terminal(project: Project) -> None:
    (project.root / "plugins").mkdir()
    (project.root / "plugins" / "deadly.py").write_text(OWN)
    project.write_study(
        compress='[use("deadly", how=Choice("sleeps", "lives"))]', sampler='"grid"', trials=2
    )
    study = Asked.of(plan(project.root, "tiny", settings=[], catalog=catalog_of(project.root)))
    with pytest.raises(UserError, match="No session on this machine runs tiny"):
        cancel.cancel(project.root, study, 0)

    def end_first(event: Any) -> None:
        if event.what == "trial 1":
            with pytest.raises(UserError, match="Trial 1 of tiny is not at work") as told:
                cancel.cancel(project.root, study, 1)
            assert told.value.given == "At work: 0."
            assert "asked to end" in cancel.cancel(project.root, study, 0)

    view = Watcher(at_end=end_first)
    run(project, observer=view)
    # baseline, control and trial 1, when the one that sleeps is alone at work
    assert view.ended_by_then == [3]
    sleeps, lives = sorted(project.runs("trial"), key=lambda one: one.number)
    assert (sleeps.status, sleeps.tags["reason"], lives.status) == (
        "FAILED", "cancelled", "FINISHED",
    )  # fmt: skip
    assert not list((project.root / ".cache" / "cancelled").iterdir())
    error = project.store().artifact(sleeps.run_id, "error.txt").decode()
    assert error == CANCELLED_TEXT


def test_a_trial_of_this_process_is_cancelled_after_its_epoch(project: Project) -> None:
    project.write_study(trials=2)
    study = Asked.of(plan(project.root, "tiny", settings=[], catalog=catalog_of(project.root)))

    class Cancelling(Watcher):
        def epoch(self, running: Any, epoch: int, values: Any) -> None:
            if running.what == "trial 0":
                cancel.cancel(project.root, study, 0)

    run(project, count=0, observer=Cancelling())
    statuses = {one.number: (one.status, one.tags.get("reason")) for one in project.runs("trial")}
    assert statuses == {0: ("FAILED", "cancelled"), 1: ("FINISHED", None)}


def test_a_script_needs_no_guard_to_use_workers(project: Project) -> None:
    script = project.root / "mine.py"
    script.write_text(
        "import framework\n"
        "print('once')\n"
        "runs = framework.run('tiny', trials=2, workers=2).runs\n"
        "print((runs.role == 'trial').sum(), 'trials')\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        cwd=project.root,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["once", "2 trials"], done.stderr


def test_what_kills_three_workers_has_failed_and_what_takes_long_is_ended(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "GRACE_SECONDS", 0.5)
    (project.root / "plugins").mkdir()
    (project.root / "plugins" / "deadly.py").write_text(OWN)
    project.write_study(
        compress='[use("deadly", how=Choice("dies", "sleeps", "lives"))]',
        sampler='"grid"',
        trials=3,
        trial_seconds=2,
    )
    # what is edited meanwhile is of the next session: workers are made anew three times here
    edited: list[Any] = []

    def edit(event: Any) -> None:
        edited.append(event)
        (project.root / "plugins" / "deadly.py").write_text("raise SystemExit(1)")

    run(project, observer=Watcher(at_end=edit))
    assert edited
    by_number: dict[int, list[Any]] = {0: [], 1: [], 2: []}
    for one in project.runs("trial"):
        by_number[one.number].append((one.status, one.tags.get("reason"), one.tags["attempt"]))
    assert sorted(by_number[0]) == [
        ("FAILED", "died", "3"), ("KILLED", "died", "1"), ("KILLED", "died", "2"),
    ]  # fmt: skip
    assert by_number[1] == [("FAILED", "timeout", "1")]
    assert by_number[2] == [("FINISHED", None, "1")]
    (died,) = [one for one in project.runs("trial") if one.tags.get("attempt") == "3"]
    said = project.store().artifact(died.run_id, "error.txt").decode()
    assert "SIGKILL" in said
    assert (project.root / said.split()[-1].rstrip(".")).exists()


@pytest.mark.slow
def test_a_killed_coordinator_takes_its_workers_with_it_and_goes_on(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = results(alone(tmp_path_factory, project))
    begun = project.start("study", "tiny", "--set", "trials=5", "--workers", "2")
    project.wait_for(begun, role="trial", number=1)
    crowd = children(begun.pid)
    assert len(crowd) >= 2
    begun.kill()
    begun.communicate()
    ends = time.monotonic() + 30
    while any(map(is_alive, crowd)) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not list(filter(is_alive, crowd))
    run(project, settings=["trials=5"])
    assert results(project) == expected


@pytest.mark.slow
def test_an_interrupt_ends_the_workers_and_leaves_nothing_running(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected, before = results(alone(tmp_path_factory, project)), processes()

    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        run(project, settings=["trials=5"], observer=Watcher(at_end=stop))
    assert processes() == before
    assert "RUNNING" not in {one.status for one in project.runs("trial")}
    run(project, settings=["trials=5"])
    assert results(project) == expected


def test_workers_that_end_while_they_try_what_is_left_open_stop_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def dies(slot: Any, function: Any, *arguments: Any) -> Any:
        calls.append(function)
        raise WorkerDied("SIGKILL", "worker-0.log")

    monkeypatch.setattr(workers._Slot, "call", dies)
    engine = workers.Workers(tmp_path, slots=1)
    with pytest.raises(StudyStopped, match="lenet5 could not be tried: 3 workers ended") as stopped:
        engine.qualities([SPEC])
    assert len(calls) == 3
    assert "SIGKILL" in (stopped.value.given or "")


def test_workers_begin_before_the_store_is_opened_and_end_where_it_cannot_be(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, begun = processes(), set[int]()

    def refuse(root: Path) -> None:
        begun.update(processes() - before)
        raise UserError("There is no store.")

    project.write_study()
    monkeypatch.setattr(coordinator.Store, "open", refuse)
    with pytest.raises(UserError, match="There is no store"):
        run(project)
    assert len(begun) == 2
    assert processes() == before


def test_a_worker_that_waits_measures_the_dense_net_if_it_is_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_study(trials=1)
    catalog = catalog_of(project.root)
    spec = plan(project.root, "tiny", settings=[], catalog=catalog).study.fix(first_value)
    lab = Lab(project.root, catalog)
    monkeypatch.setattr(work, "_labs", [lab])
    work.load(spec, measures=True)
    assert not lab.measured  # nothing is trained for it: that is a run of its own
    Lab(project.root, catalog).baseline(spec)
    work.load(spec)
    assert not lab.measured
    with monkeypatch.context() as patch:
        patch.setattr(settle, "left_open", lambda spec, lab: {"architecture.pixels": ("28", "56")})
        work.load(spec, measures=True)
    assert not lab.measured  # it would be of another net
    work.load(spec, measures=True)
    assert lab.measured.keys() == {baseline_digest(spec)}


def test_the_first_worker_measures_nothing_ahead_of_its_run(tmp_path: Path) -> None:
    engine = workers.Workers(tmp_path, slots=3)
    assert [slot._load.keywords["measures"] for slot in engine._slots] == [False, True, True]


@pytest.mark.parametrize(("slots", "each"), [(1, 5), (2, 2), (8, 1)])
def test_workers_have_a_part_of_the_cores_each(
    slots: int, each: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "cores", lambda: 5)
    engine = workers.Workers(tmp_path, slots=slots)
    try:
        # TensorFlow's own variable: how many operations of a net run at once
        assert engine._slots[-1].call(os.getenv, "TF_NUM_INTEROP_THREADS") == str(each)
    finally:
        engine.close()
