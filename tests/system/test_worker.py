"""A process that answers questions: whatever one of them does, the next one is answered."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from framework.system import interrupt
from framework.system.child import ChildEnded, free_memory_share
from framework.system.worker import Worker

LINUX = pytest.mark.skipif(free_memory_share() is None, reason="this system does not tell memory")


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker("child_support:answers")
    yield worker
    worker.end()


def asked(worker: Worker, do: str, cpu_seconds: int = 60, **more: Any) -> dict[str, Any]:
    return worker.ask({"do": do, **more}, cpu_seconds=cpu_seconds, memory_bytes=2**27)


def test_one_process_answers_all_questions_and_prints_nothing(
    worker: Worker, capfd: pytest.CaptureFixture[str]
) -> None:
    first = asked(worker, "answer")
    assert asked(worker, "print") == first
    assert first["pid"] != os.getpid()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("do", "why"), [("loop", "silent"), ("crash", "crashed")])
def test_one_that_does_not_answer_is_ended_and_another_answers(
    worker: Worker, do: str, why: str
) -> None:
    first = asked(worker, "answer")
    with pytest.raises(ChildEnded) as ended:
        asked(worker, do, cpu_seconds=1)
    assert ended.value.why == why
    assert asked(worker, "answer") != first


@contextmanager
def started(timer: threading.Timer) -> Iterator[None]:
    timer.start()
    yield


@LINUX
def test_an_answer_may_take_so_much_memory_and_no_more(worker: Worker) -> None:
    assert asked(worker, "take", bytes=2**24) == {"length": 2**24}
    with pytest.raises(ChildEnded) as ended:
        asked(worker, "take", bytes=2**30)
    assert ended.value.why == "memory"


def test_an_interrupt_ends_the_wait_and_the_process(worker: Worker) -> None:
    pid = asked(worker, "answer")["pid"]
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), interrupt.listening(), started(timer):
        asked(worker, "loop")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
