"""The study loop: ask, run, report. It resumes where it stopped, from the runs in the store."""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import TrialDiverged
from framework.planning.parts import dataset_of
from framework.planning.resolve import control_spec, first_value
from framework.results import record
from framework.results.status import (
    StudyStatus,
    objective_values,
    unmeasured,
    unranked,
    violations,
    with_deleted,
)
from framework.runner import failures, trial
from framework.runner.baseline import EpochReport, Lab
from framework.runner.engine.here import InProcess
from framework.runner.events import Interrupted, Observer, Outcome, Running
from framework.runner.sampler import Observed, Sampler, Suggestion
from framework.runner.settle import Settler
from framework.runner.study_runs import StudyRuns
from framework.runner.telling import Teller
from framework.system import interrupt
from framework.system.locks import study_lock
from framework.tracking.history import History, resume
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.planning.plan import Plan
    from framework.results.record import Record, Run
    from framework.study.spec import Spec
    from framework.study.study import Study


def run(
    plan: Plan, root: Path, *, catalog: Catalog, observer: Observer, fresh: bool = False
) -> Outcome:
    """Run the trials of a plan that are not done yet.

    Raises:
        StudyLocked: another coordinator is at work.
        StudyStopped: the baseline, the first three trials or all trials failed.
        Interrupted: after the open runs are closed as KILLED; it says how far the study has come.
    """
    dataset_of(plan.study, catalog, root).check_available(root)
    with interrupt.listening(), study_lock(root, plan.name):
        runs = StudyRuns(plan, root, store=Store.open(root), catalog=catalog)
        return Coordinator(plan, runs, lab=Lab(root, catalog), observer=observer).run(fresh=fresh)


@dataclass(frozen=True)
class Flight:
    """A run that is at work.

    Args:
        future: of its record.
        number, suggestion: of a trial.
    """

    run_id: str
    spec: Spec
    future: Future[Record]
    number: int = -1
    suggestion: Suggestion | None = None


class Coordinator:
    """One session of one study. It alone writes, through `StudyRuns`; trials are pure."""

    def __init__(self, plan: Plan, runs: StudyRuns, *, lab: Lab, observer: Observer) -> None:
        self.plan, self.runs, self.lab, self.observer = plan, runs, lab, observer
        self.teller = Teller(plan, runs.catalog, observer)
        self.store, self.catalog = runs.store, runs.catalog
        self.settler = Settler(self.lab, say=observer.say)
        self.engine = InProcess()
        self.sampler = Sampler(plan.study)
        self.done: dict[int, Run] = {}
        self.attempts: dict[int, int] = {}
        self.wanted = 0
        self._controls: set[str] = set()  # spec digests of those that need not be run
        self._dense_runs: dict[str, str] = {}
        self._failed_dense: dict[str, tuple[str, Record]] = {}  # run id and record by digest
        self._unranked: set[str] = set()  # run ids
        self._deleted: set[str] = set()  # run ids
        self._pruned: set[int] = set()  # numbers of the trials whose nets are removed

    def run(self, *, fresh: bool) -> Outcome:
        """Resume the study, run what is missing, close it."""
        history = self._resume(fresh=fresh)
        missing = [number for number in range(self.wanted) if number not in self.done]
        self._greet(history)
        self._prune_artifacts()
        # a parent that did not finish is closed again, even where every trial is done
        if not missing and history.parent and history.parent.status == "FINISHED":
            return self._outcome(0, out_of_time=False)
        try:
            self.runs.open_parent()
            ran, out_of_time = self._run_trials(missing)
            if not out_of_time:
                failures.check_end(self.plan.name, self.done, self.store)
            self._mark_front()
            self.store.close(self.runs.parent, "FINISHED")
        except KeyboardInterrupt as error:
            self.runs.close_open(error)
            self._mark_front()
            raise Interrupted(self._outcome(0, out_of_time=False)) from error
        except BaseException as error:
            self.runs.close_open(error)
            raise
        return self._outcome(ran, out_of_time=out_of_time)

    # --- history ----------------------------------------------------------------------------------

    def _resume(self, *, fresh: bool) -> History:
        """Take what earlier sessions left, and let the sampler go through it again."""
        history = resume(self.store, self.plan, host=self.runs.tags["host"], fresh=fresh)
        self.runs.resume(history.generation, history.parent)
        self.done, self.attempts = history.done, history.attempts
        self._controls = set(history.controls)
        self.settler.recall(history.dense)
        for run in history.dense:
            self._dense_runs[run.tags.get("spec_digest", "")] = run.run_id
        self._unranked = unranked(self.plan.study, self.done.values(), self.catalog)
        self._deleted = with_deleted(self.plan.study, self.done.values())
        # in the order of their numbers, which is not that in which the store returns them
        for number in sorted(self.done):
            self.sampler.tell(number, self._observation(self.done[number]))
        self.wanted = min(self.plan.study.trials, self.sampler.limit or self.plan.study.trials)
        return history

    def _greet(self, history: History) -> None:
        """Say what of the history a person has to know before anything runs."""
        left_out = {"unranked": len(self._unranked), "deleted": len(self._deleted)}
        self.teller.history(history, self.runs.tags, **left_out)
        self.teller.begin(history, wanted=self.wanted)
        if self.wanted < self.plan.study.trials:
            self._say_how_many()

    def _status(self) -> StudyStatus:
        """Of the trials that are ranked."""
        ranked = {
            number: run
            for number, run in self.done.items()
            if run.run_id not in self._unranked | self._deleted
        }
        return StudyStatus(self.plan.study, ranked)

    def _observation(self, run: Run) -> Observed:
        """What the sampler observes of a trial."""
        question = self.store.artifact(run.run_id, record.OPTUNA_JSON).decode()
        if run.status == "FAILED" or run.run_id in self._unranked | self._deleted:
            return Observed(question, None, {})
        values = objective_values(self.plan.study, run.metrics)
        return Observed(question, values, violations(self.plan.study, run.metrics))

    # --- running ----------------------------------------------------------------------------------

    def _run_trials(self, missing: Sequence[int]) -> tuple[int, bool]:
        """Run the missing trials; (how many ran, whether the time was up before the last)."""
        ends = time.monotonic() + (self.plan.study.hours or math.inf) * 3600
        failures.check_start(self.plan.name, self.done, self.store)
        if missing:
            self._run_references()
        # counted from here: references take their time once, and would make the first guess long
        loop_began, before = time.monotonic(), len(self.done)
        queue, out_of_time = deque(missing), False
        flying: dict[Future[Record], Flight] = {}
        while queue or flying:
            if queue and time.monotonic() > ends:
                out_of_time = True
                queue.clear()
            self._begin_trials(queue, flying)
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                flight = flying.pop(future)
                result = self._end_trial(flight)
                ran = len(self.done) - before
                left = (time.monotonic() - loop_began) / ran * (len(queue) + len(flying))
                # the session ends with its last trial or with its hours, whichever comes first
                eta_seconds = min(left, max(0.0, ends - time.monotonic()))
                self._show(flight, result, eta_seconds=eta_seconds)
                failures.check_start(self.plan.name, self.done, self.store)
        return len(self.done) - before, out_of_time

    def _begin_trials(self, queue: deque[int], flying: dict[Future[Record], Flight]) -> None:
        """Begin the next trials of the queue, as far as there is room and they can be asked."""
        while queue and len(flying) < self.engine.slots and self.sampler.ready(queue[0]):
            interrupt.check()
            suggestion = self.sampler.ask(queue[0])
            if suggestion is None:
                queue.clear()
                self.wanted = len(self.done) + len(flying)
                self._say_how_many()
                return
            flight = self._begin_trial(queue.popleft(), suggestion)
            flying[flight.future] = flight

    def _run_references(self) -> None:
        """The study's own baseline and the identity control, unless they are in the store."""
        spec = self.settler.settle(self.plan.study.fix(first_value))
        if self._dense_run(spec) == "":
            dense = spec.dense()
            raise failures.of_baseline(self.plan.name, *self._failed_dense[dense.digest], dense)
        self._run_control(spec)

    def _run_control(self, like: Spec) -> None:
        """The control of a trial's architecture, unless it is stored or was tried."""
        spec = self.settler.settle(control_spec(self.plan.study, self.catalog, like=like))
        if spec.digest not in self._controls:
            self._controls.add(spec.digest)
            if self._dense_run(spec):
                self._execute("control", "control", spec)

    def _begin_trial(self, number: int, suggestion: Suggestion) -> Flight:
        suggestion = replace(suggestion, spec=self.settler.settle(suggestion.spec))
        if self._dense_run(suggestion.spec):
            self._run_control(suggestion.spec)
        self.attempts[number] = self.attempts.get(number, 0) + 1
        tags = {"trial": f"{number:06d}", "attempt": str(self.attempts[number])}
        what = f"trial {number}"
        flight = self._begin("trial", what, suggestion.spec, tags=tags)
        return replace(flight, number=number, suggestion=suggestion)

    def _end_trial(self, flight: Flight) -> Record:
        result = self._end(flight)
        self.done[flight.number] = self.store.run(flight.run_id)
        self.sampler.tell(flight.number, self._observation(self.done[flight.number]))
        self._prune_artifacts()
        return result

    def _dense_run(self, spec: Spec) -> str:
        """Run id of the spec's baseline in this study, run now if it is not there.

        Empty if it failed.
        """
        dense = spec.dense()
        if dense.digest not in self._dense_runs:
            run_id, result = self._execute("baseline", "baseline", dense)
            if result.reason:
                self._failed_dense[dense.digest] = run_id, result
                return ""
            self._dense_runs[dense.digest] = run_id
        return self._dense_runs[dense.digest]

    def _execute(self, role: str, what: str, spec: Spec) -> tuple[str, Record]:
        """Begin a run that is no trial, wait for it, write the result."""
        flight = self._begin(role, what, spec, tags={})
        result = self._end(flight)
        self.teller.reference(what, spec, result)
        return flight.run_id, result

    def _begin(self, role: str, what: str, spec: Spec, *, tags: Mapping[str, str]) -> Flight:
        """Begin a run, and hand the work to the engine."""
        dense = self._dense_runs.get(spec.dense().digest, "")
        run_id = self.runs.begin(role, spec, dense=dense, tags=tags)
        # a baseline and a control run once for all trials: no limit of a trial ends them
        seconds = self.plan.study.trial_seconds if role == "trial" else None
        report = self._reporter(run_id, self.teller.running(role, what, spec))
        future = self.engine.submit(trial.run, spec, self.lab, seconds=seconds, report=report)
        return Flight(run_id, spec, future)

    def _end(self, flight: Flight) -> Record:
        """Wait for a run and write its result."""
        result = self._completed(flight.future.result(), flight.suggestion)
        self.runs.log_data(flight.run_id, flight.spec, self.lab)
        self.store.finish(flight.run_id, result)
        return result

    def _reporter(self, run_id: str, running: Running) -> EpochReport:
        """What is done after each epoch of a run."""

        def report(epoch: int, values: Mapping[str, float]) -> None:
            self.store.curve(run_id, epoch, values)
            self.observer.epoch(running, epoch, values)
            self.runs.renew_lease()

        return report

    def _completed(self, result: Record, suggestion: Suggestion | None) -> Record:
        """The record with what only the study knows.

        The sampler's question, and how far constraints are violated.
        """
        study = self.plan.study
        result = _failed_if_unmeasured(study, result)
        artifacts, metrics = dict(result.artifacts), dict(result.metrics)
        if suggestion:
            # also of a failure, which has no artifacts of its own: the sampler replays it
            spec_json = json.dumps(suggestion.spec.json(), indent=1, sort_keys=True)
            artifacts[record.OPTUNA_JSON] = suggestion.optuna.encode()
            artifacts[record.SPEC_JSON] = spec_json.encode()
        if study.constraints and metrics and not result.reason:
            excess = violations(study, metrics).values()
            metrics["constraint_violation"] = sum(max(0.0, value) for value in excess)
        return replace(result, artifacts=artifacts, metrics=metrics)

    def _show(self, flight: Flight, result: Record, *, eta_seconds: float) -> None:
        self.teller.trial(
            flight.number,
            flight.spec,
            result,
            status=self._status(),
            done=len(self.done),
            wanted=self.wanted,
            eta_seconds=eta_seconds,
        )

    def _say_how_many(self) -> None:
        """Why there are fewer trials than asked for."""
        done = self.done.values()
        self.teller.fewer(done, wanted=self.wanted, distinct=self.sampler.distinct)

    # --- what is kept -----------------------------------------------------------------------------

    def _mark_front(self) -> None:
        """Tag every trial with whether it is on the front."""
        front = self._status().front()
        for number, run in self.done.items():
            mark = str(number in front).lower()
            if run.tags.get("pareto") != mark:
                self.store.tag(run.run_id, pareto=mark)

    def _prune_artifacts(self) -> None:
        """With `keep="front"`, remove the nets of beaten trials.

        None that left the front ever returns.
        """
        if self.plan.study.keep == "all":
            return
        beaten = set(self.done) - self._status().front() - self._pruned
        for number in sorted(beaten):
            self.store.remove(self.done[number].run_id, record.NET_FILES, why="keep=front")
        self._pruned |= beaten

    def _outcome(self, ran: int, *, out_of_time: bool) -> Outcome:
        return Outcome(
            self.plan,
            self.runs.generation,
            self.runs.parent,
            ran,
            out_of_time,
            done=len(self.done),
            wanted=self.wanted,
        )


def _failed_if_unmeasured(study: Study, result: Record) -> Record:
    """The record as a failure, if an objective or a constraint has no finite value."""
    names = [] if result.reason else unmeasured(study, result.metrics)
    if not names:
        return result
    error = f"Not a finite number: {', '.join(names)}."
    return replace(result, reason=TrialDiverged.reason, error=error)
