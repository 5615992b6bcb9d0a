"""The study loop: ask, run, tell. It goes on where it stopped, from the runs in the store."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from framework.contracts import Catalog
from framework.errors import StudyStopped, TrialDiverged
from framework.planning import own_plugins
from framework.planning.plan import Plan
from framework.planning.resolve import control_spec, dataset_of, first_value
from framework.results import chance, record
from framework.results.record import Record, Run
from framework.results.standing import (
    OTHER_METRICS,
    Standing,
    objective_values,
    unmeasured,
    unranked,
    violations,
)
from framework.runner import trial
from framework.runner.baseline import Lab, fingerprint
from framework.runner.engine import InProcess
from framework.runner.events import Ended, Interrupted, Outcome, View
from framework.runner.sampler import Sampler, Suggestion, Told
from framework.runner.settle import Settler
from framework.study import Spec, Study
from framework.study.space import Choice
from framework.system import interrupt
from framework.system.host import host_tags
from framework.system.locks import study_lock
from framework.tracking import mlflow_ui
from framework.tracking.history import take_up
from framework.tracking.store import Store

LEASE_SECONDS = 60.0  # how often a coordinator shows that it lives
FAILURES_AT_START = 3
MEND = (
    "What is measured against it says nothing: look at the data, its labels, the range of its "
    "inputs, and train=."
)


def run(plan: Plan, root: Path, *, catalog: Catalog, view: View, fresh: bool = False) -> Outcome:
    """Run the trials of a plan that are not done yet.

    Raises:
        StudyLocked: another coordinator is at work.
        StudyStopped: the baseline or the first three trials failed.
        Interrupted: after the open runs are closed as KILLED; it says how far the study has come.
    """
    dataset_of(plan.study, catalog, root).check_available(root)
    with interrupt.listening(), study_lock(root, plan.name):
        store = Store.open(root)
        return Coordinator(plan, root, store=store, catalog=catalog, view=view).run(fresh=fresh)


class Coordinator:
    """One session of one study. It alone writes to the store; trials are pure."""

    def __init__(
        self, plan: Plan, root: Path, *, store: Store, catalog: Catalog, view: View
    ) -> None:
        self.plan, self.root, self.store, self.catalog, self.view = plan, root, store, catalog, view
        self.lab = Lab(root, catalog)
        self.settler = Settler(self.lab, say=view.say)
        self.engine = InProcess()
        self.sampler = Sampler(plan.study)
        self.done: dict[int, Run] = {}
        self.attempts: dict[int, int] = {}
        self.generation = 0
        self._controls: set[str] = set()  # spec digests of those that need not be run
        self.parent = ""
        self._dense_runs: dict[str, str] = {}
        self._dense_metrics: Mapping[str, float] = {}  # of the study's own baseline
        self.wanted = 0
        self._unranked: set[str] = set()  # run ids
        self._shed: set[int] = set()  # numbers of the trials whose nets are removed
        self._leased = 0.0
        self._common = host_tags(root) | {
            "dataset": plan.study.dataset.name,
            "seed": str(plan.study.seed),
        }
        self._common |= own_plugins.plugin_files(plan.study, catalog, root)

    def run(self, *, fresh: bool) -> Outcome:
        """Take up the study, run what is missing, close it."""
        history = take_up(self.store, self.plan, host=self._common["host"], fresh=fresh)
        self.generation, self.done, self.attempts = (
            history.generation,
            history.done,
            history.attempts,
        )
        self.parent = history.parent.run_id if history.parent else ""
        self._controls = set(history.controls)
        self.settler.recall(history.dense)
        for run in history.dense:
            self._know_dense(run.tags["spec_digest"], run.run_id, run.metrics)
        self._unranked = unranked(self.plan.study, self.done.values(), self.catalog)
        notes = [f"{len(self._unranked)} trials {OTHER_METRICS}"] if self._unranked else []
        for note in [*notes, *own_plugins.changed_code(self.done.values(), self._common)]:
            self.view.say(note)
        self.sampler.replay([self._told(self.done[number]) for number in sorted(self.done)])
        if history.changed and not self.plan.overrides:
            self.view.say(
                "The study has changed since it was run; its earlier trials stay under their "
                "digest."
            )
        self.wanted = min(self.plan.study.trials, self.sampler.limit or self.plan.study.trials)
        todo = [number for number in range(self.wanted) if number not in self.done]
        self.view.begin(self.plan, done=len(self.done), wanted=self.wanted)
        for run in history.dense:
            self._warn(run.tags["architecture"], run.metrics)
        if self.wanted < self.plan.study.trials:
            self._say_how_many()
        self._shed_nets()
        if not todo and history.parent and history.parent.status == "FINISHED":
            return self._outcome(0, out_of_time=False)
        try:
            self._open_parent()
            ran, out_of_time = self._run_trials(todo)
            self._mark_front()
            self.store.close(self.parent, "FINISHED")
        except KeyboardInterrupt as error:
            self._close_open(error)
            self._mark_front()
            raise Interrupted(self._outcome(0, out_of_time=False)) from error
        except BaseException as error:
            self._close_open(error)
            raise
        return self._outcome(ran, out_of_time=out_of_time)

    def _standing(self) -> Standing:
        """Of the trials that are ranked."""
        ranked = {
            number: run for number, run in self.done.items() if run.run_id not in self._unranked
        }
        return Standing(self.plan.study, ranked)

    def _told(self, run: Run) -> Told:
        asked = self.store.artifact(run.run_id, record.OPTUNA_JSON).decode()
        if run.status == "FAILED" or run.run_id in self._unranked:
            return Told(asked, None, {})
        return Told(
            asked,
            objective_values(self.plan.study, run.metrics),
            violations(self.plan.study, run.metrics),
        )

    # --- running ----------------------------------------------------------------------------------

    def _open_parent(self) -> None:
        if not self.parent:
            tags = self._common | {
                "strategy": mlflow_ui.chain_text(self.plan.study),
                "overrides": " ".join(self.plan.overrides),
            }
            name = mlflow_ui.study_name(self.plan, self.generation)
            self.parent = self._begin("study", name, tags=tags, params={})
        # before it is RUNNING again: other hosts ask whose it is and when it last spoke
        self._renew_lease(force=True)
        self.store.resume(self.parent)
        self.store.put(self.parent, {record.STUDY_JSON: self._study_json()})
        mlflow_ui.arrange(self.store, self.plan, self.generation)

    def _run_trials(self, todo: Sequence[int]) -> tuple[int, bool]:
        """Run the missing trials; (how many ran, whether the time was up before the last)."""
        ends = time.monotonic() + (self.plan.study.hours or math.inf) * 3600
        self._check_start()
        if todo:
            self._run_references()
        loop_began = time.monotonic()
        for ran, number in enumerate(todo):
            interrupt.check()
            if time.monotonic() > ends:
                return ran, True
            suggestion = self.sampler.ask(number)
            if suggestion is None:
                self.wanted = len(self.done)
                self._say_how_many()
                return ran, False
            result, spec = self._run_trial(number, suggestion)
            self._shed_nets()
            left = (time.monotonic() - loop_began) / (ran + 1) * (len(todo) - ran - 1)
            self._show(
                number, result, spec, eta_seconds=min(left, max(0.0, ends - time.monotonic()))
            )
            self._check_start()
        return len(todo), False

    def _run_references(self) -> None:
        """The study's own baseline and the identity control, unless they are in the store."""
        spec = self.settler.settle(self.plan.study.fix(first_value))
        if self._dense_run(spec) == "":
            raise StudyStopped(
                "The baseline cannot be trained.",
                given=f"See error.txt of its run in experiment {self.plan.name}: make ui.",
                todo="Change train= in the study file.",
            )
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
        self.sampler.tell(self._told(self.done[number]))
        return result, suggestion.spec

    def _dense_run(self, spec: Spec) -> str:
        """Run id of the spec's baseline in this study, run now if it is not there.

        Empty if it failed.
        """
        dense = spec.dense()
        if dense.digest not in self._dense_runs:
            run_id, result = self._execute("baseline", "baseline", dense)
            if result.reason:
                return ""
            self._know_dense(dense.digest, run_id, result.metrics)
            self._warn(self._net(dense), result.metrics)
        return self._dense_runs[dense.digest]

    def _know_dense(self, spec_digest: str, run_id: str, metrics: Mapping[str, float]) -> None:
        self._dense_runs[spec_digest] = run_id
        self._dense_metrics = self._dense_metrics or metrics

    def _warn(self, net: str, metrics: Mapping[str, float]) -> None:
        """Say loudly that a dense net has learned nothing, or is fed wrongly."""
        text = chance.warning(metrics, self.plan.task)
        if text:
            self.view.say(f"WARNING: the baseline{f' of {net}' if net else ''} is {text}. {MEND}")

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
        run_id = self._begin(
            role,
            mlflow_ui.run_name(
                self.plan.study, spec, role=role, number=int((tags or {}).get("trial", -1))
            ),
            tags={
                **self._common,
                **(tags or {}),
                "spec_digest": spec.digest,
                "strategy": spec.strategy,
                "baseline": dense,
            },
            params=spec.parameters(),
        )

        def report(epoch: int, values: Mapping[str, float]) -> None:
            self.store.curve(run_id, epoch, values)
            self.view.epoch(what, epoch, values)
            self._renew_lease()

        seconds = self.plan.study.trial_seconds if role == "trial" else None
        future = self.engine.submit(trial.run, spec, self.lab, seconds=seconds, report=report)
        result = self._completed(future.result(), suggestion)
        self._log_data(run_id, spec)
        self.store.finish(run_id, result)
        if role != "trial":
            values = _objectives(self.plan.study, result)
            self.view.ended(Ended(what=what, net=self._net(spec), record=result, values=values))
        return run_id, result

    def _completed(self, result: Record, suggestion: Suggestion | None) -> Record:
        """The record with what only the study knows.

        The sampler's question, and how far constraints are violated.
        """
        missing = [] if result.reason else unmeasured(self.plan.study, result.metrics)
        if missing:
            result = replace(
                result,
                reason=TrialDiverged.reason,
                error=f"Not a finite number: {', '.join(missing)}.",
            )
        artifacts = dict(result.artifacts)
        metrics = dict(result.metrics)
        if suggestion:
            artifacts[record.OPTUNA_JSON] = suggestion.optuna.encode()
            artifacts[record.SPEC_JSON] = json.dumps(
                suggestion.spec.json(), indent=1, sort_keys=True
            ).encode()
        if self.plan.study.constraints and metrics and not missing:
            metrics["constraint_violation"] = sum(
                max(0.0, value) for value in violations(self.plan.study, metrics).values()
            )
        return replace(result, artifacts=artifacts, metrics=metrics)

    def _log_data(self, run_id: str, spec: Spec) -> None:
        try:
            splits = self.lab.splits(spec)
        except Exception:  # noqa: BLE001  (the trial's own record tells why; the run is still to be closed)
            return
        self.store.log_dataset(
            run_id,
            name=spec.dataset.name,
            digest=splits.digests.get("train", ""),
            source=dataset_of(spec, self.catalog, self.root).source(),
            profile={
                "train": len(splits.train),
                "calibration": len(splits.calibration),
                "validation": len(splits.validation),
            }
            | {f"{name}_sha256": value for name, value in splits.digests.items()},
        )

    # --- telling ----------------------------------------------------------------------------------

    def _net(self, spec: Spec) -> str:
        """What the architecture is called in a study that searches over several."""
        return mlflow_ui.net_name(spec) if isinstance(self.plan.study.architecture, Choice) else ""

    def _show(self, number: int, result: Record, spec: Spec, *, eta_seconds: float) -> None:
        standing = self._standing()
        event = Ended(
            what=f"trial {number}",
            net=self._net(spec),
            position=len(self.done),
            of=self.wanted,
            record=result,
            values=_objectives(self.plan.study, result),
            front=len(standing.front()),
            volume=standing.volume(self._dense_metrics),
            failed=standing.failed(),
            eta_seconds=eta_seconds,
        )
        self.view.ended(event)

    def _say_how_many(self) -> None:
        """Why there are fewer trials than asked for: no spec is trained twice."""
        found = self.sampler.distinct or len(
            {run.tags["spec_digest"] for run in self.done.values()}
        )
        if self.wanted == 1:
            self.view.say(
                "Nothing is searched, so one trial tells all: give a knob a domain to search it."
            )
        elif self.plan.study.sampler != "grid":
            asked = f"{found} distinct of {self.plan.study.trials} trials asked for"
            self.view.say(
                f"No spec is trained twice, and there are no more: {asked}. Give a knob more "
                f"values for more."
            )

    def _mark_front(self) -> None:
        """Tag every trial with whether it is on the front."""
        front = self._standing().front()
        for number, run in self.done.items():
            mark = str(number in front).lower()
            if run.tags.get("pareto") != mark:
                self.store.tag(run.run_id, pareto=mark)

    def _shed_nets(self) -> None:
        """With `keep="front"`, remove the nets of beaten trials.

        None that left the front ever returns.
        """
        if self.plan.study.keep == "all":
            return
        beaten = set(self.done) - self._standing().front() - self._shed
        for number in sorted(beaten):
            self.store.remove(self.done[number].run_id, record.NET_FILES, why="keep=front")
        self._shed |= beaten

    def _check_start(self) -> None:
        """Stop when the first three trials have all failed."""
        runs = [self.done[number] for number in sorted(self.done)]
        if len(runs) >= FAILURES_AT_START and all(run.status == "FAILED" for run in runs):
            raise StudyStopped(
                f"The first {len(runs)} trials of {self.plan.name} failed.",
                given=f"Last reason: {runs[-1].tags.get('reason', 'unknown')} (error.txt of run "
                f"{runs[-1].run_id}).",
                todo="Mend the cause, then begin anew with FRESH=1.",
            )

    # --- the store --------------------------------------------------------------------------------

    def _begin(
        self, role: str, name: str, *, tags: Mapping[str, str], params: Mapping[str, str]
    ) -> str:
        named = {
            "architecture": mlflow_ui.architecture_text(self.plan.study, params),
            **tags,
            **self._identity(),
        }
        return self.store.begin(
            self.plan.name,
            role=role,
            name=name,
            tags=named,
            params=params,
            parent=self.parent or None,
        )

    def _identity(self) -> dict[str, str]:
        return {"study_digest": self.plan.study.digest, "generation": str(self.generation)}

    def _renew_lease(self, *, force: bool = False) -> None:
        if self.parent and (force or time.monotonic() - self._leased > LEASE_SECONDS):
            self.store.tag(self.parent, lease=f"{time.time():.0f}", host=self._common["host"])
            self._leased = time.monotonic()

    def _close_open(self, error: BaseException) -> None:
        """Leave nothing RUNNING behind.

        A run whose result was not written never happened: it is KILLED, not FAILED.

        The store is asked which runs are open: an interrupt may come while it is creating one.
        """
        interrupted = isinstance(error, KeyboardInterrupt)
        for run in self.store.runs(self.plan.name, **self._identity()):
            role = run.tags["role"]
            if run.status == "RUNNING" and role != "confirm":  # that one is another process's
                failed = role == "study" and not interrupted
                reason = "interrupted" if interrupted else "exception"
                self.store.close(run.run_id, "FAILED" if failed else "KILLED", reason=reason)

    def _study_json(self) -> bytes:
        info = dataset_of(self.plan.study, self.catalog, self.root).info
        described = {
            "name": self.plan.name,
            "question": self.plan.question,
            "overrides": list(self.plan.overrides),
            "digest": self.plan.study.digest,
            "trials": self.plan.study.trials,
            "study": self.plan.study.json(),
            **{name: getattr(info, name) for name in ("task", "classes", "toy")},
            "environment": fingerprint(),
        }
        return json.dumps(described, indent=1, sort_keys=True).encode()

    def _outcome(self, ran: int, *, out_of_time: bool) -> Outcome:
        done = len(self.done)
        return Outcome(
            self.plan, self.generation, self.parent, ran, out_of_time, done=done, wanted=self.wanted
        )


def _objectives(study: Study, result: Record) -> dict[str, float]:
    """The objectives' values of a run that has ended, as far as there are any."""
    return {name: result.metrics[name] for name in study.objectives if name in result.metrics}
