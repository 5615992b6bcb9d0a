"""The choices that a study leaves open: what alternatives are called, and how one is fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from framework.study.space import Choice, Domain, Float, Int
from framework.study.spec import Use, label_of

Ask = Callable[[str, Domain], Any]
"""Maps (a parameter's name, its domain) to one value; a Choice of plug-ins to a label."""


def labels(choice: Choice) -> list[Any]:
    """What is asked of a Choice: labels where it chooses between plug-ins, the values otherwise."""
    if any(isinstance(option, Use) for option in choice.options):
        return list(map(label_of, choice.options))
    return list(choice.options)


def alternatives(kind: str, path: str, part: Use | Choice | None) -> Iterator[tuple[str, str, Use]]:
    """The plug-ins that a part may be: (kind, path, use); none where it is left out."""
    if isinstance(part, Use):
        yield kind, path, part
    elif isinstance(part, Choice):
        for option in part.options:
            if option is not None:
                yield kind, f"{path}={label_of(option)}", option


def fix_part(path: str, part: Use | Choice | None, ask: Ask) -> Use | None:
    """The part with one alternative chosen and every knob fixed; None where it is left out."""
    if isinstance(part, Choice):
        names = labels(part)
        # by labels, because what a trial was asked is stored as JSON, which holds no `Use`
        label = ask(path, Choice(*names))
        return fix_part(f"{path}={label}", part.options[names.index(label)], ask)
    if part is None:
        return None
    fixed = fix_values(path, part.knobs, ask)
    # a part of which nothing is searched is one object in all specs, and its text made once
    return part if fixed == part.knobs else replace(part, knobs=fixed)


def fix_values(path: str, values: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """The values by name, every search domain among them replaced by what `ask` chooses."""
    fixed: dict[str, Any] = {}
    for name, value in values.items():
        is_open = isinstance(value, (Float, Int, Choice))
        fixed[name] = ask(f"{path}.{name}", value) if is_open else value
    return fixed


def without_gaps(steps: Iterable[Use | None]) -> tuple[Use, ...]:
    """The steps that are not left out; those behind a gap remember their slot."""
    chain: list[Use] = []
    # a slot is noted only where it differs, so that specs without a gap are stored as ever
    for slot, step in enumerate(steps):
        if step is not None:
            chain.append(step if slot == len(chain) else replace(step, slot=slot))
    return tuple(chain)
