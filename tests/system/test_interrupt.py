"""An interrupt is looked at between steps: it is never lost, and stops what runs within one of
them."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from studies_support import SECONDS, Project, new_project, running

from framework.system import interrupt
from framework.system.locks import patient_lock

ROOT = Path(__file__).parents[2]
THREE = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", THREE)
def test_a_signal_is_noted_and_raised_at_the_next_look(number: signal.Signals) -> None:
    with interrupt.listening():
        signal.raise_signal(number)  # nothing is raised here
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()


def test_a_signal_in_a_destructor_is_not_lost() -> None:
    class Dying:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    with interrupt.listening():
        Dying()
        gc.collect()
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()


def test_a_signal_after_the_last_look_is_raised_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), interrupt.listening():
        signal.raise_signal(signal.SIGINT)


def test_what_was_raised_is_not_raised_again() -> None:
    with interrupt.listening():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()
        interrupt.check()  # as while the report is written


def test_handlers_are_put_back_and_nothing_is_left() -> None:
    before = [signal.getsignal(number) for number in THREE]
    with interrupt.listening(), interrupt.listening():
        assert all(
            signal.getsignal(number) != handler
            for number, handler in zip(THREE, before, strict=True)
        )
    assert [signal.getsignal(number) for number in THREE] == before
    interrupt.check()


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupt.listening():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.01)
            interrupt.check()
        interrupt.as_interrupts()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_change_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[Any] = []

    def run() -> None:
        with interrupt.listening():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]


def test_waiting_for_a_lock_ends_too(tmp_path: Path) -> None:
    with FileLock(tmp_path / "one"), interrupt.listening():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), patient_lock(tmp_path / "one"):
            raise AssertionError("Two hold one lock.")


SECOND = """
import signal
from framework.system import interrupt
interrupt.ECHO_SECONDS = 0.0  # it comes long after the first
with interrupt.listening(ends=True):
    for _ in range(2):
        signal.raise_signal(signal.SIGINT)
    print("still here")
"""


def test_the_second_signal_ends_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SECOND], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() == "Stopping after this step. Once more ends at once."


STEPS = """
import os, time
from framework.system import interrupt
interrupt.as_interrupts()
try:
    with interrupt.{how}:
        print("at work", flush=True)
        while True:
            time.sleep(0.01)
            interrupt.check()
except KeyboardInterrupt:
    time.sleep(1.0)  # as the open runs are closed
    print("closed", flush=True)
"""


@pytest.mark.parametrize("how", ["listening(ends=True)", "listening()", "held()"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_is_passed_on_is_one(number: signal.Signals, how: str) -> None:
    """`timeout 3600 make study`, and Slurm, tell make and the study; make tells the study too."""
    code = [sys.executable, "-c", STEPS.format(how=how)]
    with subprocess.Popen(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as steps:
        assert steps.stdout
        assert steps.stdout.readline() == "at work\n"
        steps.send_signal(number)
        time.sleep(0.1)
        steps.send_signal(number)
        shown, told = steps.communicate(timeout=SECONDS)
    assert shown == "closed\n"
    assert "Traceback" not in told


def test_in_a_notebook_the_second_signal_raises_where_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interrupt, "ECHO_SECONDS", 0.0)
    with interrupt.listening():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()


def test_what_has_no_steps_is_interrupted_where_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interrupt, "ECHO_SECONDS", 0.0)
    with interrupt.listening():
        with pytest.raises(KeyboardInterrupt), interrupt.at_once():
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)  # noted again
        with pytest.raises(KeyboardInterrupt), interrupt.at_once():
            raise AssertionError("It is looked before a download begins.")


@pytest.mark.parametrize("loading", ["framework.cli", "typer", "framework.errors"])
def test_an_interrupt_while_the_command_is_loaded_is_one_line(loading: str) -> None:
    code = (
        "import builtins, os, runpy\nload = builtins.__import__\n"
        "def interrupted(name, *rest, **more):\n"
        f"    if name == {loading!r}: os.kill(os.getpid(), 2)\n"
        "    return load(name, *rest, **more)\n"
        "builtins.__import__ = interrupted\n"
        "runpy.run_module('framework', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "list"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert re.fullmatch(r"Stopped[^\n]+\n", done.stderr)


@pytest.mark.parametrize("ending", ["raise", "return 130"])  # the second as typer makes of it
def test_an_interrupt_in_code_that_a_library_made_of_text_ends_with_130(
    ending: str, tmp_path: Path
) -> None:
    """There Python notes it as one that nobody took, and would end with the signal."""
    (tmp_path / "probe.py").write_text(
        "from framework.cli import base\n"
        "def interrupted(**_):\n"
        "    try:\n        exec('raise KeyboardInterrupt')\n"
        f"    except KeyboardInterrupt:\n        {ending}\n"
        "base.app = interrupted\nbase.main()"
    )
    command = [sys.executable, "-m", "probe"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr


def test_next_to_nothing_is_loaded_before_an_interrupt_is_taken() -> None:
    code = (
        "import sys\nbefore = set(sys.modules)\n"
        "import framework.__main__\nprint(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"__future__", "framework", "framework.__main__"}


def test_an_interrupt_while_python_takes_itself_down_changes_nothing() -> None:
    """There Python has put back the system's own handler, which kills."""
    code = (
        "import builtins, os, sys\n"
        "from framework.__main__ import main\n"
        "class Last:\n"
        "    def __del__(self, kill=os.kill, me=os.getpid(), write=os.write):\n"
        "        kill(me, 2)\n"
        "        write(1, b'the end')\n"
        "builtins.last = Last()\n"
        "sys.argv = ['squeezelab', '--help']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("the end")


# --- a study --------------------------------------------------------------------------------------

MOMENTS = """
import os, signal, sys
import framework.nn as nn
from framework.runner import coordinator
from framework.runner import trial
from framework.nn.tflite import converter
from framework.nn.training import fit

place, count = sys.argv.pop(1), 0


def then(original):
    def call(*arguments, **options):
        global count
        count += 1
        if count == {"step": 25, "export": 4, "between": 2}[place]:
            os.kill(os.getpid(), signal.SIGINT)
        if place == "step" and count > 25:
            print("another step", file=sys.stderr)
        return original(*arguments, **options)

    return call


if place == "step":
    fit.Watch.on_train_batch_begin = then(lambda *_: None)
elif place == "export":
    converter.to_tflite = then(converter.to_tflite)
else:
    coordinator.Coordinator._show = then(coordinator.Coordinator._show)
from framework.__main__ import main
main()
"""


@pytest.mark.parametrize(("place", "done"), [("step", 0), ("export", 1), ("between", 2)])
def test_a_study_stops_within_a_step_and_goes_on(
    place: str,
    done: int,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    project: Project = new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")
    shown, told = (process := project.python(MOMENTS, place, "study", "tiny")).communicate(
        timeout=SECONDS
    )
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert "Exception ignored" not in told
    assert "another step" not in told
    assert "the same command goes on from here" in told
    assert running(project.root) == []
    assert len([run for run in project.runs("trial") if run.status == "FINISHED"]) == done
    # the report of what is done
    assert bool(re.search(r"^\| trial", shown, re.MULTILINE)) == bool(done)
    assert (project.root / "reports" / "out" / "tiny" / "pareto.md").exists() == bool(done)
    assert ("note.content" in project.store().ui_tags("tiny")) == bool(done)
    assert len(project.study().plan.study.objectives) == 2
    assert sorted(run.number for run in project.runs("trial") if run.status == "FINISHED") == [
        0,
        1,
        2,
    ]
