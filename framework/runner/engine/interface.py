"""What an engine is to the study loop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from framework.results.record import Record
    from framework.runner.baseline import EpochReport
    from framework.study.spec import Spec

MOST_DEATHS = 3  # of the workers of one run, until it counts as failed


@dataclass(frozen=True)
class Task:
    """One run to be done.

    Args:
        seconds: wall time after which it fails, as of `trial.run`; None for no limit.
        report: called in the coordinator after each epoch of training.
        is_cancelled: whether somebody wants it to end; looked at now and then.
        is_timed: whether its latency may be measured at once.
        phase: called in the coordinator with what the run is at, as `trial.run` is told to.
    """

    spec: Spec
    seconds: float | None
    report: EpochReport
    is_cancelled: Callable[[], bool] = lambda: False
    is_timed: bool = True
    phase: Callable[[str], None] = lambda name: None


class WorkerDied(Exception):
    """A worker ended before its run was done, so that nothing is known of the run.

    Args:
        why: what ended it, as `SIGKILL`.
        log: what it has printed, a path from the project.
    """

    def __init__(self, why: str, log: str) -> None:
        self.why = why
        super().__init__(f"The worker that ran it ended: {why}. What it printed is in {log}.")


class Engine(Protocol):
    """Does runs, some at a time."""

    @property
    def slots(self) -> int:
        """How many runs may be at work at a time."""

    def choose(self, specs: Sequence[Spec]) -> int:
        """The place of the run that is best begun first, of some whose order does not matter.

        Args:
            specs: one at least; one of the slots is free.
        """

    def submit(self, task: Task) -> Future[Record]:
        """Begin a run; one of the slots is free.

        The future may raise WorkerDied, and what the machine refuses to any run.
        """

    def ended(self, futures: Collection[Future[Record]]) -> set[Future[Record]]:
        """Wait until a run has ended; those that have."""

    def time(self, spec: Spec, file: bytes, reference: bytes) -> dict[str, float]:
        """Latency of a file and of a reference, in turn, while nothing else of it is at work.

        Runs that are at work stand still meanwhile; one of the slots is free.

        Raises:
            WorkerDied: it came to no end.
        """

    def qualities(self, specs: Sequence[Spec]) -> list[float]:
        """How good nets are as they come, on the calibration split; one of the slots is free.

        Raises:
            StudyStopped: three workers ended with it undone.
        """

    def close(self) -> None:
        """End what is still at work, and leave no process behind."""
