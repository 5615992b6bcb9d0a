"""What a configuration is called: a method, and the settings at which it was run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.report.resolved import short_names
from framework.study.spec import digest_of

if TYPE_CHECKING:
    from framework.report.compare.configurations import Configuration
    from framework.study.spec import Spec


LONGEST = 24  # letters of a value in a name; longer ones are told by a digest
# heads of columns in the tables: a knob of such a name keeps its place in the chain
RESERVED = ("net", "row", "method", "n", "seeds", "flags", "front", "best", "configuration")
Setting = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Named:
    """A configuration by its method and setting.

    Args:
        method: strategies joined by `+`, with the knobs that are no numbers and vary.
        setting: (name, number) of each knob that varies, in the order of the names.
    """

    one: Configuration
    method: str
    setting: Setting


def named(configurations: Sequence[Configuration]) -> list[Named]:
    """All configurations of one net by method and setting.

    A knob that is equal wherever its strategy is used is in no name. Of the others numbers are
    settings, which methods share, and all else tells methods apart.
    """
    flat = {one.digest: _flat(one.spec) for one in configurations}
    varying = _varying(list(flat.values()))
    numbers = [path for path in varying if _numeric(path, list(flat.values()))]
    short = short_names(varying, reserved=RESERVED)
    answers = []
    for one in configurations:
        knobs = flat[one.digest]
        others = [path for path in varying if path not in numbers and path in knobs]
        words = [f"{short[path]}={_value_text(knobs[path])}" for path in others]
        setting = tuple((short[path], knobs[path]) for path in numbers if path in knobs)
        method = f"{one.spec.strategy} ({', '.join(words)})" if words else one.spec.strategy
        answers.append(Named(one=one, method=method, setting=setting))
    return sorted(answers, key=lambda name: (name.method, _sortable(name.setting)))


def setting_names(names: Sequence[Named]) -> list[str]:
    """The settings that any of them has, each once."""
    every: dict[str, None] = {}
    for one in names:
        every.update(dict.fromkeys(name for name, _ in one.setting))
    return list(every)


def by_method(names: Sequence[Named]) -> dict[str, dict[Setting, Configuration]]:
    """Method -> setting -> configuration, in the order of the names."""
    methods: dict[str, dict[Setting, Configuration]] = {}
    for one in names:
        methods.setdefault(one.method, {})[one.setting] = one.one
    return methods


def setting_text(setting: Setting) -> str:
    """`sparsity=0.9, epochs=4`."""
    return ", ".join(f"{name}={number_text(value)}" for name, value in setting)


def number_text(value: Any) -> str:
    """A setting as a reader wants it: `0.9`, `0.8313`, `16`."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _flat(spec: Spec) -> dict[str, Any]:
    """Path -> value of what compresses the net, as overrides have it; the strategies too."""
    values: dict[str, Any] = {}
    for index, step in enumerate(spec.compress):
        path = f"compress.{index if step.slot is None else step.slot}"
        values[path] = step.name
        for name, value in step.knobs.items():
            values[f"{path}.{name}"] = value
    for name in ("finetune_factor", "trained_factor"):
        values[f"train.{name}"] = getattr(spec.train, name)
    return values


def _varying(every: Sequence[Mapping[str, Any]]) -> list[str]:
    """The knobs that differ between configurations of the same strategy."""
    values: dict[str, dict[Any, set[str]]] = {}
    for flat in every:
        for path, value in flat.items():
            owner = flat.get(path.rpartition(".")[0])
            # the strategies themselves are the name of the method
            if owner is not None or path.startswith("train."):
                values.setdefault(path, {}).setdefault(owner, set()).add(json.dumps(value))
    return [path for path, owners in values.items() if max(map(len, owners.values())) > 1]


def _numeric(path: str, every: Sequence[Mapping[str, Any]]) -> bool:
    values = [flat[path] for flat in every if path in flat]
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def _value_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST else digest_of(value)[:8]


def _sortable(setting: Setting) -> tuple[tuple[str, float], ...]:
    return tuple((name, float(value)) for name, value in setting)
