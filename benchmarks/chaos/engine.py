"""Simulated workers: trials end in any order, and workers die."""

from __future__ import annotations

import errno
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.chaos.lab import MadeUpLab, draws, latencies
from benchmarks.chaos.moments import Clock, Moments
from framework.runner import trial
from framework.runner.engine.interface import MOST_DEATHS, WorkerDied

if TYPE_CHECKING:
    from framework.results.record import Record
    from framework.runner.engine.interface import Task
    from framework.study.spec import Spec

MOST_SECONDS = 12.0  # between two looks at the workers: curves are flushed every ten


class Numbered(Future["Record"]):
    """A future that lies in the same place of a set in each replay."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def __hash__(self) -> int:
        return self._number


@dataclass
class Busy:
    """A worker at work.

    Args:
        epochs: that its coordinator has not heard of.
        result: None where it dies of the run.
    """

    task: Task
    future: Future[Record]
    epochs: list[tuple[int, Mapping[str, float]]]
    result: Record | None


class SimulatedWorkers:
    """An engine.

    Args:
        slots: how many workers.
        lab: what they reach.
        draw: in which order they end; None for one after another.
    """

    def __init__(
        self,
        slots: int,
        *,
        lab: MadeUpLab,
        moments: Moments,
        clock: Clock,
        draw: random.Random | None,
    ) -> None:
        self.slots, self._lab, self._moments, self._clock = slots, lab, moments, clock
        self._draw = draw
        self._busy: list[Busy] = []
        self._begun = 0  # runs
        self._deaths: Counter[str] = Counter()  # by what the worker ran

    def choose(self, specs: Sequence[Spec]) -> int:
        """Any."""
        return self._draw.randrange(len(specs)) if self._draw else 0

    def submit(self, task: Task) -> Future[Record]:
        """Begin a run; its result is known, and handed over later."""
        if len(self._busy) == self.slots:
            raise ValueError("more runs than slots")
        # a worker is a process of its own: nothing that it does is a moment of the coordinator's
        epochs: list[tuple[int, Mapping[str, float]]] = []
        result = None
        if draws(task.spec)[7] >= self._lab.fate.deadly:
            result = trial.run(
                task.spec,
                self._lab,
                seconds=task.seconds,
                report=lambda epoch, values: epochs.append((epoch, values)),
                is_timed=False,
            )
        self._begun += 1
        self._busy.append(Busy(task, Numbered(self._begun), epochs, result))
        return self._busy[-1].future

    def ended(self, futures: Collection[Future[Record]]) -> set[Future[Record]]:
        """Let time pass until a run has ended."""
        while True:
            self._moments.wait("wait for workers")
            self._clock.sleep(self._draw.uniform(0, MOST_SECONDS) if self._draw else 1.0)
            self._moments.check()
            # deaths first: the dead have sent nothing since the last look
            self._die()
            for busy in self._chosen():
                self._hear(busy)
            done = {future for future in futures if future.done()}
            if done or not self._busy:
                return done

    def time(self, spec: Spec, file: bytes, reference: bytes) -> dict[str, float]:
        """Made-up latencies."""
        self._moments.wait("time a file")
        self._moments.check()
        if self._moments.deaths:
            self._moments.deaths -= 1
            self._deaths[spec.digest] += 1
            # its run may be done again for that, but is not to fail
            if self._deaths[spec.digest] < MOST_DEATHS:
                raise _died()
        return latencies(file)

    def qualities(self, specs: Sequence[Spec]) -> list[float]:
        """No net here leaves anything open."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is left."""

    def _chosen(self) -> list[Busy]:
        """Those workers that come on this time."""
        if self._draw is None:
            return self._busy[:1]
        return self._draw.sample(self._busy, self._draw.randint(0, len(self._busy)))

    def _hear(self, busy: Busy) -> None:
        """Take in what a worker has sent: some epochs, or all of them and its end."""
        count = len(busy.epochs)
        if self._draw:
            count = self._draw.randint(0, count)
        is_end = count == len(busy.epochs)
        # taken off first: the store may refuse one of them, and a message is read once
        heard, busy.epochs = busy.epochs[:count], busy.epochs[count:]
        for epoch, values in heard:
            busy.task.report(epoch, values)
        if not is_end:
            return
        self._busy.remove(busy)
        if busy.result is None:
            busy.future.set_exception(_died())
        elif self._moments.is_full:
            self._moments.is_full = False
            busy.future.set_exception(OSError(errno.ENOSPC, "made up"))
        else:
            busy.future.set_result(busy.result)

    def _die(self) -> None:
        """Let workers die whose time has come, though not so often that their run fails of it."""
        while self._moments.deaths and self._draw:
            self._moments.deaths -= 1
            mortal = [busy for busy in self._busy if self._may_die(busy)]
            if not mortal:
                return
            busy = self._draw.choice(mortal)
            self._deaths[busy.task.spec.digest] += 1
            self._busy.remove(busy)
            busy.future.set_exception(_died())

    def _may_die(self, busy: Busy) -> bool:
        return busy.result is not None and (self._deaths[busy.task.spec.digest] < MOST_DEATHS - 1)


def _died() -> WorkerDied:
    return WorkerDied("SIGKILL", ".cache/logs/worker-0.log")
