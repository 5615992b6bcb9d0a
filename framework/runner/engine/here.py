"""Runs in this process, one after another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from framework.errors import TrialCancelled
from framework.runner import measurement, settle, trial
from framework.runner.engine.cancelling import CANCELLED_TEXT

if TYPE_CHECKING:
    from framework.results.record import Record
    from framework.runner.baseline import Lab
    from framework.runner.engine.interface import Task
    from framework.study.spec import Spec


class InProcess:
    """Does each run at once, so that traced nets are reused between them.

    Args:
        lab: data and dense nets.
    """

    slots = 1

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def choose(self, specs: Sequence[Spec]) -> int:  # noqa: ARG002  (one is as good as another)
        """The first."""
        return 0

    def submit(self, task: Task) -> Future[Record]:
        """A future that is done. An interrupt is not caught: it belongs to the coordinator."""
        future: Future[Record] = Future()
        refused: list[Exception] = []

        def report(epoch: int, values: Mapping[str, float]) -> None:
            try:
                task.report(epoch, values)
            except Exception as error:
                refused.append(error)
                raise
            if task.is_cancelled():
                raise TrialCancelled(CANCELLED_TEXT)

        try:
            how = partial(trial.run, seconds=task.seconds, is_timed=task.is_timed)
            result = how(task.spec, self._lab, report=report, phase=task.phase)
            # it is the store that failed in the middle of the run, which to `trial` is its failure
            if refused:
                raise refused[0]
        except Exception as error:  # noqa: BLE001  (a future carries any error)
            future.set_exception(error)
        else:
            future.set_result(result)
        return future

    def ended(self, futures: Collection[Future[Record]]) -> set[Future[Record]]:
        """All of them."""
        return set(futures)

    def time(self, spec: Spec, file: bytes, reference: bytes) -> dict[str, float]:
        """Latency of a file."""
        return measurement.latencies(file, reference, spec, self._lab)

    def qualities(self, specs: Sequence[Spec]) -> list[float]:
        """How good nets are as they come."""
        return settle.qualities_of(specs, self._lab)

    def close(self) -> None:
        """Nothing is left."""
