"""What a person sees: plain lines in a file, a live line on a terminal, no escape codes."""

from __future__ import annotations

import io
import logging
import os
import pty
import re
import select
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from framework import Study, use
from framework.display import progress
from framework.display.progress import Progress, duration, number
from framework.planning.plan import Plan
from framework.results.record import Record
from framework.runner.events import Ended, Running

PLAN = Plan("mine", "Q?", (), Study(dataset=use("digits"), architecture=use("lenet5"), trials=30))
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_logger() -> Iterator[None]:
    """The view takes the package's log over; give it back."""
    log = logging.getLogger("framework")
    before = list(log.handlers)
    yield
    log.handlers = before


def ended(position: int = 0, **fields: object) -> Ended:
    event = Ended(
        what="baseline",
        record=Record(metrics={"val_accuracy": 0.98}),
        values={"val_accuracy": 0.98, "params_nonzero": 12345.0},
    )
    if position:
        event = replace(
            event,
            what=f"trial {position - 1}",
            position=position,
            of=30,
            front=2,
            tried="magnitude_prune · sparsity 0.88",
            eta_seconds=125.0,
        )
    return replace(event, **fields)  # type: ignore[arg-type]


def on_screen(text: str) -> list[str]:
    """The lines a terminal is left with after this text; empty ones left out."""
    lines, at = [""], 0
    for part in re.split(r"(\r?\n|\r|\x1b\[1A|\x1b\[2K)", text):
        if part.endswith("\n"):
            at += 1
            lines += [""] * (at == len(lines))
        elif part == "\x1b[1A":
            at -= 1
        elif part == "\x1b[2K":
            lines[at] = ""
        elif part != "\r":
            lines[at] += ESCAPE.sub("", part)
    return [line.rstrip() for line in lines if line.strip()]


def shown(*events: Ended, done: int = 0, **console: object) -> str:
    """What a console shows of these events."""
    out = io.StringIO()
    with Progress(Console(file=out, width=200, **console)) as observer:  # type: ignore[arg-type]
        observer.begin(PLAN, done=done, wanted=30)
        for event in events:
            observer.epoch(Running(event.what, event.tried, epochs=8), 3, {"loss": 0.25})
            observer.ended(event)
    return out.getvalue()


def test_plain_lines_where_there_is_no_terminal() -> None:
    text = shown(ended(), ended(1), ended(2, failed=1, eta_seconds=None))
    assert "\x1b" not in text
    assert "\r" not in text
    assert text.splitlines() == [
        "mine: digits, sampler tpe, seed 0",
        "30 trials to run.",
        "baseline              val_accuracy 0.9800  params_nonzero 12,345",
        "trial 0 (1 of 30)     val_accuracy 0.9800  params_nonzero 12,345",
        "                      magnitude_prune · sparsity 0.88, front 2, about 2 min 5 s left",
        "trial 1 (2 of 30)     val_accuracy 0.9800  params_nonzero 12,345",
        "                      magnitude_prune · sparsity 0.88, front 2, failed 1",
    ]


def test_what_a_trial_gave_the_front_is_said() -> None:
    text = shown(ended(1, is_on_front=True, volume=1.23456, gain=0.02), ended(2))
    assert "sparsity 0.88, on the front of 2, hypervolume 1.235 (+0.020), about" in text
    assert "on the front of 2, about" in shown(ended(1, is_on_front=True))


def test_a_file_gets_a_sign_of_life_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    out = io.StringIO()
    running = Running("trial 7", "magnitude_prune · sparsity 0.91", epochs=4)
    with Progress(Console(file=out, width=200)) as observer:
        for moment, name in ((10.0, "exporting"), (31.0, "at work"), (32.0, "timing")):
            clock[0] = moment
            observer.phase(running, name)
        clock[0] = 40.0
        observer.epoch(running, 1, {"loss": 0.5})
        clock[0] = 63.0
        observer.epoch(running, 2, {"loss": 0.5})
    assert out.getvalue().splitlines() == [
        "trial 7 · magnitude_prune · sparsity 0.91 · timing",
        "trial 7 · magnitude_prune · sparsity 0.91 · training, epoch 2 of 4  loss 0.5000",
    ]


def test_a_terminal_shows_what_a_trial_is_at() -> None:
    out = io.StringIO()
    running = Running("trial 7", "magnitude_prune · sparsity 0.91", epochs=4)
    with Progress(Console(file=out, width=200, force_terminal=True)) as observer:
        observer.begin(PLAN, done=0, wanted=30)
        observer.phase(running, "training")
        assert "trial 7 · magnitude_prune · sparsity 0.91 · training" in ESCAPE.sub(
            "", out.getvalue()
        )


def test_a_failure_says_why() -> None:
    broken = Record(
        reason="exception",
        error="Traceback (most recent call last):\n  File x\nRuntimeError: [no] such [/thing]\n",
    )
    text = shown(ended(1, record=broken, values={}))
    assert "FAILED, exception: RuntimeError: [no] such [/thing]" in text
    assert "lenet5  FAILED, exception" in shown(ended(1, record=broken, values={}, net="lenet5"))


def test_a_failure_of_ours_says_cause_and_way_out() -> None:
    error = (
        "Traceback (most recent call last):\n  File x\n"
        "framework.errors.NotDeployable: The file answers otherwise.\nBy: 0.5.\nTake ptq.\n"
    )
    text = shown(ended(1, record=Record(reason="not_deployable", error=error), values={}))
    assert "FAILED, not_deployable: The file answers otherwise. By: 0.5. Take ptq." in text


def test_no_epoch_is_more_than_all_of_them() -> None:
    out = io.StringIO()
    with Progress(Console(file=out, width=200, force_terminal=True)) as observer:
        observer.begin(PLAN, done=0, wanted=30)
        observer.epoch(Running("trial 0", epochs=2), 3, {"loss": 0.25})
    assert "trial 0 · training, epoch 3  loss" in ESCAPE.sub("", out.getvalue())


def test_the_net_is_named_where_several_are_tried() -> None:
    lines = shown(ended(net="lenet5"), ended(1, net="wide")).splitlines()
    assert lines[2] == "baseline              lenet5  val_accuracy 0.9800  params_nonzero 12,345"
    assert lines[3] == "trial 0 (1 of 30)     wide  val_accuracy 0.9800  params_nonzero 12,345"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.98, "0.9800"),
        (12345.0, "12,345"),
        (-70.7414, "-70.7414"),
        (0.0, "0.0000"),
        (0.00012345, "0.0001234"),
    ],
)
def test_small_errors_keep_their_digits(value: float, told: str) -> None:
    assert number(value) == told


def test_a_failure_without_a_traceback() -> None:
    assert "FAILED, timeout: timeout" in shown(ended(1, record=Record(reason="timeout"), values={}))


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (0, "30 trials to run."),
        (12, "12 of 30 trials are done; 18 to go."),
        (30, "30 of 30 trials are done."),
    ],
)
def test_how_far_it_is(done: int, said: str) -> None:
    assert said in shown(done=done).splitlines()


def test_overrides_are_named_as_given() -> None:
    out = io.StringIO()
    with Progress(Console(file=out)) as observer:
        observer.begin(
            replace(PLAN, overrides=("trials=3", "compress.0.sparsity=[bold]")), done=0, wanted=3
        )
    assert "with trials=3 compress.0.sparsity=[bold]" in out.getvalue()


def test_the_live_line_on_a_terminal() -> None:
    text = shown(ended(1), ended(2), force_terminal=True, color_system=None)
    for words in (
        "2/30",
        "about 2 min 5 s left",
        "trial 1 · magnitude_prune · sparsity 0.88 · training, epoch 3 of 8  loss 0.2500",
    ):
        assert words in text
    assert not [line for line in on_screen(text) if "loss" in line], (
        "the live line is wiped at the end"
    )


def test_no_colour_when_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    failed = ended(1, record=Record(reason="exception", error="x"), values={})
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown(failed, force_terminal=True))


def test_warnings_of_the_package_go_to_the_same_console() -> None:
    out = io.StringIO()
    with Progress(Console(file=out, width=100)):
        logging.getLogger("framework").warning("A cached [baseline] is damaged.")
    assert "A cached [baseline] is damaged." in out.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [(266610.0, "266,610"), (0.98244, "0.9824"), (1.0, "1.0000"), (0.0, "0.0000")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5.4, "5 s"), (60, "1 min 0 s"), (125, "2 min 5 s"), (7260, "2 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# --- a real terminal ------------------------------------------------------------------------------

ON_A_TERMINAL = textwrap.dedent("""
    import time
    from rich.console import Console
    from framework import Study, use
    from framework.planning.plan import Plan
    from framework.display.progress import Progress
    from framework.results.record import Record
    from framework.runner.events import Ended, Running

    study = Study(dataset=use("digits"), architecture=use("lenet5"), trials=2)
    with Progress(Console(stderr=True)) as view:
        view.begin(Plan("mine", "Q?", (), study), done=0, wanted=2)
        for number in range(2):
            view.epoch(Running(f"trial {number}"), 1, {"loss": 0.5})
            time.sleep(0.3)
            values = {"val_accuracy": 0.9}
            what = f"trial {number}"
            view.ended(Ended(what=what, record=Record(), values=values, position=number + 1, of=2))
            print(f"result {number}", flush=True)
""")


def on_a_terminal(code: str) -> tuple[str, str]:
    """(stdout, what the terminal on stderr got) of a process."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment | {"TERM": "xterm", "COLUMNS": "120", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    got = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not chunk:
            break
        got += chunk
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    return out, got.decode()


def test_results_and_progress_do_not_mix_on_a_terminal() -> None:
    out, terminal = on_a_terminal(ON_A_TERMINAL)
    assert out == "result 0\nresult 1\n"
    assert "0/2" in terminal
    assert on_screen(terminal) == [
        "mine: digits, sampler tpe, seed 0",
        "2 trials to run.",
        "trial 0 (1 of 2)      val_accuracy 0.9000",
        "                      front 0",
        "trial 1 (2 of 2)      val_accuracy 0.9000",
        "                      front 0",
    ]
