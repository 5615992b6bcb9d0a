"""What is left to do of a study, in epochs, minutes and disk, before any of it is run.

Where enough of its trials are finished, their own seconds and bytes tell; otherwise short trials
are timed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import filterfalse
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from framework.planning.parts import dataset_of
from framework.planning.resolve import (
    budget,
    control_spec,
    first_value,
    largest_budget,
    smallest_budget,
)
from framework.results import record
from framework.runner.baseline import Lab
from framework.runner.engine.choice import Place
from framework.runner.engine.sizing import START_SECONDS, cores_for, width
from framework.runner.forecast.timing import Stopwatch
from framework.runner.replicates import Replicates
from framework.runner.sampler import Sampler
from framework.runner.settle import Settler
from framework.study.checks import BLIND
from framework.system.disk import size_text
from framework.system.host import host_name
from framework.tracking import database
from framework.tracking.history import History, read_history
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.planning.plan import Plan
    from framework.results.record import Run
    from framework.study.spec import Spec
    from framework.study.study import Study

ENOUGH_TRIALS = 5  # whose mean is trusted: epochs differ from trial to trial
DRAWS = 200  # of a search space, for the mean
STORE_SECONDS = 0.2  # to write one run
STORE_BYTES = 40_000  # by which mlflow.db grows with it


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is left to run.

    Args:
        done: number of trials, of all seeds.
        todo: numbers of the trials.
        replicates: runs of trials under further seeds.
        specs: those trials, or as many draws from the search space as tell their mean.
        dense: dense nets that have no run in this study yet.
        untrained: those of them that are to be trained: not in the cache, and without weights of
            their own.
        controls: those that have no run in this study yet, one for each architecture.
        least_epochs, most_epochs: of fine-tuning, of all trials together.
        expected_epochs: the same for a search that prefers no value.
    """

    done: int
    todo: Sequence[int]
    replicates: int
    specs: Sequence[Spec]
    dense: Sequence[Spec]
    untrained: Sequence[Spec]
    controls: Sequence[Spec]
    least_epochs: int
    expected_epochs: float
    most_epochs: int

    @property
    def runs(self) -> int:
        """Of trials, under all seeds."""
        return len(self.todo) + self.replicates


@dataclass(frozen=True)
class Cost:
    """What it takes.

    Args:
        seconds: wall time, one run after another.
        size: bytes in `.artifacts`, `.cache` and the store; with `keep="front"` before anything is
            removed.
        source: where both come from.
        place: where it runs.
    """

    seconds: float
    size: float
    source: str
    place: Place = field(default_factory=Place)


def estimate(
    plan: Plan,
    root: Path,
    *,
    catalog: Catalog,
    fresh: bool,
    place: Place,
    say: Callable[[str], None],
) -> tuple[Work, Cost]:
    """What is left of the study and what it costs; writes nothing into the store, and no artifact.

    Args:
        fresh: as a new generation.
        place: where it is to run; what is left open there is settled as the study does.
        say: called when something is to be timed, which takes a while, and for each kind of trial.

    Raises:
        SqueezelabError: a trial that was tried for its time failed.
    """
    dataset_of(plan.study, catalog, root).check_available(root)
    store = Store.open(root, create=False) if database.is_there(root) else None
    runs = store.runs(plan.name) if store else []
    history = (
        read_history(store, plan, runs, fresh=fresh) if store else History(0, None, changed=False)
    )
    work = work_left(plan.study, history, Lab(root, catalog))
    if not (work.runs or work.dense or work.controls):
        return work, Cost(0.0, 0.0, "nothing is left to run")
    place = place.settled(plan.study, lambda: history)
    finished = [run for run in runs if _finished_here(run, plan.study)]
    if store and len(_of_role(finished, "trial")) >= ENOUGH_TRIALS:
        return work, replace(cost_by_runs(store, finished, work), place=place)
    say("Timing a few short trials, about a minute; nothing of them is kept.")
    cost = cost_by_timing(work, Stopwatch(root, catalog, say), catalog)
    return work, replace(cost, place=place)


def work_left(study: Study, history: History, lab: Lab) -> Work:
    """What a session would run."""
    wanted = _wanted(study, history)
    todo = [number for number in range(wanted) if number not in history.done]
    further = Replicates(study)
    further.recall(history.replicates)
    replicates = further.left(wanted)
    numbers = todo or (list(range(wanted)) if replicates else [])
    settler = Settler(lab)
    settler.recall(history.dense)
    # recalled, not settled: trying values would load TensorFlow
    specs = list(map(settler.recalled, _specs(study, numbers)))
    # the study's own net first: a session trains it before it asks for any trial
    first = [settler.recalled(study.fix(first_value))] if numbers else []
    trials = _of_all_seeds([*first, *specs[: len(numbers)]], further.seeds)
    controls, dense = _references(study, trials, settler, lab.catalog)
    missing = _without(dense, map(_spec_digest, history.dense))
    least, expected, most = _epochs_of_one(study, specs, lab.catalog)
    runs = len(todo) + replicates
    return Work(
        done=len(history.done) + further.count(wanted),
        todo=todo,
        replicates=replicates,
        specs=specs,
        dense=missing,
        untrained=list(filterfalse(lab.has_baseline, missing)),
        controls=_without(controls, history.controls),
        least_epochs=least * runs,
        expected_epochs=expected * runs,
        most_epochs=most * runs,
    )


def _of_all_seeds(specs: Sequence[Spec], further: Iterable[int]) -> list[Spec]:
    """The specs, and the same under further seeds."""
    return [*specs, *(replace(spec, seed=seed) for seed in further for spec in specs)]


def _references(
    study: Study, trials: Sequence[Spec], settler: Settler, catalog: Catalog
) -> tuple[dict[str, Spec], dict[str, Spec]]:
    """(controls, dense nets) that these trials are compared with, by their digests."""
    controls = {}
    for trial in trials:
        control = settler.recalled(control_spec(study, catalog, like=trial))
        control = replace(control, seed=trial.seed)
        controls[control.digest] = control
    dense = {}
    for spec in (*trials, *controls.values()):
        dense[spec.dense().digest] = spec.dense()
    return controls, dense


def _without(specs: Mapping[str, Spec], digests: Iterable[str]) -> list[Spec]:
    """The specs whose digest is not among these."""
    done = set(digests)
    return [spec for digest, spec in specs.items() if digest not in done]


def _epochs_of_one(study: Study, specs: Sequence[Spec], catalog: Catalog) -> tuple[int, float, int]:
    """(least, expected, most) epochs of fine-tuning of one trial."""
    budgets = [budget(spec, catalog) for spec in specs]
    expected = fmean(budgets) if budgets else 0.0
    if study.sampler == "grid" and budgets:  # these are the trials themselves
        return min(budgets), expected, max(budgets)
    return smallest_budget(study, catalog), expected, largest_budget(study, catalog)


def _wanted(study: Study, history: History) -> int:
    """Trials of all sessions together.

    A spec that an earlier version tried again leaves room for another.
    """
    limit = Sampler(study).limit
    if limit is None:
        return study.trials
    again = (
        len(history.done) - len(record.one_of_each(history.done)) if study.sampler != "grid" else 0
    )
    return min(study.trials, limit + again)


def _specs(study: Study, todo: Sequence[int]) -> list[Spec]:
    """The trials themselves where the sampler does not learn, else draws that prefer no value."""
    learns = study.sampler not in BLIND
    sampler = Sampler(replace(study, sampler="random") if learns else study)
    wanted = range(max(DRAWS, len(todo))) if learns and todo else todo
    specs = []
    # also those that are done: what they tried is not tried again
    for number in range(max(wanted, default=-1) + 1):
        suggestion = sampler.ask(number)
        if suggestion is None:
            break
        if number in wanted:
            specs.append(suggestion.spec)
    return specs


def cost_by_runs(store: Store, runs: Sequence[Run], work: Work) -> Cost:
    """The cost by what finished runs of this study took on this machine."""
    trials, baselines = _of_role(runs, "trial"), _of_role(runs, "baseline")
    seconds = work.runs * fmean(map(_wall_seconds, trials))
    # a control is fine-tuned as trials are: they tell where no control has finished here
    controls = _of_role(runs, "control") or trials
    seconds += len(work.controls) * fmean(map(_wall_seconds, controls))
    for spec in work.dense:
        trained = spec in work.untrained
        if baselines:
            seconds += fmean([_dense_seconds(run, trained=trained) for run in baselines])
        else:
            seconds += fmean(map(_wall_seconds, trials))
    size = fmean([_bytes(store, run) for run in trials])
    count = work.runs + len(work.dense) + len(work.controls)
    return Cost(
        seconds,
        count * (size + STORE_BYTES),
        f"{len(trials)} finished trials of this study on this machine",
    )


def cost_by_timing(work: Work, watch: Stopwatch, catalog: Catalog) -> Cost:
    """The cost by short trials timed now."""
    seconds = size = 0.0
    # of a search that learns more specs are drawn than it has trials: each counts for a share
    share = work.runs / max(1, len(work.specs))
    for spec in work.specs:
        cost = watch.cost(spec)
        seconds += share * (STORE_SECONDS + cost.fixed + cost.epoch * budget(spec, catalog))
        size += share * (STORE_BYTES + cost.size)
    for spec in work.controls:
        cost = watch.dense_cost(spec)
        seconds += STORE_SECONDS + cost.fixed + cost.epoch * budget(spec, catalog)
        size += STORE_BYTES + cost.size
    for spec in work.dense:
        cost = watch.dense_cost(spec)
        trained = spec in work.untrained
        seconds += STORE_SECONDS + cost.fixed + cost.epoch * (spec.train.epochs if trained else 0)
        # its weights lie in the cache as well
        size += STORE_BYTES + cost.size * (2 if trained else 1)
    return Cost(seconds + watch.once, size, "short trials timed now")


def rows(work: Work, cost: Cost, *, study: Study, catalog: Catalog) -> dict[str, str]:
    """The same in words, for a person."""
    epochs = sum(spec.train.epochs for spec in work.untrained)
    cached = len(work.dense) - len(work.untrained)
    # hours end a session, not the study: the time is that of all that is left
    within = f"; this session ends after {study.hours:g} h" if study.hours else ""
    kept = ", before the nets that others beat are removed" if study.keep == "front" else ""
    return {
        "left to run": f"{work.runs} trials, {work.done} are done{_seeds_text(study)}",
        "epochs, baseline": f"{epochs} ({len(work.untrained)} to train, {cached} ready)",
        "epochs, control": f"{sum(budget(spec, catalog) for spec in work.controls)}",
        "epochs, trials": f"{work.least_epochs} to {work.most_epochs}, about "
        f"{work.expected_epochs:.0f}",
        "time": f"{_wall_text(work, cost, study)}{within}" if cost.seconds else "none",
        "disk": f"about {size_text(round(cost.size))}{kept}" if cost.size else "none",
        "by": cost.source,
    }


def _seeds_text(study: Study) -> str:
    return f", {study.seeds} seeds together" if study.seeds > 1 else ""


def _wall_text(work: Work, cost: Cost, study: Study) -> str:
    """How long it takes where it runs."""
    alone, workers = _time_text(cost.seconds), int(cost.place.workers)
    if cost.place.cluster:
        return f"about {alone} on one slot of the cluster, a part of it on more"
    if not workers:
        return f"about {alone}"
    runs = max(1, work.runs)
    limits = {"": workers, "for no more are left": runs}
    limits |= {"as results allow": width(study, runs), "as cores allow": cores_for(study)}
    why = min(limits, key=limits.__getitem__)
    at_once = limits[why]
    note = f", {at_once} at once {why}" if why else ""
    if at_once == 1:
        return f"about {alone}, no less in {workers} workers{note}"
    fastest = _time_text(cost.seconds / at_once + START_SECONDS)
    return f"{fastest} at best in {workers} workers{note}; {alone} in one process"


def _time_text(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def _finished_here(run: Run, study: Study) -> bool:
    """Whether a run of the study finished on this machine."""
    is_finished = run.status == "FINISHED" and run.tags.get("study_digest") == study.digest
    return is_finished and run.tags.get("host") == host_name()


def _spec_digest(run: Run) -> str:
    return run.tags["spec_digest"]


def _of_role(runs: Sequence[Run], role: str) -> list[Run]:
    return [run for run in runs if run.tags["role"] == role]


def _wall_seconds(run: Run) -> float:
    return (run.end_ms - run.start_ms) / 1000


def _dense_seconds(run: Run, *, trained: bool) -> float:
    """Of a dense net's run; its seconds hold its training, whenever that was."""
    seconds, training = run.metrics.get("seconds", 0.0), run.metrics.get("fit_seconds", 0.0)
    return seconds - (0.0 if trained else training) + STORE_SECONDS


def _bytes(store: Store, run: Run) -> int:
    lines = json.loads(store.artifact(run.run_id, record.MANIFEST_JSON))
    return sum(int(line["bytes"]) for line in lines)
