"""Configurations trained under new seeds, and looked at on the test split when all are trained.

A session may be killed at any moment: what it has trained is found again, and no file is looked at
twice. Nothing of the test split is known before the last net is trained, so that nobody can stop
at a number that pleases.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import StudyStopped
from framework.planning.parts import dataset_of
from framework.results import looks
from framework.results.edited import as_measured
from framework.runner.baseline import Lab
from framework.runner.confirm.asked import (
    Configuration,
    configurations,
    new_seeds,
    spec_of,
    works,
)
from framework.runner.confirm.look import look_once
from framework.runner.engine.choice import Place, engine_at
from framework.runner.loop import Loop
from framework.runner.schedule import Schedule
from framework.runner.settle import Settler
from framework.runner.study_runs import StudyRuns
from framework.runner.telling import Position, Teller
from framework.system import interrupt
from framework.system.locks import study_lock
from framework.tracking import lease
from framework.tracking.history import read_history, refuse_if_leased
from framework.tracking.lookup import Asked, finished_trial
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.planning.plan import Plan
    from framework.results.record import Record, Run
    from framework.runner.events import Observer
    from framework.runner.schedule import Flight, Work


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be confirmed.

    Args:
        numbers: of trials that have finished.
        seeds: how many new ones each of them, its dense net and its control are trained under.
    """

    numbers: Sequence[int]
    seeds: int


@dataclass
class Past:
    """What runs of role `confirm` have left, over the life of the study.

    Args:
        ended: digest of a spec -> its run, trained or failed.
        lost: digests of those whose look came to no answer.
        attempts: how often each was begun.
    """

    ended: dict[str, Run] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    attempts: Counter[str] = field(default_factory=Counter)


def confirm_anew(
    plan: Plan,
    root: Path,
    wish: Wish,
    *,
    catalog: Catalog,
    observer: Observer,
    place: Place,
) -> int:
    """Train what is missing, then look at each net once.

    Args:
        place: where nets are trained; the test split stays in this process.

    Returns:
        How many nets were trained.

    Raises:
        UserError: a trial is not there, or failed.
        StudyLocked: another process runs the study.
        StudyStopped: all nets failed.
        KeyboardInterrupt: after the open runs are closed as KILLED.
    """
    dataset_of(plan.study, catalog, root).check_available(root)
    with interrupt.listening(), study_lock(root, plan.name):
        store, lab = Store.open(root, create=False), Lab(root, catalog)
        trials = [finished_trial(store, Asked.of(plan), number) for number in wish.numbers]
        runs = StudyRuns(plan, root, store=store, catalog=catalog)
        session = Session(plan, runs, lab=lab, observer=observer)
        session.recall(trials)
        # of the store as it is now: who had the lock before may have trained some of it
        missing = session.missing(trials, wish.seeds)
        with lease.Lease(root, store.uri, host=runs.tags["host"], parent=session.at_work):
            session.train(missing, place)
            session.look()
        return len(missing)


class Session:
    """One session of one confirmation. It alone writes, through `StudyRuns` and `look`."""

    def __init__(self, plan: Plan, runs: StudyRuns, *, lab: Lab, observer: Observer) -> None:
        self.plan, self.runs, self.lab, self.observer = plan, runs, lab, observer
        self.store, self.schedule = runs.store, Schedule()
        self.teller = Teller(plan, runs.catalog, observer)
        self.past = Past()
        self.wanted: list[Work] = []
        self._begun = ""  # id of the run that was begun last
        self._began, self._ran = math.inf, 0  # when the first was begun, how many have ended

    def at_work(self) -> str:
        """The run that carries this session's sign of life; empty before the first."""
        return self._begun

    # --- what is there ----------------------------------------------------------------------------

    def recall(self, trials: Sequence[Run]) -> None:
        """Take in what earlier sessions left, after what died of them is closed."""
        everything = self.store.runs(self.plan.name)
        refuse_if_leased(self.store, self.plan.name, everything, host=self.runs.tags["host"])
        history = read_history(self.store, self.plan, everything, fresh=False)
        self.runs.resume(trials[0].generation, history.parent)
        self._close_open("died")
        self._settler = Settler(self.lab, say=self.observer.say)
        self._settler.recall(history.dense)
        self._used = _seeds_used(everything, self.plan.study.digest)
        for run in self._whole():
            self._take_in(run)

    def _whole(self) -> list[Run]:
        """The runs of this kind, with what a kill kept from the store."""
        edited: dict[str, Sequence[str]] = {}
        stored = self.store.runs(self.plan.name, role=looks.ROLE)
        whole = as_measured(self.store, filter(looks.is_anew, stored), edited)
        before = {run.run_id: run for run in stored}
        for run in whole:
            seen = looks.of_test(run)
            # killed between the answer and the store: it is known, so nothing is looked at again
            if seen and not looks.of_test(before[run.run_id]):
                self.store.add(run.run_id, seen)
        return whole

    def _take_in(self, run: Run) -> None:
        digest = run.tags.get("spec_digest", "")
        is_ours = self._is_ours(run)
        if is_ours:
            self.past.attempts[digest] += 1
        if looks.is_lost(run):
            self.past.lost.add(digest)
        # what was looked at is done, even where somebody has lost its files
        elif looks.of_test(run) or self._counts(run, is_ours=is_ours):
            self.past.ended[digest] = run

    def _counts(self, run: Run, *, is_ours: bool) -> bool:
        # the same bits came out of every generation, but a failure may be mended in the next
        return self.store.complete(run) and (is_ours or run.status == "FINISHED")

    def _is_ours(self, run: Run) -> bool:
        """Whether a run is of this study as it is now."""
        same_study = run.tags.get("study_digest") == self.plan.study.digest
        return same_study and run.generation == self.runs.generation

    def missing(self, trials: Sequence[Run], seeds: int) -> list[Work]:
        """The runs that are left to be trained, seed by seed."""
        asked = [(run.number, spec_of(self.store, run)) for run in trials]
        options = {"settle": self._settler.settle}
        each = configurations(self.plan, asked, self.runs.catalog, **options)
        rows = [self._works(one, seeds) for one in each]
        # a seed as a whole before the next: what an interrupt leaves are fewer seeds of all
        self.wanted = [work for of_seed in zip(*rows, strict=True) for work in of_seed]
        return [work for work in self.wanted if work.spec.digest not in self.past.ended]

    def _works(self, one: Configuration, seeds: int) -> list[Work]:
        return works(one, new_seeds(self.plan.study, self._used), self.past.lost, seeds)

    # --- training ---------------------------------------------------------------------------------

    def train(self, missing: Sequence[Work], place: Place) -> None:
        """Train what is missing, side by side where there is room."""
        done = len(self.wanted) - len(missing)
        self.observer.begin(self.plan, done=done, wanted=len(self.wanted), what="nets")
        if not missing:
            return
        self._add(missing)
        past = partial(read_history, self.store, self.plan, fresh=False)
        place = place.settled(self.plan.study, past, left=len(missing))
        try:
            engine = engine_at(place, self.lab, self.plan.study, say=self.observer.say)
            # workers are gone before the looks, which are this process's alone
            with closing(engine):
                options: Any = {"teller": self.teller, "observer": self.observer}
                self.loop = Loop(self.runs, self.schedule, engine, **options)
                self.loop.run(self._fill, self._end)
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            self._close_open("interrupted" if interrupted else "exception")
            raise
        self._check_end()

    def _add(self, missing: Sequence[Work]) -> None:
        """Let work be done, each behind its dense net where that is still to be trained."""
        awaited = {work.spec.digest for work in missing if work.is_dense}
        for work in missing:
            self.schedule.add(work)
            if work.dense not in awaited:
                # it lies in the cache, or is trained beside the first net that needs it
                run = self.past.ended.get(work.dense)
                self.schedule.dense.setdefault(work.dense, run.run_id if run else "")

    def _fill(self) -> None:
        """Begin what there is room for."""
        while self.loop.has_room:
            interrupt.check()
            work = self.schedule.next(is_spare=True)
            if not work:
                return
            self._begin(work)

    def _begin(self, work: Work) -> None:
        attempts, digest = self.past.attempts, work.spec.digest
        attempts[digest] += 1
        tags = {"attempt": str(attempts[digest]), **lease.sign(self.runs.tags["host"])}
        if work.number >= 0:
            tags["trial"] = f"{work.number:06d}"
        self._began = min(self._began, time.monotonic())
        self._begun = self.loop.begin(work, tags)

    def _end(self, flight: Flight, result: Record) -> None:
        """Take a net that is trained, or failed, and tell it."""
        digest = flight.work.spec.digest
        self.past.ended[digest] = self.store.run(flight.run_id)
        if flight.work.is_dense:
            if result.reason:
                self.schedule.failed[digest] = flight.run_id, result
            else:
                self.schedule.dense[digest] = flight.run_id
        self._tell(flight.work, result)

    def _tell(self, work: Work, result: Record) -> None:
        ended, wanted = self._ended(), len(self.wanted)
        self._ran += 1
        each = (time.monotonic() - self._began) / self._ran
        position = Position(len(ended), wanted, each * (wanted - len(ended)))
        failed = sum(run.status == "FAILED" for run in ended)
        self.teller.confirmation(work, result, position=position, failed=failed)

    def _ended(self) -> list[Run]:
        """The runs that are wanted and have ended."""
        runs = (self.past.ended.get(work.spec.digest) for work in self.wanted)
        return [run for run in runs if run is not None]

    def _check_end(self) -> None:
        """Raise StudyStopped if no net has been trained."""
        ended = self._ended()
        if not ended or any(run.status != "FAILED" for run in ended):
            return
        last = ended[-1]
        raise StudyStopped(
            f"All {len(ended)} nets of {self.plan.name} failed, so there is nothing to confirm.",
            given=f"The last one: {last.name}; reason: {last.tags.get('reason', 'unknown')}.",
            todo=f"The whole traceback: make show RUN={last.run_id}. Mend the cause, then train "
            f"under further seeds: SEEDS={2 * len({run.seed for run in ended})}.",
        )

    def _close_open(self, reason: str) -> None:
        """Leave nothing RUNNING behind; a look at a stored file is another process's."""
        for run in self.store.runs(self.plan.name, role=looks.ROLE):
            if run.status == "RUNNING" and looks.is_anew(run):
                self.store.close(run.run_id, "KILLED", reason=reason)

    # --- the test split ---------------------------------------------------------------------------

    def look(self) -> None:
        """Look at each net that is trained and was not looked at."""
        trained = [run for run in self._ended() if run.status == "FINISHED"]
        unseen = [run for run in trained if not looks.has_looked(run)]
        if unseen:
            nets = f"{len(unseen)} nets" if len(unseen) > 1 else "1 net"
            self.observer.say(f"Looking at the test split, once for each of {nets}.")
        for run in unseen:
            interrupt.check()
            look_once(run, self.store, self.lab)


def _seeds_used(runs: Sequence[Run], digest: str) -> set[int]:
    """The seeds of a study's own runs."""
    used = set()
    for run in runs:
        if run.tags.get("study_digest") == digest and run.tags.get("role") != looks.ROLE:
            used.add(run.seed)
    return used
