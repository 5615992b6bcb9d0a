"""The study loop: ask, run, report. It resumes where it stopped, from the runs in the store."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import TrialDiverged
from framework.planning import own_plugins
from framework.planning.parts import dataset_of
from framework.planning.resolve import budget, control_spec, first_value
from framework.results import chance, record
from framework.results.status import (
    DELETED_METRICS,
    OTHER_METRICS,
    StudyStatus,
    objective_values,
    unmeasured,
    unranked,
    violations,
    with_deleted,
)
from framework.runner import failures, trial
from framework.runner.baseline import EpochReport, Lab
from framework.runner.engine import InProcess
from framework.runner.events import Ended, Interrupted, Observer, Outcome, Running
from framework.runner.sampler import Observed, Sampler, Suggestion
from framework.runner.settle import Settler
from framework.runner.study_runs import StudyRuns
from framework.study.space import Choice
from framework.system import interrupt
from framework.system.locks import study_lock
from framework.tracking import mlflow_ui
from framework.tracking.history import History, resume
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.planning.plan import Plan
    from framework.results.record import Record, Run
    from framework.study.spec import Spec
    from framework.study.study import Study

MEND = (
    "What is measured against it says nothing: look at the data, its labels, the range of its "
    "inputs, and train=."
)


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


class Coordinator:
    """One session of one study. It alone writes, through `StudyRuns`; trials are pure."""

    def __init__(self, plan: Plan, runs: StudyRuns, *, lab: Lab, observer: Observer) -> None:
        self.plan, self.runs, self.lab, self.observer = plan, runs, lab, observer
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
        self.sampler.replay([self._observation(self.done[number]) for number in sorted(self.done)])
        self.wanted = min(self.plan.study.trials, self.sampler.limit or self.plan.study.trials)
        return history

    def _greet(self, history: History) -> None:
        """Say what of the history a person has to know before anything runs."""
        if self._unranked:
            self.observer.say(f"{len(self._unranked)} trials {OTHER_METRICS}")
        if self._deleted:
            self.observer.say(f"{len(self._deleted)} trials {DELETED_METRICS}")
        for warning in own_plugins.changed_code(self.done.values(), self.runs.tags):
            self.observer.say(warning)
        # an overridden study is another question on purpose
        if history.changed and not self.plan.overrides:
            self.observer.say(
                "The study has changed since it was run; its earlier trials stay under their "
                "digest."
            )
        self.observer.begin(self.plan, done=len(self.done), wanted=self.wanted)
        for run in history.dense:
            self._warn(run.tags.get("architecture", ""), run.metrics)
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
        loop_began = time.monotonic()
        for ran, number in enumerate(missing):
            interrupt.check()
            if time.monotonic() > ends:
                return ran, True
            suggestion = self.sampler.ask(number)
            if suggestion is None:
                self.wanted = len(self.done)
                self._say_how_many()
                return ran, False
            result, spec = self._run_trial(number, suggestion)
            self._prune_artifacts()
            left = (time.monotonic() - loop_began) / (ran + 1) * (len(missing) - ran - 1)
            # the session ends with its last trial or with its hours, whichever comes first
            eta_seconds = min(left, max(0.0, ends - time.monotonic()))
            self._show(number, result, spec, eta_seconds=eta_seconds)
            failures.check_start(self.plan.name, self.done, self.store)
        return len(missing), False

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

    def _run_trial(self, number: int, suggestion: Suggestion) -> tuple[Record, Spec]:
        suggestion = replace(suggestion, spec=self.settler.settle(suggestion.spec))
        if self._dense_run(suggestion.spec):
            self._run_control(suggestion.spec)
        self.attempts[number] = self.attempts.get(number, 0) + 1
        tags = {"trial": f"{number:06d}", "attempt": str(self.attempts[number])}
        run_id, result = self._execute(
            "trial", f"trial {number}", suggestion.spec, tags=tags, suggestion=suggestion
        )
        self.done[number] = self.store.run(run_id)
        self.sampler.tell(self._observation(self.done[number]))
        return result, suggestion.spec

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
            self._warn(self._net(dense), result.metrics)
        return self._dense_runs[dense.digest]

    def _execute(
        self,
        role: str,
        what: str,
        spec: Spec,
        *,
        tags: Mapping[str, str] | None = None,
        suggestion: Suggestion | None = None,
    ) -> tuple[str, Record]:
        """Begin a run, do the work, write the result."""
        dense = self._dense_runs.get(spec.dense().digest, "")
        run_id = self.runs.begin(role, spec, dense=dense, tags=tags or {})
        # a baseline and a control run once for all trials: no limit of a trial ends them
        seconds = self.plan.study.trial_seconds if role == "trial" else None
        running = Running(what, tried=self._tried(role, spec), epochs=self._epochs(spec))
        report = self._reporter(run_id, running)
        future = self.engine.submit(trial.run, spec, self.lab, seconds=seconds, report=report)
        result = self._completed(future.result(), suggestion)
        self.runs.log_data(run_id, spec, self.lab)
        self.store.finish(run_id, result)
        if role != "trial":  # a trial is shown with the front that it changes
            values = _objectives(self.plan.study, result)
            self.observer.ended(Ended(what=what, net=self._net(spec), record=result, values=values))
        return run_id, result

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

    # --- observers --------------------------------------------------------------------------------

    def _tried(self, role: str, spec: Spec) -> str:
        """What tells a trial from the others."""
        return mlflow_ui.tried(self.plan.study, spec) if role == "trial" else ""

    def _epochs(self, spec: Spec) -> int:
        """How many epochs a run is expected to report."""
        return budget(spec, self.catalog) if spec.compress else spec.train.epochs

    def _net(self, spec: Spec) -> str:
        """What the architecture is called in a study that searches over several."""
        return mlflow_ui.net_name(spec) if isinstance(self.plan.study.architecture, Choice) else ""

    def _show(self, number: int, result: Record, spec: Spec, *, eta_seconds: float) -> None:
        status = self._status()
        event = Ended(
            what=f"trial {number}",
            net=self._net(spec),
            tried=self._tried("trial", spec),
            position=len(self.done),
            of=self.wanted,
            record=result,
            values=_objectives(self.plan.study, result),
            front=len(status.front()),
            failed=status.failed(),
            eta_seconds=eta_seconds,
        )
        self.observer.ended(event)

    def _say_how_many(self) -> None:
        """Why there are fewer trials than asked for: no spec is trained twice."""
        if self.wanted == 1:
            self.observer.say(
                "Nothing is searched, so one trial tells all: give a knob a domain to search it."
            )
        elif self.plan.study.sampler != "grid":
            # a space that is too large to be listed is as large as what was found of it
            tried = map(_spec_digest, self.done.values())
            distinct = self.sampler.distinct or len(set(tried))
            asked = f"{distinct} distinct of {self.plan.study.trials} trials asked for"
            self.observer.say(
                f"No spec is trained twice, and there are no more: {asked}. Give a knob more "
                f"values for more."
            )

    def _warn(self, net: str, metrics: Mapping[str, float]) -> None:
        """Say loudly that a dense net has learned nothing, or is fed wrongly."""
        text = chance.warning(metrics, self.plan.task)
        if text:
            self.observer.say(
                f"WARNING: the baseline{f' of {net}' if net else ''} is {text}. {MEND}"
            )

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


def _spec_digest(run: Run) -> str:
    return run.tags.get("spec_digest", run.run_id)


def _objectives(study: Study, result: Record) -> dict[str, float]:
    """The objectives' values of a run that has ended, as far as there are any."""
    return {name: result.metrics[name] for name in study.objectives if name in result.metrics}
