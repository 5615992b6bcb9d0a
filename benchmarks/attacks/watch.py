"""What is seen of a command from outside: its end, its silence, its memory, what it writes."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

LONGEST_SECONDS = 300.0
LOOK_SECONDS, MEMORY_SECONDS = 0.1, 1.0  # between two looks at its end, and at its memory
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGING = {"os.link": 1, "os.mkdir": 0, "os.rename": 1, "os.symlink": 1, "sqlite3.connect": 0}
SYSTEM = ("/dev/", "/proc/", "/sys/")
HIGH = 200  # a descriptor that no state closes and no limit of a state counts


class Seen(NamedTuple):
    """How a command went.

    Args:
        code: its exit code; negative for a signal.
        silent_seconds: the longest time in which it said nothing, without what it waited for a
            machine that others kept busy.
        memory_kib: the most that it and its children held together.
        elsewhere: what it made or changed outside of the folder of the case.
    """

    code: int
    seconds: float
    silent_seconds: float
    memory_kib: int
    elsewhere: tuple[str, ...]


def watched(folder: Path, command: Callable[[], None]) -> Seen:
    """Run what never returns in a process of its own, and watch it.

    Args:
        folder: of the case; what the command says goes into `stdout` and `stderr` there.
    """
    began = heard = looked = time.monotonic()
    began_ns = time.time_ns()
    reader, writer = os.pipe()
    high = fcntl.fcntl(writer, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(writer)
    child = os.fork()
    if child == 0:
        os.close(reader)
        sys.addaudithook(_noting(folder, high))
        command()
    os.close(high)
    silent, size, most_kib, kept_waiting = 0.0, 0, 0, 0.0
    while True:
        # asked before it ends: nothing is known of it afterwards
        waited = max(kept_waiting, sum(map(_waited_seconds, _tree(child))))
        ended, status, usage = os.wait4(child, os.WNOHANG)
        now = time.monotonic()
        silent = max(silent, now - heard - (waited - kept_waiting))
        if ended:
            # the system's own figure misses no moment, but counts one process only
            most_kib = max(most_kib, usage.ru_maxrss)
            code = os.waitstatus_to_exitcode(status)
            elsewhere = tuple(sorted(_changed(reader, began_ns)))
            return Seen(code, now - began, silent, most_kib, elsewhere)
        # what is said shows that it is alive
        written = sum(path.stat().st_size for path in folder.glob("std*"))
        if written != size:
            heard, size, kept_waiting = now, written, waited
        if now - looked > MEMORY_SECONDS:
            looked, most_kib = now, max(most_kib, sum(map(_kib, _tree(child))))
        if now - began - waited > LONGEST_SECONDS:
            os.kill(child, signal.SIGKILL)
        time.sleep(LOOK_SECONDS)


def _tree(pid: int) -> Iterator[int]:
    """A process and all that it started, which may end while they are looked at."""
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _waited_seconds(pid: int) -> float:
    """How long a process was ready and no processor was free; 0 where the system does not tell."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def _kib(pid: int) -> int:
    """What a process holds; a page that several hold is shared out among them."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _noting(folder: Path, writer: int) -> Callable[[str, tuple[Any, ...]], None]:
    """A hook that notes each path outside of the folder that Python code opens for writing."""
    inside = os.path.realpath(folder) + os.sep
    noted = set[str]()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and len(arguments) > 2 and (arguments[2] or 0) & WRITING:
            path = arguments[0]
        elif event in CHANGING:
            path = arguments[CHANGING[event]]
        else:
            return
        # a path that is wrong is the command's to notice, not the hook's
        with suppress(OSError, ValueError, TypeError):
            path = os.path.realpath(os.fsdecode(path))
            # Python keeps what it compiled of the package beside it
            if path.startswith((inside, *SYSTEM)) or "__pycache__" in path or path in noted:
                return
            noted.add(path)
            os.write(writer, os.fsencode(path) + b"\0")

    return hook


def _changed(reader: int, began_ns: int) -> Iterator[str]:
    """Of the paths that were noted, those that are there and were changed since."""
    with os.fdopen(reader, "rb") as file:
        os.set_blocking(file.fileno(), False)
        noted = file.read() or b""
    for path in filter(None, noted.split(b"\0")):
        with suppress(OSError):
            if os.lstat(path).st_ctime_ns > began_ns:
                yield os.fsdecode(path)
