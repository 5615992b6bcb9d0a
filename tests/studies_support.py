"""Small projects for tests of the study loop: a folder of their own, data prepared once, nets that
train fast."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from noted_errors import noting

from framework.contracts import Catalog
from framework.planning.own_plugins import catalog_of
from framework.planning.plan import plan
from framework.results.record import Run
from framework.runner.baseline import Lab
from framework.runner.coordinator import Outcome, first_value, run
from framework.runner.events import Ended
from framework.system import interrupt
from framework.testing.labs import of_all_workers
from framework.tracking.store import Store

REPOSITORY = Path(__file__).parent.parent
# hold only what the specs determine
WHERE = b"## Where and when"
RESULTS = ("pareto.md", "pareto.csv", "pareto.tex", "trials.csv")
SECONDS = 300.0  # until a test gives up waiting for a process
NET = 'use("lenet_300_100", units_1=32, units_2=16)'
TRAIN = "Train(epochs=2, warmup_epochs=0, batch_size=32, learning_rate=0.003)"
PRUNE = (
    'use("magnitude_prune", layers=Choice("uniform", "erk"), sparsity=Float(0.3, 0.95), '
    "epochs=Choice(1, 2))"
)
FILE = '''"""{question}"""

from framework import AtLeast, AtMost, Choice, Float, Int, Study, Train, use

STUDY = Study(dataset=use("digits"), {parts})
'''


@dataclass
class Watcher:
    """A view that remembers what it was shown, and can act at a trial's end."""

    ended_runs: list[Ended] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    ended_by_then: list[int] = field(default_factory=list)  # runs, when a single one was left
    phases: list[tuple[str, str]] = field(default_factory=list)
    at_end: Callable[[Ended], None] = lambda event: None

    def begin(self, plan: Any, *, done: int, wanted: int, what: str = "trials") -> None:
        self.done, self.wanted = done, wanted

    def epoch(self, running: Any, epoch: int, values: Any) -> None:
        pass

    def phase(self, running: Any, name: str) -> None:
        self.phases.append((running.what, name))

    def ending(self) -> None:
        self.ended_by_then.append(len(self.ended_runs))

    def ended(self, event: Ended) -> None:
        self.ended_runs.append(event)
        self.at_end(event)

    @noting
    def say(self, text: str) -> None:
        self.said.append(text)

    @property
    def ran(self) -> list[str]:
        """What was run, in order."""
        return [event.what for event in self.ended_runs]


@dataclass(frozen=True)
class Project:
    """A project's folder."""

    root: Path

    def write_study(
        self, name: str = "tiny", *, question: str = "Does it run?", **parts: object
    ) -> None:
        """A study file; source by field; what is not given is small."""
        source = {
            "architecture": NET,
            "train": TRAIN,
            "compress": f"[{PRUNE}]",
            "trials": 3,
        } | parts
        text = ", ".join(f"{key}={value}" for key, value in source.items())
        (self.root / "studies" / f"{name}.py").write_text(
            FILE.format(question=question, parts=text)
        )

    def study(
        self,
        name: str = "tiny",
        *settings: str,
        fresh: bool = False,
        observer: Watcher | None = None,
    ) -> Outcome:
        """Run the study in this process, without a report."""
        catalog = catalog_of(self.root)
        planned = plan(self.root, name, settings=settings, catalog=catalog)
        view = observer or Watcher()
        with timed_briefly():
            return run(planned, self.root, catalog=catalog, observer=view, fresh=fresh)

    def command(self, *arguments: str) -> None:
        """The command line, in this process."""
        from framework.cli import app

        before = Path.cwd()
        os.chdir(self.root)
        try:
            with timed_briefly() if arguments[0] == "study" else nullcontext():
                assert app(list(arguments), standalone_mode=False) in (None, 0)
        finally:
            os.chdir(before)

    def exit_code(self, *arguments: str) -> Any:
        """What the command line ends with, in this process."""
        from framework.cli import main

        handlers = {number: signal.getsignal(number) for number in interrupt.SIGNALS}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["squeezelab", *arguments])
            patch.chdir(self.root)
            with pytest.raises(SystemExit) as left:
                main()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        return left.value.code

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command line, as a process of its own."""
        return self.python("from framework.cli import main; main()", *arguments)

    def python(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """A fresh interpreter in the project's folder."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def store(self) -> Store:
        return Store.open(self.root, create=False)

    def runs(self, role: str, name: str = "tiny", **tags: str) -> list[Run]:
        return self.store().runs(name, role=role, **tags)

    def results(self, folder: str = "tiny") -> dict[str, bytes]:
        """The report's files that hold only what the specs determine."""
        out = self.root / "reports" / "out" / folder
        # below its last head the page says where and when
        return {name: (out / name).read_bytes().split(WHERE)[0] for name in RESULTS}

    def wait_for(self, process: subprocess.Popen[str], *, role: str, number: int = -1) -> None:
        """Return as soon as the store shows a RUNNING run of this role, of this trial or a later
        one."""
        deadline = time.monotonic() + SECONDS
        while not any(found == role and at >= number for found, at in running(self.root)):
            if process.poll() is not None:
                raise AssertionError(f"It ended before: {process.communicate()}")
            if time.monotonic() > deadline:
                process.kill()
                raise AssertionError("It did not begin in time.")
            time.sleep(0.02)


@contextmanager
def timed_briefly() -> Iterator[None]:
    """Latency from fewer runs in each round: tests of studies look at where it goes.

    How it is measured is held by the tests of `latency`.
    """
    from framework.nn.tflite import latency

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latency, "SAMPLES_PER_ROUND", 2)
        patch.setattr(latency, "LEAST_SAMPLE_US", 1.0)
        yield


def running(root: Path) -> list[tuple[str, int]]:
    """(role, trial number) of the RUNNING runs, read without MLflow.

    Empty while there is no store.
    """
    query = """
        SELECT role.value, COALESCE(trial.value, '-1') FROM runs
        JOIN tags role ON role.run_uuid = runs.run_uuid AND role.key = 'squeezelab.role'
        LEFT JOIN tags trial ON trial.run_uuid = runs.run_uuid AND trial.key = 'squeezelab.trial'
        WHERE runs.status = 'RUNNING'
    """
    with closing(sqlite3.connect(root / "mlflow.db", timeout=20)) as database:
        return [(role, int(number)) for role, number in database.execute(query)]


def integrity(root: Path) -> str:
    """SQLite's own verdict on the store."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        return str(database.execute("PRAGMA integrity_check").fetchone()[0])


@contextmanager
def made_once(root: Path) -> Iterator[bool]:
    """Whether this process is the one that makes a folder; others wait until it is whole."""
    done = root.with_suffix(".done")
    with FileLock(root.with_suffix(".lock")):
        yield not done.exists()
        done.touch()


@cache
def prepared(base: Path) -> Path:
    """A project with an empty store and the digits prepared; made once per session.

    Args:
        base: pytest's folder for this session.
    """
    root = of_all_workers(base) / "prepared"
    with made_once(root) as is_new:
        if is_new:
            _prepare(root)
    return root


def _prepare(root: Path) -> None:
    (root / "studies").mkdir(parents=True)
    ignored = shutil.ignore_patterns("out", "__pycache__")
    shutil.copytree(REPOSITORY / "reports", root / "reports", ignore=ignored)
    Project(root).write_study()
    Store.open(root)
    catalog = Catalog()
    spec = plan(root, "tiny", settings=[], catalog=catalog).study.fix(first_value)
    Lab(root, catalog).splits(spec)


def new_project(base: Path, root: Path) -> Project:
    """A project of its own in `root`, with what was prepared once."""
    shutil.copytree(prepared(base), root)
    return Project(root)


@cache
def never_killed(base: Path, trials: int) -> Project:
    """A project whose study `tiny` ran to its end in one go, with its report.

    Made once per session, to be read.
    """
    project = Project(of_all_workers(base) / f"never_killed_{trials}")
    with made_once(project.root) as is_new:
        if is_new:
            new_project(base, project.root)
            project.write_study(trials=trials)
            project.command("study", "tiny")
    return project


def answers(file: bytes, images: np.ndarray[Any, Any]) -> list[int]:
    """What a `.tflite` file answers, asked by nothing of ours."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(model_content=file)
    net.allocate_tensors()
    given, told = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]
    found = []
    for image in images:
        net.set_tensor(given, image[np.newaxis])
        net.invoke()
        found.append(int(net.get_tensor(told)[0].argmax()))
    return found


def children(pid: int) -> list[int]:
    """Processes that a process has started, and those that these have."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    found = []
    for text in listed.stdout.split():
        found += [int(text), *children(int(text))]
    return found


def is_alive(pid: int) -> bool:
    """Whether a process has not ended; one that nobody has waited for has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
