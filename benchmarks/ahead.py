"""What it costs a search to run trials side by side: `ahead` 1, 2, 4 and 8.

    make study NAME=lenet_300_100_prune SET="sampler=random trials=120 keep=front"
    .venv/bin/python -m benchmarks.ahead lenet_300_100_prune \\
        --set sampler=random --set trials=120 --set keep=front

The trials of a finished random study stand in for training: each spec that a search asks for gets
what the nearest recorded one of its kind reached (distance over the ranges of its knobs). So a
search of 30 trials takes a second, and 20 seeds can be asked. Prints, for each `ahead`, the
hypervolume of the last front over that of `ahead=1`, mean of the seeds with the standard error of
the paired difference; the reference point is the worst recorded value of each objective.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import moocore
import numpy as np

from benchmarks.shared import study_parser
from framework.contracts import Catalog
from framework.errors import SqueezelabError
from framework.planning.plan import Plan, plan
from framework.results import record
from framework.runner.sampler import Observed, Sampler
from framework.study import Study
from framework.system.paths import find_root
from framework.tracking.history import read_history
from framework.tracking.store import Store

AHEAD = (1, 2, 4, 8)
WITHIN = 0.01  # of the hypervolume of ahead=1


@dataclass(frozen=True)
class Recorded:
    """A trial that was run: where it lies in the space, and what it reached.

    Args:
        place: knob -> position in its range, 0 to 1, or what was chosen.
        values: of the objectives in their order, larger is better.
    """

    place: Mapping[str, float | str]
    values: tuple[float, ...]


def main() -> None:
    """Print a line per `ahead`."""
    parser = study_parser(__doc__)
    parser.add_argument("--trials", type=int, default=30)
    parser.set_defaults(seeds=list(range(20)))
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    planned = plan(root, arguments.study, settings=arguments.set, catalog=catalog)
    trials = recorded(planned, root)
    print(f"{len(trials)} recorded trials, searches of {arguments.trials}")
    alone: list[float] = []
    for ahead in AHEAD:
        volumes = []
        for seed in arguments.seeds:
            study = replace(planned.study, sampler="tpe", ahead=ahead, seed=seed)
            volumes.append(volume(search(study, trials, arguments.trials), trials))
        alone = alone or volumes  # ahead=1 comes first
        print(line(ahead, volumes, alone), flush=True)


def recorded(planned: Plan, root: Path) -> list[Recorded]:
    """The finished trials of a study.

    Raises:
        SqueezelabError: there are too few to stand in for training.
    """
    store = Store.open(root, create=False)
    history = read_history(store, planned, store.runs(planned.name), fresh=False)
    found = []
    for run in history.done.values():
        if run.status == "FINISHED":
            question = store.artifact(run.run_id, record.OPTUNA_JSON).decode()
            values = {name: run.metrics[name] for name in planned.study.objectives}
            found.append(Recorded(place_of(question), larger_is_better(planned.study, values)))
    if len(found) < 50:
        raise SqueezelabError(f"{planned.name} has {len(found)} finished trials: 50 are needed.")
    return found


def larger_is_better(study: Study, values: Mapping[str, float]) -> tuple[float, ...]:
    """The objectives in their order, those to be small with another sign."""
    signs = {"max": 1.0, "min": -1.0}
    return tuple(signs[way] * values[name] for name, way in study.objectives.items())


def place_of(question: str) -> dict[str, float | str]:
    """Where a suggestion lies: a number by its place in its range, a choice as it is."""
    stored = json.loads(question)
    place: dict[str, float | str] = {}
    for name, value in stored["params"].items():
        form = stored["distributions"][name]["attributes"]
        place[name] = _position(value, form) if "low" in form else str(value)
    return place


def _position(value: float, form: Mapping[str, Any]) -> float:
    scale = math.log if form.get("log") else float
    low, high = scale(form["low"]), scale(form["high"])
    return (scale(value) - low) / ((high - low) or 1.0)


def distance(one: Mapping[str, float | str], other: Mapping[str, float | str]) -> float:
    """Between two suggestions; infinite where they answer other questions."""
    if one.keys() != other.keys():
        return math.inf
    total = 0.0
    for name, value in one.items():
        near = other[name]
        if isinstance(value, float) and isinstance(near, float):
            total += (value - near) ** 2
        else:
            total += float(value != near)
    return total


def search(study: Study, trials: Sequence[Recorded], count: int) -> list[tuple[float, ...]]:
    """What the trials of one search reach."""
    sampler, reached = Sampler(study), []
    ways = study.objectives.values()
    for number in range(count):
        suggestion = sampler.ask(number)
        if suggestion is None:
            break
        # told at once: the sampler itself keeps what it may not know yet
        place = place_of(suggestion.optuna)
        nearest = min(trials, key=lambda trial: distance(place, trial.place))
        reached.append(nearest.values)
        values = []
        for value, way in zip(nearest.values, ways, strict=True):
            values.append(value if way == "max" else -value)
        sampler.tell(number, Observed(suggestion.optuna, tuple(values), {}))
    return reached


def volume(reached: Sequence[tuple[float, ...]], trials: Sequence[Recorded]) -> float:
    """Hypervolume of what was reached, each objective on the range of the recorded trials."""
    everything = np.array([trial.values for trial in trials])
    worst, best = everything.min(axis=0), everything.max(axis=0)
    scaled = (np.array(reached) - worst) / np.where(best > worst, best - worst, 1.0)
    return float(moocore.hypervolume(scaled, ref=np.zeros(scaled.shape[1]), maximise=True))


def line(ahead: int, volumes: Sequence[float], alone: Sequence[float]) -> str:
    """Of one `ahead`: its mean hypervolume, over that of `ahead=1`, and whether that is enough."""
    ratio = mean(volumes) / mean(alone)
    differences = [one - other for one, other in zip(volumes, alone, strict=True)]
    error = stdev(differences) / math.sqrt(len(differences)) / mean(alone)
    verdict = "within 1 %" if ratio >= 1 - WITHIN else "not within 1 %"
    return (
        f"ahead={ahead}: hypervolume {mean(volumes):.4f}, {ratio:.4f} of ahead=1 "
        f"(s.e. {error:.4f}, n = {len(volumes)}), {verdict}"
    )


if __name__ == "__main__":
    main()
