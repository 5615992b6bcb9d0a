"""What is confirmed, with its dense nets and controls, and under which seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count, filterfalse, islice
from typing import TYPE_CHECKING

from framework.planning.resolve import control_spec
from framework.results import record
from framework.runner.schedule import Work
from framework.study.spec import spec_from_json

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.planning.plan import Plan
    from framework.results.record import Run
    from framework.study.spec import Spec
    from framework.study.study import Study
    from framework.tracking.store import Store

FAR = 1000  # from a study's first seed to the first that is new: more seeds of it come before


@dataclass(frozen=True)
class Configuration:
    """What is trained under several seeds.

    Args:
        spec: under any of them.
        number: of the trial that found it; -1 for a dense net or a control.
    """

    spec: Spec
    number: int = -1

    @property
    def digest(self) -> str:
        """What its runs have in common."""
        return self.spec.configuration

    def work(self, seed: int) -> Work:
        """The run under a seed; dense nets come before what waits for them."""
        return Work("confirm", replace(self.spec, seed=seed), self.number, is_spare=True)


def spec_of(store: Store, run: Run) -> Spec:
    """What a run was asked to do."""
    return spec_from_json(json.loads(store.artifact(run.run_id, record.SPEC_JSON)))


def configurations(
    plan: Plan,
    trials: Iterable[tuple[int, Spec]],
    catalog: Catalog,
    *,
    settle: Callable[[Spec], Spec],
) -> list[Configuration]:
    """Each once: the dense nets, the controls, the trials.

    Args:
        trials: numbers and specs of the trials, those that are meant first.
        settle: writes out what a spec leaves to the data.
    """
    asked = [Configuration(spec, number) for number, spec in trials]
    nets = {one.spec.architecture.label or one.spec.architecture.name: one.spec for one in asked}
    controls = [settle(control_spec(plan.study, catalog, like=spec)) for spec in nets.values()]
    # a control has a dense net of its own where the training is searched
    dense = [spec.dense() for spec in (*(one.spec for one in asked), *controls)]
    every = [*map(Configuration, dense), *map(Configuration, controls), *asked]
    each: dict[str, Configuration] = {}
    for one in every:
        each.setdefault(one.digest, one)
    return list(each.values())


def new_seeds(study: Study, used: Collection[int]) -> Iterator[int]:
    """Seeds that the study has not used and will not use, without end.

    Args:
        used: by any of its runs.
    """
    known = {*used, *range(study.seed, study.seed + study.seeds)}
    return filterfalse(known.__contains__, count(study.seed + FAR))


def works(
    one: Configuration, seeds: Iterable[int], lost: Collection[str], wanted: int
) -> list[Work]:
    """The runs of a configuration, one for each of its seeds.

    Args:
        seeds: new ones, without end.
        lost: digests of specs whose look at the test split came to no answer: the next seed takes
            the place of theirs, because no file is looked at twice.
        wanted: how many, at least 1.
    """
    each = map(one.work, seeds)
    return list(islice((work for work in each if work.spec.digest not in lost), wanted))
