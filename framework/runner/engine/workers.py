"""Runs in processes beside this one, each of which does one after another.

The coordinator loads no TensorFlow for them. A pool of one process for each slot, because a process
keeps the nets that it has traced, and of a pool of several nobody can say which gets a run.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from framework.errors import StudyStopped, TrialCancelled, TrialTimeout
from framework.planning.own_plugins import snapshot
from framework.results.record import Record
from framework.runner import trial
from framework.runner.engine import work
from framework.runner.engine.affinity import Traced, apt, structure
from framework.runner.engine.cancelling import CANCELLED_TEXT
from framework.runner.engine.interface import MOST_DEATHS, WorkerDied
from framework.system import child, host, interrupt, paths
from framework.system.disk import size_text

if TYPE_CHECKING:
    from framework.runner.engine.handed import Parcel
    from framework.runner.engine.interface import Task
    from framework.study.spec import Spec

T = TypeVar("T")
LOOK_SECONDS = 0.2  # between two looks at what workers have sent, take and exceed
GRACE_SECONDS = 10.0  # beyond a run's limit, in which a step that looks at the clock ends it itself
RENEWED_SHARE = 0.75  # of its memory, beyond which a worker is made anew after its run
TIMEOUT, CANCELLED = TrialTimeout.reason, TrialCancelled.reason
ENDED = {TIMEOUT: trial.TOO_LONG, CANCELLED: CANCELLED_TEXT}  # runs that are not begun again


class Workers:
    """Does runs in worker processes.

    Args:
        root: the project.
        slots: how many workers.
        number: of the first, which names its log.
        memory_bytes: that each may hold, beyond which it is ended; None for an equal part of what
            the machine has free.
        cores: of each; None for an equal part of what this process may use.
        first: a spec of the study, whose data a worker loads while it has nothing to do; None for
            workers that are started by their first run.
        is_handed: samples lie there as they were handed over; see `handed`.
    """

    def __init__(
        self,
        root: Path,
        *,
        slots: int,
        number: int = 0,
        memory_bytes: int | None = None,
        cores: int | None = None,
        first: Spec | None = None,
        is_handed: bool = False,
    ) -> None:
        share = child.free_memory_share()
        self._memory = memory_bytes or (share // slots if share else None)
        begin = partial(
            work.begin,
            root=root,
            plugins=snapshot(root),
            cores=cores or max(1, host.cores() // slots),
            is_handed=is_handed,
        )
        self._slots = []
        for each in range(number, number + slots):
            # the first of them trains or measures the dense net for the store
            load = partial(work.load, first, measures=each > number)
            self._slots.append(_Slot(root, each, begin, load))
        if first:  # at once: the first of them trains a baseline while the others still load
            for slot in self._slots:
                slot.start()

    @property
    def slots(self) -> int:
        """How many workers there are."""
        return len(self._slots)

    def choose(self, specs: Sequence[Spec]) -> int:
        """The run for which a worker that is free has traced the nets, if there is one."""
        _, place = apt(self._slots, list(map(structure, specs)))
        return place

    def submit(self, task: Task) -> Future[Record]:
        """Hand a run to a worker that is free, if possible one that has traced such a net."""
        kind = structure(task.spec)
        slot, _ = apt(self._slots, [kind])
        return slot.submit(task, kind)

    def ended(self, futures: Collection[Future[Record]]) -> set[Future[Record]]:
        """Wait until a run has ended; workers that exceed their limits are ended meanwhile."""
        while True:
            busy = self.look()
            interrupt.check()
            done = {future for future in futures if future.done()}
            if done or not busy:
                return done

    def look(self) -> bool:
        """Wait a moment for a run to end, and take in what was sent; whether one was at work."""
        busy = [slot for slot in self._slots if slot.is_busy]
        wait([slot.work for slot in busy], LOOK_SECONDS, FIRST_COMPLETED)
        for slot in busy:
            slot.look(self._memory)
        return bool(busy)

    def time(self, spec: Spec, file: bytes, reference: bytes) -> dict[str, float]:
        """Latency of a file, in a worker that is free; the others stand still meanwhile."""
        timing = next(slot for slot in self._slots if not slot.is_busy)
        busy = [slot for slot in self._slots if slot.is_busy]
        for slot in busy:
            slot.pause()
        try:
            return timing.call(work.time, spec, file, reference)
        finally:
            for slot in busy:
                slot.go_on()

    def qualities(self, specs: Sequence[Spec]) -> list[float]:
        """How good nets are as they come, by a worker that is free; the others go on."""
        slot = next(slot for slot in self._slots if not slot.is_busy)
        for _ in range(MOST_DEATHS):
            try:
                return slot.call(work.qualities, specs)
            except WorkerDied as error:
                died = error
        raise StudyStopped(
            f"What the data alone can tell of {specs[0].architecture.name} could not be tried: "
            f"{MOST_DEATHS} workers ended.",
            given=str(died),
            todo="Give workers more memory (MEMORY=), or let this process do it (WORKERS=0).",
        ) from died

    def pack(self, spec: Spec) -> Parcel:
        """The samples of a spec, for other machines; made in the first worker.

        Raises:
            WorkerDied: it came to no end.
        """
        return self._slots[0].call(work.pack, spec)

    def close(self) -> None:
        """Kill the workers: what they have not handed over is done again."""
        for slot in self._slots:
            slot.stop()


class _Slot:
    """A worker, and the one that takes its place when it has ended."""

    def __init__(
        self, root: Path, number: int, begin: Callable[..., None], load: Callable[[], None]
    ) -> None:
        self._root, self._begin, self._load = root, begin, load
        self._log = paths.logs(root) / f"worker-{number}.log"
        self._pool: ProcessPoolExecutor | None = None
        self.traced = Traced()
        self.work: Future[Record] = Future()  # what its pool makes of the task
        self._task: Task | None = None
        self._ends, self._why = math.inf, ""  # when it is ended, what it was ended for

    @property
    def is_busy(self) -> bool:
        """Whether it has a run that has not ended."""
        return self._task is not None

    def submit(self, task: Task, kind: str) -> Future[Record]:
        """Begin a run; its worker is started where there is none."""
        self._task, self._result = task, Future[Record]()
        self._ends, self._why, self._began = math.inf, "", time.monotonic()
        try:
            self.work = self.start().submit(work.run, task.spec, task.seconds)
        except BrokenProcessPool:  # it died with nothing to do
            self.stop()
            self.work = self.start().submit(work.run, task.spec, task.seconds)
        self.traced.note(kind)
        return self._result

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function of `work` gives; the worker has no run meanwhile.

        Raises:
            WorkerDied: it came to no end.
        """
        self._why = ""
        try:
            future = self.start().submit(function, *arguments)
            while not wait([future], LOOK_SECONDS).done:
                interrupt.check()
            return future.result()
        except BrokenProcessPool as error:
            self.stop()
            raise WorkerDied(self._end_text(), self._log_text()) from error

    def pause(self) -> None:
        """Let the worker stand still."""
        self._paused = time.monotonic()
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on; the time does not count against a limit."""
        self._signal(signal.SIGCONT)
        self._ends += time.monotonic() - self._paused

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it has died meanwhile
            os.kill(self._process.pid or 0, number)

    def look(self, memory_bytes: int | None) -> None:
        """Pass on what the worker has sent; end it where it exceeds a limit, hand over its end."""
        self._hear()
        resident = child.resident_bytes(self._process.pid or 0)
        is_large = memory_bytes is not None and resident > memory_bytes
        if self.work.done():
            self._hand_over()
            # before it has to be killed in the middle of a run
            if memory_bytes and resident > RENEWED_SHARE * memory_bytes:
                self.stop()
        elif is_large:
            self._kill(f"it held more than {size_text(memory_bytes or 0)} of memory")
        elif time.monotonic() > self._ends:
            self._kill(TIMEOUT)
        elif self._task and self._task.is_cancelled():
            self._kill(CANCELLED)

    def stop(self) -> None:
        """Kill the worker, if there is one; the next run starts another."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        self._kill(self._why)
        # waits for the pool's own thread, which sees that the process is gone
        pool.shutdown(wait=True, cancel_futures=True)
        self._events.close()
        self._sender.close()
        self.traced.clear()

    def start(self) -> ProcessPoolExecutor:
        """Start the worker where there is none."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._events, self._sender = context.Pipe(duplex=False)
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._pool = ProcessPoolExecutor(
                max_workers=1,
                mp_context=context,
                initializer=partial(self._begin, events=self._sender, log=self._log),
            )
            others = set(multiprocessing.active_children())
            # the process is started by its first work
            with _without_interrupts(), _without_main():
                self._pool.submit(self._load)
            (self._process,) = set(multiprocessing.active_children()) - others
        return self._pool

    def _hear(self) -> None:
        """Take in what the worker has sent."""
        sent = []
        # it may have been killed in the middle of a message
        with suppress(EOFError, OSError):
            while self._events.poll():
                sent.append(self._events.recv())
        # outside: what the store refuses to take in is no fault of the worker's
        for message in sent:
            self._take(*message)

    def _take(self, what: str, *values: Any) -> None:
        task = self._task
        if task is None:
            return
        if what == "epoch":
            task.report(*values)
            return
        if values == (trial.AT_WORK,):
            limit = task.seconds + GRACE_SECONDS if task.seconds else math.inf
            self._ends = time.monotonic() + limit
        elif values == (trial.MEASURED,):
            self._ends = math.inf
        task.phase(*values)

    def _hand_over(self) -> None:
        """Pass on what became of the run."""
        self._hear()  # what it had sent before
        self._task, error = None, self.work.exception()
        if error is None:
            self._result.set_result(self._with_log(self.work.result()))
        elif not isinstance(error, BrokenProcessPool):
            self._result.set_exception(error)
        elif self._why in ENDED:
            seconds = {"seconds": time.monotonic() - self._began}
            ended = Record(times=seconds, reason=self._why, error=ENDED[self._why])
            self.stop()
            self._result.set_result(ended)
        else:
            self.stop()
            self._result.set_exception(WorkerDied(self._end_text(), self._log_text()))

    def _with_log(self, result: Record) -> Record:
        """A failure with where to find what libraries printed; its cause stays at the end."""
        where = f"Run by a worker; what its libraries printed is in {self._log_text()}.\n"
        return replace(result, error=where + result.error) if result.reason else result

    def _end_text(self) -> str:
        code = self._process.exitcode
        return self._why or (child.code_text(code) if code else "without a word")

    def _log_text(self) -> str:
        return str(self._log.relative_to(self._root))

    def _kill(self, why: str) -> None:
        self._why = why
        self._process.kill()


@contextmanager
def _without_main() -> Iterator[None]:
    """A process started now does not run the script again that is running here.

    Python would, to find what is defined there; a script or a notebook that calls `framework.run`
    would need a guard around it, and nothing that a worker gets is defined in one.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """A process started now is never interrupted by the terminal: the coordinator decides."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
