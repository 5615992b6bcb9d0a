"""Every spec of a finite study, one after the other, and how many ways there are to choose one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from framework.study.space import Choice, Domain, Float, Int
from framework.study.spec import Spec, Study, Use, labels


def enumerate_specs(study: Study) -> list[tuple[dict[str, Any], Spec]]:
    """Every spec of a finite study with the values asked for, in a fixed order (grid sampling).

    Raises:
        InvalidStudy: a domain has infinitely many values.
    """
    found: list[tuple[dict[str, Any], Spec]] = []
    path: list[int] | None = []
    while path is not None:
        asked: dict[str, Any] = {}
        sizes: list[int] = []

        def ask(
            name: str,
            domain: Domain,
            path: list[int] = path,
            asked: Any = asked,
            sizes: Any = sizes,
        ) -> Any:
            values = labels(domain) if isinstance(domain, Choice) else domain.values()
            index = path[len(sizes)] if len(sizes) < len(path) else 0
            sizes.append(len(values))
            asked[name] = values[index]
            return values[index]

        found.append((asked, study.fix(ask)))
        path = _next_path(path + [0] * (len(sizes) - len(path)), sizes)
    return found


def combinations(study: Study) -> float:
    """How many ways there are to answer a study's questions, infinity included.

    Several may lead to one spec.
    """
    parts = (study.architecture, *study.compress)
    return _product(study.train.values().values()) * math.prod(map(_part_combinations, parts))


def _part_combinations(part: Use | Choice | None) -> float:
    options = part.options if isinstance(part, Choice) else (part,)
    return sum(_product(option.knobs.values()) if option else 1 for option in options)


def _product(values: Iterable[Any]) -> float:
    return math.prod(value.size for value in values if isinstance(value, (Float, Int, Choice)))


def _next_path(path: list[int], sizes: list[int]) -> list[int] | None:
    for position in reversed(range(len(path))):
        if path[position] + 1 < sizes[position]:
            return [*path[:position], path[position] + 1]
    return None
