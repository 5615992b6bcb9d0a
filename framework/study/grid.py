"""Every spec of a finite study, one after the other, and how many ways there are to choose one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from framework.study.choosing import labels
from framework.study.space import Choice, Domain, Float, Int

if TYPE_CHECKING:
    from framework.study.spec import Spec, Use
    from framework.study.study import Study


class _Walk:
    """Fixes a study along one path: for each question asked, the index of the value to take.

    Questions beyond the end of the path take their first value.
    """

    def __init__(self, path: Sequence[int]) -> None:
        self._path = path
        self.asked: dict[str, Any] = {}
        self.sizes: list[int] = []

    def ask(self, name: str, domain: Domain) -> Any:
        values = labels(domain) if isinstance(domain, Choice) else domain.values()
        depth = len(self.sizes)
        index = self._path[depth] if depth < len(self._path) else 0
        self.sizes.append(len(values))
        self.asked[name] = values[index]
        return values[index]

    def next_path(self) -> list[int] | None:
        """The path after this one, the last question running fastest; None after the last path."""
        beyond = len(self.sizes) - len(self._path)
        path = [*self._path, *[0] * beyond]
        for position in reversed(range(len(path))):
            if path[position] + 1 < self.sizes[position]:
                # what is asked behind it depends on this choice, so the path ends here
                return [*path[:position], path[position] + 1]
        return None


def enumerate_specs(study: Study) -> list[tuple[dict[str, Any], Spec]]:
    """Every spec of a finite study with the values asked for, in a fixed order (grid sampling).

    Raises:
        InvalidStudy: a domain has infinitely many values.
    """
    specs: list[tuple[dict[str, Any], Spec]] = []
    path: list[int] | None = []
    while path is not None:
        walk = _Walk(path)
        spec = study.fix(walk.ask)
        specs.append((walk.asked, spec))
        path = walk.next_path()
    return specs


def combinations(study: Study) -> float:
    """How many ways there are to answer a study's questions, infinity included.

    Several may lead to one spec.
    """
    parts = (study.architecture, *study.compress)
    return _product(study.train.values().values()) * math.prod(map(_part_combinations, parts))


def _part_combinations(part: Use | Choice | None) -> float:
    options = part.options if isinstance(part, Choice) else (part,)
    total: float = 0
    for option in options:
        total += _product(option.knobs.values()) if option else 1
    return total


def _product(values: Iterable[Any]) -> float:
    product: float = 1
    for value in values:
        if isinstance(value, (Float, Int, Choice)):
            product *= value.size
    return product
