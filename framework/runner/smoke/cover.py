"""Specs that stand for all that a study may run.

Every chain on every net, and of every domain what could fail alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from framework.planning.resolve import control_spec
from framework.runner.forecast.timing import with_epochs
from framework.study.choosing import labels
from framework.study.space import Choice, Domain

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.study.spec import Spec
    from framework.study.study import Study

READING = "reading the data"  # what is tried first of all
EPOCHS = 1  # wherever a trial trains


def covering_specs(study: Study, catalog: Catalog) -> list[Spec]:
    """One epoch of everything; of each net its control first, which trains and compresses nothing.

    Args:
        study: resolved.

    Returns:
        Distinct specs. Each combination of plug-ins is in one at least, with each text of its
        knobs and both ends of their ranges.
    """
    walks = [_Walk(pinned) for pinned in _combinations(study)]
    specs: list[Spec] = []
    # all combinations before the second value of any knob: a mistake in a plug-in shows early
    while walks:
        specs += [study.fix(walk.ask) for walk in walks]
        walks = [walk for walk in walks if walk.is_open()]
    distinct: dict[str, Spec] = {}
    for spec in (*_controls(study, specs, catalog), *specs):
        short = with_epochs(spec, EPOCHS, catalog)
        distinct.setdefault(short.digest, short)
    return list(distinct.values())


def _controls(study: Study, specs: list[Spec], catalog: Catalog) -> Iterator[Spec]:
    for spec in specs:
        control = control_spec(study, catalog, like=spec)
        # of a study that fine-tunes nothing too: its dense net is trained
        step = replace(control.compress[0], knobs={"epochs": EPOCHS})
        yield replace(control, compress=(step,))


def _combinations(study: Study) -> Iterator[Mapping[str, Any]]:
    """Path of each choice between plug-ins -> the label that is taken."""
    options: dict[str, list[Any]] = {}
    for path, part in (("architecture", study.architecture), *study.steps()):
        if isinstance(part, Choice):
            options[path] = labels(part)
    for taken in product(*options.values()):
        yield dict(zip(options, taken, strict=True))


@dataclass
class _Walk:
    """Answers for one combination: each question's values in turn, until all have been given."""

    pinned: Mapping[str, Any]
    asked: Counter[str] = field(default_factory=Counter)
    counts: dict[str, int] = field(default_factory=dict)

    def ask(self, name: str, domain: Domain) -> Any:
        if name in self.pinned:
            return self.pinned[name]
        values = _telling(domain)
        value = values[self.asked[name] % len(values)]
        self.asked[name] += 1
        self.counts[name] = len(values)
        return value

    def is_open(self) -> bool:
        return any(self.asked[name] < count for name, count in self.counts.items())


def _telling(domain: Domain) -> list[Any]:
    """The values that take paths of their own through the code.

    Of numbers both ends, of all else each.
    """
    if not isinstance(domain, Choice):
        # the last step may lie below the upper end
        steps = int(domain.size) - 1 if domain.finite else 0
        high = domain.low + steps * (domain.step or 0) if steps else domain.high
        return [domain.low, min(high, domain.high)]
    are_numbers = all(type(option) in (int, float) for option in domain.options)
    return [min(domain.options), max(domain.options)] if are_numbers else list(domain.options)
