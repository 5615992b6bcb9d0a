"""Work in a process of its own: what it says arrives, and whatever it does it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import child_support
import pytest

from framework.system import interrupt
from framework.system.child import ChildEnded, Limits, free_memory_share, messages

PATIENT = Limits(60.0, None)


def heard(work: Callable[..., None], *arguments: Any, limits: Limits = PATIENT) -> list[Any]:
    return list(messages(work, *arguments, limits=limits, waiting=lambda seconds: None))


def test_messages_come_in_order_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert heard(child_support.counts, 3) == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("work", "detail"),
    [(child_support.crashes, "SIGABRT"), (child_support.raises, "exit code 1")],
)
def test_a_crash_ends_the_child_alone(work: Callable[..., None], detail: str) -> None:
    with pytest.raises(ChildEnded) as ended:
        heard(work)
    assert (ended.value.why, ended.value.detail) == ("crashed", detail)


def test_a_child_that_says_nothing_is_ended_and_waiting_is_told() -> None:
    waited: list[float] = []
    said = messages(child_support.hangs, limits=Limits(1.0, None), waiting=waited.append)
    assert next(said) == "begun"
    waited.clear()
    with pytest.raises(ChildEnded) as ended:
        next(said)
    assert ended.value.why == "silent"
    assert waited == sorted(waited)  # from the message on
    assert waited[-1] > 1.0


@pytest.mark.skipif(free_memory_share() is None, reason="this system does not tell its memory")
def test_a_child_that_takes_too_much_memory_is_ended() -> None:
    with pytest.raises(ChildEnded) as ended:
        heard(child_support.takes_memory, 2**28, limits=Limits(60.0, 2**27))
    assert ended.value.why == "memory"


def test_who_stops_listening_leaves_no_process() -> None:
    pids = []
    with interrupt.listening(), suppress(KeyboardInterrupt):
        for pid in messages(
            child_support.tells_its_number, limits=PATIENT, waiting=lambda seconds: None
        ):
            pids.append(pid)
            signal.raise_signal(signal.SIGINT)
    assert len(pids) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
