"""The study loop: ask, run, report. It resumes where it stopped, from the runs in the store."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from framework.planning.parts import dataset_of
from framework.planning.resolve import control_spec, first_value
from framework.results import record
from framework.results.status import (
    StudyStatus,
    objective_values,
    unranked,
    violations,
    with_deleted,
)
from framework.runner import failures
from framework.runner.baseline import Lab
from framework.runner.engine import latencies
from framework.runner.engine.choice import Place, engine_at
from framework.runner.engine.interface import Engine
from framework.runner.events import Interrupted, Observer, Outcome
from framework.runner.loop import Loop
from framework.runner.replicates import ROLE, Replicates
from framework.runner.sampler import Observed, Sampler
from framework.runner.schedule import Flight, Remaining, Schedule, Work
from framework.runner.settle import Settler
from framework.runner.study_runs import StudyRuns
from framework.runner.telling import Position, Teller
from framework.study.spec import label_of
from framework.system import interrupt
from framework.system.locks import study_lock
from framework.tracking.history import History, read_history, resume
from framework.tracking.lease import Lease
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.planning.plan import Plan
    from framework.results.record import Record, Run
    from framework.study.spec import Spec


def run(
    plan: Plan,
    root: Path,
    *,
    catalog: Catalog,
    observer: Observer,
    fresh: bool = False,
    workers: int | Literal["auto"] = 0,
    memory_bytes: int | None = None,
    cluster: str = "",
) -> Outcome:
    """Run the trials of a plan that are not done yet.

    Args:
        workers: how many processes beside this one run them; 0 to run them in this one, "auto" for
            what the study and the machine are good for (`engine.sizing`).
        memory_bytes: that each worker may hold; None for its part of what is free.
        cluster: address of the Ray cluster that runs them, or `auto`; empty for this machine.

    Raises:
        StudyLocked: another coordinator is at work.
        StudyStopped: the baseline, the first three trials or all trials failed.
        Interrupted: after the open runs are closed as KILLED; it says how far the study has come.
    """
    dataset_of(plan.study, catalog, root).check_available(root)
    if cluster:
        latencies.check(plan.study)
    with interrupt.listening(), study_lock(root, plan.name):
        lab, opened = Lab(root, catalog), cache(partial(Store.open, root))
        place = Place(workers=workers, memory_bytes=memory_bytes, cluster=cluster)
        place = place.settled(plan.study, lambda: read_history(opened(), plan, fresh=fresh))
        # before the store: workers load TensorFlow while this process loads MLflow
        with closing(engine_at(place, lab, plan.study, say=observer.say)) as engine:
            store = opened()
            runs = StudyRuns(plan, root, store=store, catalog=catalog)
            with Lease(root, store.uri, host=runs.tags["host"], parent=lambda: runs.parent):
                coordinator = Coordinator(plan, runs, lab=lab, engine=engine, observer=observer)
                return coordinator.run(fresh=fresh)


class Coordinator:
    """One session of one study. It alone writes, through `StudyRuns`; trials are pure."""

    def __init__(
        self, plan: Plan, runs: StudyRuns, *, lab: Lab, engine: Engine, observer: Observer
    ) -> None:
        self.plan, self.runs, self.engine, self.observer = plan, runs, engine, observer
        self.teller = Teller(plan, runs.catalog, observer)
        self.store, self.catalog = runs.store, runs.catalog
        self.settler = Settler(lab, say=observer.say, qualities=engine.qualities)
        self.schedule = Schedule()
        options: Any = {"teller": self.teller, "observer": observer}
        options["judged_by_times"] = latencies.decide(plan.study)
        self.loop = Loop(runs, self.schedule, engine, **options)
        self.sampler = Sampler(plan.study)
        self.remaining = Remaining(self.sampler, engine, self.settler, exhausted=self._end_space)
        self.done: dict[int, Run] = {}
        self.replicates = Replicates(plan.study)
        self.attempts: dict[tuple[int, int], int] = {}
        self.wanted = 0
        self._ends = self._loop_began = math.inf  # when the time is up, when the first trial began
        self._out_of_time, self._ran = False, 0  # trials of this session
        self._is_ending = False
        self._unranked: set[str] = set()  # run ids
        self._deleted: set[str] = set()  # run ids
        self._untrainable: frozenset[str] = frozenset()  # dense nets that failed, by spec digest
        self._controls: dict[str, Spec] = {}  # as the study has them, by what their nets are called
        self._pruned: set[int] = set()  # numbers of the trials whose nets are removed

    def run(self, *, fresh: bool) -> Outcome:
        """Resume the study, run what is missing, close it."""
        history = self._resume(fresh=fresh)
        missing = [number for number in range(self.wanted) if number not in self.done]
        self._greet(history)
        self._prune_artifacts()
        left = len(missing) + self.replicates.left(self.wanted)
        # a parent that did not finish is closed again, even where every trial is done
        is_closed = history.parent is not None and history.parent.status == "FINISHED"
        if is_closed and not left and self._has_controls():
            return self._outcome(0)
        try:
            self.runs.open_parent()
            ran = self._run_trials(missing)
            if not self._out_of_time:
                failures.check_end(self.plan.name, self.done, self.store)
            self._mark_front()
            files, observer = self.runs.of_files(), self.observer
            are_timed = latencies.time_files(files, self.store, self.engine, observer=observer)
            # a parent that is not FINISHED brings the next session back to what is left to be timed
            self.store.close(self.runs.parent, "FINISHED" if are_timed else "KILLED")
        except KeyboardInterrupt as error:
            self.runs.close_open(error)
            self._mark_front()
            raise Interrupted(self._outcome(0)) from error
        except BaseException as error:
            self.runs.close_open(error)
            raise
        return self._outcome(ran)

    # --- history ----------------------------------------------------------------------------------

    def _resume(self, *, fresh: bool) -> History:
        """Take what earlier sessions left, and let the sampler go through it again."""
        history = resume(self.store, self.plan, host=self.runs.tags["host"], fresh=fresh)
        self.runs.resume(history.generation, history.parent)
        self.done, self.attempts = history.done, history.attempts
        self.replicates.recall(history.replicates)
        self.schedule.controls |= history.controls
        self._untrainable = history.untrainable
        self.settler.recall(history.dense)
        for run in history.dense:
            self.schedule.dense[run.tags.get("spec_digest", "")] = run.run_id
        self._unranked = unranked(self.plan.study, self.done.values(), self.catalog)
        self._deleted = with_deleted(self.plan.study, self.done.values())
        # in the order of their numbers, which is not that in which the store returns them
        done = sorted(self.done.items())
        self.sampler.replay({number: self._observation(run) for number, run in done})
        self.wanted = min(self.plan.study.trials, self.sampler.limit or self.plan.study.trials)
        return history

    def _greet(self, history: History) -> None:
        """Say what of the history a person has to know before anything runs."""
        left_out = {"unranked": len(self._unranked), "deleted": len(self._deleted)}
        self.teller.history(history, self.runs.tags, **left_out)
        done, wanted = self._progress()
        self.teller.begin(history, done=done, wanted=wanted)
        if self.wanted < self.plan.study.trials:
            self._tell_fewer()

    def _progress(self) -> tuple[int, int]:
        """Runs done and wanted, all seeds together."""
        done = len(self.done) + self.replicates.count(self.wanted)
        return done, self.wanted * self.plan.study.seeds

    def _status(self) -> StudyStatus:
        """Of the trials that are ranked, each the mean over its seeds."""
        left_out = self._unranked | self._deleted
        ranked = {
            number: self.replicates.mean(run)
            for number, run in self.done.items()
            if run.run_id not in left_out
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

    def _run_trials(self, missing: Sequence[int]) -> int:
        """Run the missing trials; how many ran before the time was up."""
        self._ends = time.monotonic() + (self.plan.study.hours or math.inf) * 3600
        failures.check_start(self.plan.name, self.done, self.store)
        before, _ = self._progress()
        self.remaining.extend(missing)
        self._refer_all()
        self.loop.run(self._fill, self._end)
        done, _ = self._progress()
        return done - before

    def _fill(self) -> None:
        """Begin what there is room for; tell of it when nothing is left."""
        self._begin_what_fits()
        is_last = self.loop.is_last and self.schedule.is_empty and not self.remaining
        if is_last and not self._is_ending:
            self._is_ending = True
            self.observer.ending()

    def _begin_what_fits(self) -> None:
        while self.loop.has_room:
            interrupt.check()
            work = self.schedule.next()
            if not work and self._ask():
                continue
            # a search is not kept waiting by further seeds of what it asked
            work = work or self._spare()
            if not work:
                return
            self._begin(work)

    def _spare(self) -> Work | None:
        """The next run of a further seed, while there is time; one in each session at least."""
        if self._ran and time.monotonic() > self._ends and self.schedule.count(ROLE):
            self._out_of_time = True
            return None
        return self.schedule.next(is_spare=True, choose=self.engine.choose)

    def _ask(self) -> bool:
        """Ask for the next trial, if that can be now; whether there is one more to run."""
        # no more of them than slots wait for the baselines of their nets
        is_full = self.schedule.count("trial") >= self.engine.slots
        if is_full or not self.remaining.is_ready:
            return False
        if time.monotonic() > self._ends:
            self._out_of_time = True
            self.remaining.clear()
            return False
        taken = self.remaining.take()
        if taken is None:
            return False
        number, suggestion = taken
        suggestion = replace(suggestion, spec=self.settler.settle(suggestion.spec))
        self.schedule.refer(suggestion.spec, self._control(suggestion.spec))
        self.schedule.add(Work("trial", suggestion.spec, number, suggestion))
        return True

    def _end_space(self) -> None:
        """There are fewer specs than trials: those that are begun or left are the last."""
        begun = self.schedule.count("trial") + self.loop.count("trial")
        self.wanted = len(self.done) + begun + len(self.remaining)
        self._tell_fewer()

    def _tell_fewer(self) -> None:
        # a space that is too large to be listed is as large as what was found of it
        distinct = self.sampler.distinct or len(self.sampler.seen())
        self.teller.fewer(wanted=self.wanted, distinct=distinct)

    def _replicate(self, number: int) -> None:
        """Let a trial be run under the further seeds, each beside a baseline and control of it."""
        spec = self.settler.settle(self.sampler.spec(number))
        for work in self.replicates.missing(number, spec):
            control = replace(self._control(spec), seed=work.spec.seed)
            self.schedule.refer(work.spec, control, is_spare=True)
            self.schedule.add(work)

    def _refer_all(self) -> None:
        """Let baselines and controls be run that the study needs, or an ended session left."""
        first = self.settler.settle(self.plan.study.fix(first_value))
        self.schedule.refer(first, self._control(first))
        for control in self._controls_wanted(self.settler.settle):
            self.schedule.refer(control, control, is_spare=control.seed > self.plan.study.seed)
        for number in sorted(self.done):
            self._replicate(number)

    def _has_controls(self) -> bool:
        """Whether none is left: one of more seeds may have been killed, then gone on with fewer."""
        wanted = self._controls_wanted(self.settler.recalled)
        return all(control.digest in self.schedule.controls for control in wanted)

    def _controls_wanted(self, settled: Callable[[Spec], Spec]) -> Iterator[Spec]:
        """Those of the nets that were tried, under each seed."""
        tried = map(self.sampler.spec, self.done)
        nets = {label_of(spec.architecture): spec for spec in tried}
        for spec in nets.values():
            control = settled(self._control_of(spec))
            for seed in range(self.plan.study.seeds):
                # a dense net that failed is tried again for a trial, not for its control's sake
                one = replace(control, seed=control.seed + seed)
                if one.dense().digest not in self._untrainable:
                    yield one

    def _control(self, spec: Spec) -> Spec:
        """The control of a spec's architecture, settled."""
        return self.settler.settle(self._control_of(spec))

    def _control_of(self, spec: Spec) -> Spec:
        """The same as the study has it."""
        net = label_of(spec.architecture)
        if net not in self._controls:
            self._controls[net] = control_spec(self.plan.study, self.catalog, like=spec)
        return self._controls[net]

    def _begin(self, work: Work) -> None:
        tags = dict[str, str]()
        if work.number >= 0:
            key = work.number, work.spec.seed
            self.attempts[key] = self.attempts.get(key, 0) + 1
            tags = {"trial": f"{work.number:06d}", "attempt": str(self.attempts[key])}
            # from here: references take their time once, and would make the first guess long
            self._loop_began = min(self._loop_began, time.monotonic())
        self.loop.begin(work, tags)

    def _end(self, flight: Flight, result: Record) -> None:
        """Take a run that has ended, and tell it."""
        work = flight.work
        if work.number >= 0:
            self._end_trial(flight, result)
            return
        self.teller.reference(work.what, work.spec, result)
        if work.role == "baseline":
            self._end_baseline(flight, result)

    def _end_trial(self, flight: Flight, result: Record) -> None:
        number, run = flight.work.number, self.store.run(flight.run_id)
        if flight.work.role == ROLE:
            self.replicates.add(run)
        else:
            self.done[number] = run
            self.sampler.tell(number, self._observation(run))
            self._replicate(number)
        self._prune_artifacts()
        self._show(flight, result)
        failures.check_start(self.plan.name, self.done, self.store)

    def _end_baseline(self, flight: Flight, result: Record) -> None:
        dense = flight.work.spec
        if not result.reason:
            self.schedule.dense[dense.digest] = flight.run_id
            return
        self.schedule.failed[dense.digest] = flight.run_id, result
        # without that of the study's first values it has nothing to compare with
        if dense.digest == self.settler.settle(self.plan.study.fix(first_value)).dense().digest:
            raise failures.of_baseline(self.plan.name, flight.run_id, result, dense)

    def _show(self, flight: Flight, result: Record) -> None:
        now, (done, wanted) = time.monotonic(), self._progress()
        self._ran += 1
        each = (now - self._loop_began) / self._ran
        # the session ends with its last trial or with its hours, whichever comes first
        eta_seconds = min(each * (wanted - done), max(0.0, self._ends - now))
        position = Position(done, wanted, eta_seconds)
        self.teller.trial(flight.work, result, status=self._status(), position=position)

    # --- what is kept -----------------------------------------------------------------------------

    def _mark_front(self) -> None:
        """Tag every trial with whether it is on the front."""
        front = self._status().front()
        for number, run in self.done.items():
            self.runs.mark([run, *self.replicates.of(number)], is_front=number in front)

    def _prune_artifacts(self) -> None:
        """With `keep="front"`, remove the nets of beaten trials.

        None that left the front ever returns, once there are no seeds left that move its mean.
        """
        if self.plan.study.keep == "all" or self.replicates.left(len(self.done)):
            return
        beaten = set(self.done) - self._status().front() - self._pruned
        for number in sorted(beaten):
            for run in (self.done[number], *self.replicates.of(number)):
                self.store.remove(run.run_id, record.NET_FILES, why="keep=front")
        self._pruned |= beaten

    def _outcome(self, ran: int) -> Outcome:
        done, wanted = self._progress()
        where = self.runs.generation, self.runs.parent
        return Outcome(self.plan, *where, ran, self._out_of_time, done=done, wanted=wanted)
