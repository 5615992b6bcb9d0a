"""Work in a process of its own, which is ended when it is silent too long or takes too much memory.

What crashes there, or loops in a library's C code that hears no signal, crashes or loops alone.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from framework.system import interrupt
from framework.system.disk import size_text

LOOK_SECONDS = 0.1  # between two looks at its memory
MEMORY_SHARE = 0.75  # of what is free, so that the machine has room while it works
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)

Send = Callable[[Any], None]


class ChildEnded(Exception):
    """The process ended before its work was done: `silent`, `memory` or `crashed`."""

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why, self.detail = why, detail


@dataclass(frozen=True)
class Limits:
    """What a process may take.

    Args:
        seconds: between two messages.
        memory_bytes: that are resident; None for any, where the system does not tell.
    """

    seconds: float
    memory_bytes: int | None


def is_here() -> bool:
    """Whether this is a process that `messages` started, with limits around it already."""
    return multiprocessing.parent_process() is not None


def free_memory_share() -> int | None:
    """The bytes that a child may take: a share of what is free now; None where nothing tells."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(MEMORY_SHARE * 1024 * int(line.split()[1]))
    return None


def messages(
    work: Callable[..., None], *arguments: Any, limits: Limits, waiting: Callable[[float], None]
) -> Iterator[Any]:
    """What `work(send, *arguments)` sends, as it comes; each message is JSON.

    Args:
        work: a function of a module, with arguments that can be pickled.
        waiting: called between looks with the seconds since the last message.

    Raises:
        ChildEnded: it did not come to its end.
        KeyboardInterrupt: an interrupt came; the process is ended.
    """
    # a fresh interpreter: a fork would take over threads and locks that nobody there serves
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(there, work, arguments), daemon=True)
    process.start()
    there.close()  # so that its end is seen here
    try:
        yield from _heard(here, process, limits, waiting)
    finally:
        process.kill()
        process.join()
        here.close()


def _heard(
    here: Connection, process: Any, limits: Limits, waiting: Callable[[float], None]
) -> Iterator[Any]:
    last = time.monotonic()
    while True:
        # here too: who waits for a library in C is not to wait for an interrupt
        interrupt.check()
        if here.poll(LOOK_SECONDS):
            try:
                yield json.loads(here.recv_bytes())
            except EOFError:
                break
            last = time.monotonic()
            continue
        silent_seconds = time.monotonic() - last
        waiting(silent_seconds)
        if silent_seconds > limits.seconds:
            raise ChildEnded("silent", f"{limits.seconds:.0f} s")
        if limits.memory_bytes and resident_bytes(process.pid) > limits.memory_bytes:
            raise ChildEnded("memory", size_text(limits.memory_bytes))
    # the pipe's end: whether it has done its work is in its code
    process.join()
    if process.exitcode:
        raise ChildEnded("crashed", code_text(process.exitcode))


def code_text(code: int) -> str:
    """What a process ended with, in words: the name of a signal, or its code."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def resident_bytes(pid: int) -> int:
    """What a process holds of memory; 0 where it has ended, or the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):  # it has ended, or this system has no such files
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def die_with_parent() -> None:
    """Let the system kill this process when the one that started it is gone; on Linux alone."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


def _run(there: Connection, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """The process's whole life."""
    # the terminal interrupts both: it is the parent that decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    # what libraries print is not for the user: what is, is sent
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    work(lambda message: there.send_bytes(json.dumps(message).encode()), *arguments)
