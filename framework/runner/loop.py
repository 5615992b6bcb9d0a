"""Work at an engine: begun in the store, followed, and its result written, whatever it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from framework.results.record import Record
from framework.runner.engine import cancelling, latencies
from framework.runner.engine.interface import MOST_DEATHS, Task, WorkerDied
from framework.runner.schedule import Flight
from framework.runner.trial import TIMING

if TYPE_CHECKING:
    from framework.runner.baseline import EpochReport
    from framework.runner.engine.interface import Engine
    from framework.runner.events import Observer, Running
    from framework.runner.schedule import Schedule, Work
    from framework.runner.study_runs import StudyRuns
    from framework.runner.telling import Teller

DIED = "died"
REFERENCE_LIMIT = 10  # times `trial_seconds`, that a baseline and a control may take


class Loop:
    """What is at work for one session of a study.

    Args:
        runs: where it is written.
        schedule: what it was taken from; work whose worker died goes back there.
        judged_by_times: each result gets its latency before it is written.
    """

    def __init__(
        self,
        runs: StudyRuns,
        schedule: Schedule,
        engine: Engine,
        *,
        teller: Teller,
        observer: Observer,
        judged_by_times: bool = False,
    ) -> None:
        self._runs, self._schedule, self._engine = runs, schedule, engine
        self._teller, self._observer = teller, observer
        self._judged_by_times = judged_by_times
        self._flying: dict[Future[Record], Flight] = {}
        self._deaths: Counter[str] = Counter()  # of workers, by what they ran

    @property
    def has_room(self) -> bool:
        """Whether the engine takes one more."""
        return len(self._flying) < self._engine.slots

    @property
    def is_last(self) -> bool:
        """Whether a single run is at work, and has not ended."""
        return [future.done() for future in self._flying] == [False]

    def count(self, role: str) -> int:
        """How much work of a role is at work."""
        return sum(flight.work.role == role for flight in self._flying.values())

    def run(self, fill: Callable[[], None], end: Callable[[Flight, Record], None]) -> None:
        """Go on until nothing is at work.

        Args:
            fill: begins what there is room for.
            end: takes a run that has ended, with the result that was written.
        """
        fill()
        while self._flying:
            for future in self._engine.ended(self._flying):
                flight = self._flying.pop(future)
                result = self._result(flight)
                if result is not None:
                    end(flight, self._written(flight, result))
            fill()

    def begin(self, work: Work, tags: Mapping[str, str]) -> str:
        """Begin a run, and hand the work to the engine; the run's id.

        Args:
            tags: of its run, besides those that all have.
        """
        seconds = self._runs.plan.study.trial_seconds
        if seconds and work.number < 0:  # it runs once for all trials
            seconds *= REFERENCE_LIMIT
        dense = "" if work.role == "baseline" else self._schedule.dense.get(work.dense, "")
        run_id = self._runs.begin(work.role, work.spec, dense=dense, tags=tags)
        running = self._teller.running(work.role, work.what, work.spec)
        task = Task(
            work.spec,
            seconds,
            report=self._reporter(run_id, running),
            is_cancelled=partial(cancelling.is_cancelled, self._runs.root, run_id),
            is_timed=work.is_timed,
            phase=partial(self._observer.phase, running),
        )
        future = self._engine.submit(task)
        self._flying[future] = Flight(run_id, work, future)
        return run_id

    def _result(self, flight: Flight) -> Record | None:
        """What came of a run; None where its worker died and it is begun again."""
        work, store = flight.work, self._runs.store
        try:
            result = flight.future.result()
            if self._judged_by_times:
                running = self._teller.running(work.role, work.what, work.spec)
                self._observer.phase(running, TIMING)
                dense = self._schedule.dense.get(work.dense, "")
                result = latencies.timed(work.spec, result, store, self._engine, dense=dense)
        except WorkerDied as error:
            if self._is_done_again(flight):
                return None
            result = Record(reason=DIED, error=str(error))
        return result

    def _written(self, flight: Flight, result: Record) -> Record:
        """The result of a run as the store has it now."""
        cancelling.forget(self._runs.root, flight.run_id)
        self._runs.log_data(flight.run_id, flight.work.spec, result.data)
        return self._runs.finish(flight.run_id, result, flight.work)

    def _is_done_again(self, flight: Flight) -> bool:
        """Whether a run whose worker died is begun again, as it is twice."""
        key = f"{flight.work.what} {flight.work.spec.digest}"
        self._deaths[key] += 1
        if self._deaths[key] == MOST_DEATHS:
            return False
        self._runs.store.close(flight.run_id, "KILLED", reason=DIED)
        self._schedule.again(flight.work)
        return True

    def _reporter(self, run_id: str, running: Running) -> EpochReport:
        """What is done after each epoch of a run."""

        def report(epoch: int, values: Mapping[str, float]) -> None:
            self._runs.store.curve(run_id, epoch, values)
            self._observer.epoch(running, epoch, values)

        return report
