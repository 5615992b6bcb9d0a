"""The study command as real processes: killed, interrupted, started twice, started again."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from studies_support import SECONDS, Project, integrity, never_killed, new_project, running

from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.tracking.store import Store
from framework.tracking.tables.rows import Rows

FIVE = 5
MODULES = """
import atexit, sys
heavy = (
    "tensorflow", "tf_keras", "tensorflow_datasets", "tensorflow_model_optimization",
    "ai_edge_litert", "sklearn",
)
loaded = lambda: [name for name in heavy if name in sys.modules]
atexit.register(lambda: print("LOADED", *loaded(), file=sys.stderr))
from framework.cli import main
main()
"""


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def project(base: Path, tmp_path: Path) -> Project:
    made = new_project(base, tmp_path / "project")
    made.write_study(trials=FIVE)
    return made


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that a failing test must not leave behind."""
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        process.kill()
        process.communicate()


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """(exit code, stderr) after a signal."""
    process.send_signal(number)
    _, told = process.communicate(timeout=SECONDS)
    return process.returncode, told


def check_as_if_never_killed(project: Project, whole: Project, *, trials: int) -> None:
    """All trials finished once, nothing is RUNNING, the store is sound, the results are the same
    bytes."""
    runs = project.runs("trial")
    finished = [run for run in runs if run.status == "FINISHED"]
    assert sorted(run.number for run in finished) == list(range(trials))
    assert {run.status for run in runs} <= {"FINISHED", "KILLED"}
    assert running(project.root) == []
    assert [run.status for run in project.runs("study")] == ["FINISHED"]
    for number in range(trials):
        attempts = [run.tags["attempt"] for run in runs if run.number == number]
        assert attempts == [str(count) for count in range(1, len(attempts) + 1)]
    assert len([run for run in project.runs("control") if run.status == "FINISHED"]) == 1
    assert integrity(project.root) == "ok"
    assert project.results() == whole.results()


def test_killed_at_random_moments_it_ends_as_if_never_killed(
    base: Path, project: Project, started: list[subprocess.Popen[str]]
) -> None:
    chance = random.Random()  # other moments every time; a failure shows them
    for role, number, longest in (
        ("study", -1, 3.0),
        ("trial", chance.randint(1, 3), 1.0),
    ):
        process = project.start("study", "tiny")
        started.append(process)
        project.wait_for(process, role=role, number=number)
        if role == "study":
            check_second_is_refused(project)
        moment = chance.uniform(0, longest)
        print(f"{role} {number}, {moment:.3f} s later: {running(project.root)}")
        time.sleep(moment)
        assert end(process, signal.SIGKILL)[0] == -signal.SIGKILL
    project.command("study", "tiny")
    check_as_if_never_killed(project, never_killed(base, FIVE), trials=FIVE)


def check_second_is_refused(project: Project) -> None:
    """A second coordinator ends with 75 while the first goes on."""
    second = project.start("study", "tiny")
    shown, told = second.communicate(timeout=SECONDS)
    assert second.returncode == 75, told
    assert "being run by another process" in told
    assert "Traceback" not in told
    assert shown == ""
    assert ("study", -1) in running(project.root)


def test_an_interrupt_closes_what_is_open_and_the_same_command_goes_on(
    base: Path, project: Project, started: list[subprocess.Popen[str]]
) -> None:
    number = 3
    process = project.start("study", "tiny")
    started.append(process)
    project.wait_for(process, role="trial", number=number)
    code, told = end(process, signal.SIGTERM)
    assert code == 130, told
    assert "the same command goes on from here" in told
    assert "Traceback" not in told
    assert running(project.root) == []
    stopped = [run for run in project.runs("trial") if run.status == "KILLED"][-1]
    assert stopped.number >= number
    assert stopped.tags["reason"] == "interrupted"
    assert [run.status for run in project.runs("study")] == ["KILLED"]
    assert set(range(number)) <= {
        run.number for run in project.runs("trial") if run.status == "FINISHED"
    }
    project.command("study", "tiny")
    check_as_if_never_killed(project, never_killed(base, FIVE), trials=FIVE)


def test_an_interrupt_while_a_run_is_being_created_leaves_nothing_running(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Store.begin

    def begin(self: Store, study: str, **options: Any) -> str:
        run_id = original(self, study, **options)
        if options["role"] == "trial":
            raise KeyboardInterrupt
        return run_id

    monkeypatch.setattr(Store, "begin", begin)
    with pytest.raises(KeyboardInterrupt):
        project.study()
    assert running(project.root) == []
    assert [run.status for run in project.runs("trial")] == ["KILLED"]
    assert [run.status for run in project.runs("study")] == ["KILLED"]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_until_the_store_has_written(
    project: Project, monkeypatch: pytest.MonkeyPatch, by: signal.Signals
) -> None:
    """In the middle of a transaction it would leave the file locked, and no run could be closed."""
    original = Rows.insert

    def write(self: Rows, *arguments: Any, **options: Any) -> None:
        signal.raise_signal(by)
        original(self, *arguments, **options)

    store = project.store()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    monkeypatch.setattr(Rows, "insert", write)
    try:
        with pytest.raises(KeyboardInterrupt):
            store.begin("tiny", role="trial", name="trial 0", tags={}, params={"seed": "0"})
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [run.params for run in project.runs("trial")] == [{"seed": "0"}]


def test_the_same_command_again_runs_nothing_and_loads_no_tensorflow(
    base: Path, tmp_path: Path
) -> None:
    whole = never_killed(base, FIVE)
    shutil.copytree(whole.root, tmp_path / "again")
    again = Project(tmp_path / "again")
    shutil.rmtree(again.root / "reports" / "out")
    before = [(run.run_id, run.status, run.end_ms) for run in again.store().runs("tiny")]
    process = again.python(MODULES, "study", "tiny")
    shown, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, told
    assert [line for line in told.splitlines() if line.startswith("LOADED")] == ["LOADED"]
    assert "5 of 5 trials are done" in told
    assert "baseline" in shown
    assert "reports/out/tiny" in told
    assert again.results() == whole.results()
    assert [(run.run_id, run.status, run.end_ms) for run in again.store().runs("tiny")] == before


BASELINE = """
import hashlib, sys, time
from pathlib import Path
from framework.runner.baseline import Lab, pack_weights
from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.tracking.store import Store
from framework.runner.coordinator import first_value

root, catalog = Path.cwd(), Catalog()
spec = plan(root, "tiny", settings=[], catalog=catalog).study.fix(first_value)
lab = Lab(root, catalog)
lab.splits(spec)
(root / sys.argv[1]).touch()
while not (root / sys.argv[2]).exists():
    time.sleep(0.01)
dense = lab.baseline(spec)
from framework.nn.training.fit import Trained
print(Trained.traces, hashlib.sha256(pack_weights(dense.stage.weights)).hexdigest())
"""


def test_two_processes_that_want_one_baseline_train_it_once(
    project: Project, started: list[subprocess.Popen[str]]
) -> None:
    started += [project.python(BASELINE, "one", "two"), project.python(BASELINE, "two", "one")]
    answers = [process.communicate(timeout=SECONDS) for process in started]
    assert [process.returncode for process in started] == [0, 0], answers
    traces, digests = zip(*(shown.split() for shown, _ in answers), strict=True)
    assert sorted(count == "0" for count in traces) == [False, True]
    assert digests[0] == digests[1]


def test_another_seed_is_another_study_with_a_folder_of_its_own(project: Project) -> None:
    planned = [
        plan(project.root, "tiny", settings=some, catalog=Catalog())
        for some in ([], ["trials=9"], ["seed=1"])
    ]
    assert planned[0].study.digest == planned[1].study.digest != planned[2].study.digest
    assert [item.folder for item in planned] == [
        "tiny",
        "tiny",
        f"tiny@{planned[2].study.digest[:8]}",
    ]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_ten_times_on_thirty_trials_it_ends_as_if_never_killed(
    base: Path, project: Project, started: list[subprocess.Popen[str]]
) -> None:
    chance = random.Random()
    project.write_study(trials=30)
    for kill in range(10):
        process = project.start("study", "tiny")
        started.append(process)
        if kill % 2:  # among the trials; the others hit the start of a session
            project.wait_for(process, role="trial", number=5 * (kill // 2) + 5)
        moment = chance.uniform(0, 2 if kill % 2 else 8)
        print(f"kill {kill}: after {moment:.3f} s, {running(project.root)}")
        time.sleep(moment)
        process.kill()
        process.communicate()
    project.command("study", "tiny")
    check_as_if_never_killed(project, never_killed(base, 30), trials=30)
