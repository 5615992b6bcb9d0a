"""Small studies of all kinds, each drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from benchmarks.chaos.lab import Fate
from framework.contracts.catalog import Catalog
from framework.planning.plan import Plan
from framework.planning.resolve import resolve
from framework.study import AtMost, Choice, Float, Study, Train, use
from framework.study.grid import enumerate_specs

if TYPE_CHECKING:
    from framework.study.spec import Spec

MOST_TRIALS = 8
SEEDS = (1, 1, 1, 1, 2, 3)  # of a study
NET = use("lenet_300_100", units_1=32, units_2=16)
NETS: dict[str, Any] = {
    "one": NET,
    "three": Choice(NET, use("mlp", units=16), use("lenet_300_100", label="wide", units_1=64)),
}
PRUNE = use("magnitude_prune", sparsity=Float(0.1, 0.9), epochs=1)
STEPS = Choice(0.5, 0.7, 0.9)
CHAINS: dict[str, tuple[Any, ...]] = {
    "numbers": (PRUNE,),
    "small": (use("magnitude_prune", sparsity=STEPS, layers=Choice("uniform", "erk"), epochs=1),),
    "tiny": (use("magnitude_prune", sparsity=STEPS, epochs=1),),
    "optional": (Choice(None, PRUNE), use("ptq")),
    "empty": (Choice(None, PRUNE),),
}
SEARCHED: Any = Choice(1, 2)  # `Train` types a field by its values, not by its domains
TRAINS = {"fixed": Train(epochs=2), "searched": Train(epochs=SEARCHED)}
FINITE = ("small", "tiny")  # chains that a grid can walk through
LIMITS = {"none": (), "drop": (AtMost("accuracy_drop", 0.7),)}
GOALS: dict[str, dict[str, Any]] = {
    "size": {"quality": "max", "params_nonzero": "min"},
    "time": {"quality": "max", "latency_us_p50": "min"},
}


Listed = list[tuple[dict[str, Any], "Spec"]]
_listed: dict[str, Listed] = {}  # of the study that is played, by its digest


def enumerated(study: Study) -> Listed:
    """Stands for `enumerate_specs`: one list for all sessions of a study."""
    if study.digest not in _listed:
        _listed.clear()
        _listed[study.digest] = enumerate_specs(study)
    return _listed[study.digest]


@cache
def resolved(net: str, chain: str, train: str, limit: str, goal: str) -> Study:
    """A study with all that takes time to be checked."""
    study = Study(
        dataset=use("digits"),
        architecture=NETS[net],
        train=TRAINS[train],
        compress=CHAINS[chain],
        constraints=LIMITS[limit],
        objectives=GOALS[goal],
    )
    return resolve(study, Catalog())


def plan_of(draw: random.Random) -> Plan:
    """A small study."""
    chain = draw.choice(list(CHAINS))
    net = draw.choice(("one", "one", "three"))
    train = draw.choice(("fixed", "fixed", "fixed", "searched"))
    limit = draw.choice(("none", "none", "drop"))
    goal = draw.choice(("size", "size", "size", "size", "time"))
    samplers = ["tpe", "tpe", "nsga2", "random"] + ["grid"] * (chain in FINITE)
    seeds = draw.choice(SEEDS)
    study = replace(
        resolved(net, chain, train, limit, goal),
        sampler=draw.choice(samplers),
        ahead=draw.randint(1, 4),
        # each trial is as many runs as there are seeds; small studies, which take less time, more
        # often
        trials=min(draw.randint(1, MOST_TRIALS // seeds), draw.randint(1, MOST_TRIALS // seeds)),
        seeds=seeds,
        seed=draw.randrange(1000),
        # a result of made-up seconds, 0 to 1, may be late
        trial_seconds=draw.choice((None, None, None, 0.9)),
        hours=draw.choice((None, None, None, 0.01)),
        keep=draw.choice(("all", "all", "front")),
    )
    return Plan("simulated", "Does it hold?", (), study)


def fate_of(draw: random.Random) -> Fate:
    """What fails: in most studies little."""
    return Fate(
        failing=draw.choice((0.0, 0.2, 0.2, 0.7)),
        deadly=draw.choice((0.0, 0.0, 0.1)),
        untrainable=draw.choice((0.0, 0.0, 0.0, 0.2)),
    )
