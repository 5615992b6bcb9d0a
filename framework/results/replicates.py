"""One configuration under several seeds, as one run: means, standard deviations, how many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from statistics import fmean, stdev
from typing import Any

from framework.results.record import Run
from framework.study.constraints import AtLeast, AtMost

SEEDS = "seeds"  # tag of an averaged run: how many finished
RUNS = "runs"  # beside it: the id of each seed's run, as `0:1a2b 1:3c4d`
SD = "_sd"  # behind a metric's name: the sample standard deviation over its seeds
VIOLATION = "constraint_violation"
Key = tuple[tuple[str, str], ...]
KINDS: Mapping[str, type[AtMost | AtLeast]] = {"AtMost": AtMost, "AtLeast": AtLeast}


def averaged(
    runs: Sequence[Run],
    constraints: Iterable[AtMost | AtLeast] = (),
    *,
    spread: Iterable[str] = (),
) -> Run:
    """Runs of one configuration as one, which has the names and ids of the first seed's.

    Metrics are means over the seeds that finished. Where one failed, so has the configuration: a
    mean over those that went well is no result of it.

    Args:
        runs: one per seed, at least one.
        constraints: of the study; met or not by the means.
        spread: metrics whose sample standard deviation stands beside them, under their name and
            `_sd`; none of a single seed.
    """
    runs = sorted(runs, key=attrgetter("seed"))
    first, finished = runs[0], [run for run in runs if run.status == "FINISHED"]
    if len(runs) == 1:
        return first
    ids = " ".join(f"{run.seed}:{run.run_id}" for run in runs)
    tags = {**first.tags, SEEDS: str(len(finished)), RUNS: ids}
    if len(finished) < len(runs):
        tags["reason"] = _why(runs)
        return replace(first, status="FAILED", tags=tags, metrics={})
    metrics = {name: fmean(values) for name, values in _values(finished).items()}
    for name in {*spread} & metrics.keys():
        metrics[name + SD] = stdev(run.metrics[name] for run in finished)
    if VIOLATION in metrics:
        # a mean of excesses would not be met where the mean itself is
        excess = [constraint.violation(metrics) for constraint in constraints]
        metrics[VIOLATION] = sum(max(0.0, value) for value in excess)
    return replace(first, tags=tags, metrics=metrics)


def ids_of(run: Run) -> dict[str, str]:
    """Seed -> the id of its run; of a single run its id by the empty text."""
    pairs = [part.partition(":") for part in run.tags.get(RUNS, "").split()]
    return {seed: run_id for seed, _, run_id in pairs} or {"": run.run_id}


def _why(runs: Sequence[Run]) -> str:
    """`1 of 3 seeds: diverged`."""
    reasons = [run.tags.get("reason", "unknown") for run in runs if run.status != "FINISHED"]
    return f"{len(reasons)} of {len(runs)} seeds: {', '.join(sorted(set(reasons)))}"


def _values(runs: Sequence[Run]) -> dict[str, list[float]]:
    """Of each metric that all have, in the order of the names."""
    names = set.intersection(*(set(run.metrics) for run in runs))
    return {name: [run.metrics[name] for run in runs] for name in sorted(names)}


def constraints_of(resolved: Mapping[str, Any]) -> list[AtMost | AtLeast]:
    """The constraints of a resolved study's JSON."""
    stated = resolved.get("constraints", ())
    return [KINDS[kind](metric, limit) for kind, metric, limit in stated]


def configuration_of(run: Run) -> Key:
    """What runs that differ by their seed alone have in common."""
    return without_seed(run.params)


def without_seed(params: Mapping[str, str]) -> Key:
    """All parameters but the seed, in the order of their names."""
    return tuple(sorted((name, value) for name, value in params.items() if name != "seed"))


def by_configuration(runs: Iterable[Run]) -> list[list[Run]]:
    """Runs that differ by their seed alone, first seeds first, in the order of the first ones."""
    groups: dict[Key, list[Run]] = {}
    for run in runs:
        groups.setdefault(configuration_of(run), []).append(run)
    return [sorted(group, key=attrgetter("seed")) for group in groups.values()]
