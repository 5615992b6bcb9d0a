"""A simulated machine's clock, and the moments at which something can happen to a session.

A moment is a wait, or one write to the store; each is counted, so that what happens at the 17th
happens there again when a scenario is replayed.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

WAIT, FILE, SERVER = "wait", "file", "server"  # what a session is doing
DATABASE = "database"  # a transaction, which is done or not
STORES = (SERVER, DATABASE)
KINDS = {  # of events -> how often each is drawn
    "kill": 6,  # of the coordinator
    "death": 5,  # of a worker
    "full": 2,  # the disk
    "silence": 3,  # of the store
    "interrupt": 2,  # Ctrl-C
    "jump": 1,  # of the wall clock
    "stall": 1,  # of the whole machine
}
BREAKING = ("kill", "full", "silence")  # after them a write may be done in part
ENDING = ("kill", "interrupt")  # come also while the store is silent
BEGAN = 1_700_000_000.0  # of simulated time, in seconds since 1970
LOOK_SECONDS = 1e-5  # what a look at the clock takes


class Killed(BaseException):
    """The coordinator was killed: nothing that it does from here on reaches anything."""


class Away(Exception):
    """The store does not answer."""


class DiskFull(Exception):
    """The store has no room."""


class Clock:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.offset = 0.0  # of the wall clock, which somebody may set

    def monotonic(self) -> float:
        """Seconds of a clock that nobody sets."""
        self.seconds += LOOK_SECONDS
        return self.seconds

    perf_counter = monotonic

    def time(self) -> float:
        """Seconds since 1970, as this machine believes."""
        return BEGAN + self.monotonic() + self.offset

    def time_ns(self) -> int:
        """The same in nanoseconds."""
        return int(self.time() * 1e9)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(frozen=True)
class Event:
    """Something that happens.

    Args:
        kind: one of KINDS.
        share: how much of a write is done before it is broken off, 0 to 1: at 1 all but the answer.
        seconds: of a silence, a jump or a stall.
    """

    kind: str
    share: float
    seconds: float

    def __str__(self) -> str:
        share = f" after {self.share:.2f} of it" if self.kind in BREAKING else ""
        seconds = f" of {self.seconds:.0f} s" if self.kind in ("silence", "jump", "stall") else ""
        return f"{self.kind}{seconds}{share}"


class Moments:
    """The moments of one session, and what happens at some of them.

    Args:
        clock: of the machine.
        events: number of a moment -> what happens at it.
    """

    def __init__(self, clock: Clock, events: Mapping[int, Event]) -> None:
        self._clock, self._events = clock, events
        self.count = 0
        self.happened: list[tuple[int, str, Event]] = []
        self.deaths = 0  # of workers, that are due
        self.is_full = False  # for a worker: the next result is refused
        self._dead = self._pressed = False
        self._answers_at = 0.0

    def wait(self, what: str) -> None:
        """Pass a moment without a write."""
        self._pass(WAIT, what)

    def write(self, where: str, what: str, *steps: Callable[[], Any]) -> Any:
        """Do the steps of one write, each of which is done or not; what the last one returns.

        Args:
            where: FILE, SERVER or DATABASE.
            what: for whoever replays it.

        Raises:
            Killed: the coordinator was killed before, in the middle or at the end of it.
            Away: the store did not answer, whether or not it wrote.
            DiskFull: the store took some of it or nothing.
            OSError: the same of a file.
        """
        return self._pass(where, what, *steps)

    def check(self) -> None:
        """Stands for `interrupt.check`."""
        if self._dead:
            raise Killed
        if self._pressed:
            self._pressed = False
            raise KeyboardInterrupt

    def pause(self, seconds: float) -> None:
        """Stands for `interrupt.pause`."""
        self.check()
        self._clock.sleep(seconds)

    def _pass(self, where: str, what: str, *steps: Callable[[], Any]) -> Any:
        # code that catches everything goes on in a process that is dead
        if self._dead:
            raise Killed
        event = self._events.get(self.count)
        if where in STORES and self._clock.seconds < self._answers_at:
            # how often a call is tried again is no matter of moments, but it may be the last time
            if event is None or event.kind not in ENDING:
                raise Away
            steps = ()
        self.count += 1
        done = len(steps)
        if event and event.kind in BREAKING:
            # what a database does not take it tells; only a kill may come after it is taken
            is_told = where == DATABASE and event.kind != "kill"
            done = 0 if is_told else round(event.share * done)
        answer = None
        for step in steps[:done]:
            answer = step()
        if event:
            self.happened.append((self.count - 1, what, event))
            self._strike(event, where)
            if where in STORES and not steps:
                raise Away
        return answer

    def _strike(self, event: Event, where: str) -> None:
        # what breaks nothing lies in wait: for the next look, or for a worker
        if event.kind == "kill":
            self._dead = True
            raise Killed
        if event.kind == "interrupt":
            self._pressed = True
        elif event.kind == "jump":
            self._clock.offset += event.seconds
        elif event.kind == "stall":
            self._clock.seconds += abs(event.seconds)
        elif event.kind == "death":
            self.deaths += 1
        elif where == WAIT:
            self.is_full = event.kind == "full"
        elif where == FILE:
            raise OSError(errno.ENOSPC if event.kind == "full" else errno.EIO, "made up")
        elif event.kind == "full":
            raise DiskFull
        else:
            self._answers_at = self._clock.seconds + abs(event.seconds)
            raise Away
