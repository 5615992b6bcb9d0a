"""An interrupt as a flag that is looked at between steps.

Python raises KeyboardInterrupt wherever it is. Inside a destructor, of which TensorFlow's
objects have many, it is printed and dropped: the work would go on as if nobody had asked it to
stop.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS = 0.1  # between two looks while somebody waits
# after a signal that others are the same one: `timeout`, a closing terminal and Slurm tell each
# process of a command, of which `make` and shells tell theirs once more
ECHO_SECONDS = 1.0
EXIT_CODE = 130  # of a program that was interrupted
STOPPING = b"\nStopping after this step. Once more ends at once.\n"

_asked: list[int] = []  # signals that came while it is listened to
_looked_at: list[int] = []  # how many of them have been raised
_heard: list[float] = []  # when the last one came
_held: list[bool] = []  # what is at work that is not to be ended in its middle


@contextmanager
def listening(*, ends: bool = False) -> Iterator[None]:
    """Note signals, for `check` to raise KeyboardInterrupt.

    Args:
        ends: the second signal ends the process at once, as a command is to; else it raises
            KeyboardInterrupt where Python is, as in a notebook, whose variables are to stay.

    Signals within `ECHO_SECONDS` of one are the same one.

    Other threads than the main one are never interrupted: nothing is changed there. A signal that
    is ignored, as SIGHUP under nohup, stays so. The handlers are put back at the end.

    Raises:
        KeyboardInterrupt: a signal came after the last look.
    """
    if not _is_main() or _is_heard():
        yield
        return
    before = {}
    for number in SIGNALS:
        handler = signal.getsignal(number)
        # None is a handler that was not set from Python, and could not be put back
        if handler not in (signal.SIG_IGN, None):
            before[number] = handler
    note = _note_or_end if ends else _note_or_raise
    _heard.clear()
    try:
        for number in before:
            signal.signal(number, note)
        yield
        check()  # a signal after the last look of the work would be lost otherwise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()
        _looked_at.clear()


def check() -> None:
    """Raise KeyboardInterrupt if a signal has come since the last look.

    In the main thread alone: another would take the interrupt away from it.
    """
    if len(_asked) > len(_looked_at) and not _held and _is_main():
        _looked_at.extend(_asked[len(_looked_at) :])
        raise KeyboardInterrupt


def pause(seconds: float) -> None:
    """Wait, and look meanwhile whether a signal has come.

    Raises:
        KeyboardInterrupt: one has.
    """
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        check()
        time.sleep(min(LOOK_SECONDS, seconds))


@contextmanager
def held() -> Iterator[None]:
    """Let no first signal end what is done here: the next look after it raises."""
    _held.append(True)
    try:
        yield
    finally:
        _held.pop()


@contextmanager
def at_once() -> Iterator[None]:
    """Let signals raise KeyboardInterrupt at once, as in a download, which has no steps."""
    if not _is_main() or not _is_heard():
        yield
        return
    check()
    noting = {}
    for number in SIGNALS:
        handler = signal.getsignal(number)
        # what is ignored, or left to the system, is a number and stays as it is
        if callable(handler):
            noting[number] = handler
    try:
        for number in noting:
            signal.signal(number, _raise)
        yield
    finally:
        for number, handler in noting.items():
            signal.signal(number, handler)


def as_interrupts() -> None:
    """Let each signal raise KeyboardInterrupt, unless it is ignored.

    For a program's start.
    """
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _raise)


def ignore() -> None:
    """Let no signal change how a program ends that has done its work.

    While Python takes itself down, it would kill.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _is_heard() -> bool:
    return any(signal.getsignal(number) in (_note_or_end, _note_or_raise) for number in SIGNALS)


def _is_echo() -> bool:
    """Whether a signal that has just come is the one before, passed on; else it is noted."""
    now = time.monotonic()
    if _heard and now - _heard[-1] < ECHO_SECONDS:
        return True
    _heard[:] = [now]
    return False


def _raise(_number: int, _frame: FrameType | None) -> None:
    if not _is_echo():
        raise KeyboardInterrupt


def _note_or_end(number: int, _frame: FrameType | None) -> None:
    """The second signal ends the process; the store survives that, as it survives a kill."""
    if _is_echo():
        return
    if _asked:
        os._exit(EXIT_CODE)
    _note(number)


def _note_or_raise(number: int, _frame: FrameType | None) -> None:
    if _is_echo():
        return
    if _asked:
        raise KeyboardInterrupt
    _note(number)


def _note(number: int) -> None:
    _asked.append(number)
    with suppress(OSError, ValueError):  # a notebook's stderr has no file
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, STOPPING)
