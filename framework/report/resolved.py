"""Reading a resolved study: which parameters it searches, and its parts in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

DOMAINS = ("choice", "float", "int")


def searched(resolved: Mapping[str, Any]) -> set[str]:
    """The flat names of the parameters that have a search domain, as `compress.0.sparsity`.

    Args:
        resolved: what `Study.json` gave.
    """
    found = {f"train.{name}" for name, value in resolved["train"].items() if _is_domain(value)}
    parts = {"architecture": resolved["architecture"]}
    parts |= {f"compress.{index}": step for index, step in enumerate(resolved["compress"])}
    for path, part in parts.items():
        if _is_domain(part):
            found.add(path)
        for option in _options(part):
            found |= {
                f"{path}.{name}" for name, value in option["knobs"].items() if _is_domain(value)
            }
    return found


def names_of(part: Mapping[str, Any] | None) -> list[str]:
    """The plug-ins that a part of a study may use, in its order, each once."""
    return list(dict.fromkeys(option["use"] for option in _options(part)))


def alternatives(part: Mapping[str, Any] | None) -> int:
    """How many there are to choose from."""
    return len(_options(part))


def label_of(part: Mapping[str, Any] | None, name: str, knobs: Mapping[str, Any]) -> str:
    """What a table calls the alternative that a run has taken.

    Its name, or the label that tells it from its like.

    Args:
        part: of a study, as `resolved["architecture"]`.
        name: of the plug-in that the run has.
        knobs: the run's values of its knobs.
    """
    fits = [option for option in _options(part) if option["use"] == name and _holds(option, knobs)]
    return str(fits[0]["label"]) if fits else name


def part_text(part: Any) -> str:
    """A plug-in with its version and knobs in words; alternatives are joined by "or"."""
    if part is None:
        return "none"
    if "choice" in part:
        return ", or ".join(part_text(option) for option in part["choice"])
    knobs = ", ".join(f"{name} = {value_text(value)}" for name, value in part["knobs"].items())
    label = f" as {part['label']}" if part["label"] != part["use"] else ""
    return f"{part['use']}{label}, version {part['version']}{f' ({knobs})' if knobs else ''}"


def train_text(train: Mapping[str, Any]) -> str:
    """Every training parameter in words."""
    return ", ".join(f"{name} = {value_text(value)}" for name, value in train.items())


def value_text(value: Any) -> str:
    """A value or a search domain in words."""
    if not _is_domain(value):
        return value if isinstance(value, str) else json.dumps(value)
    if "choice" in value:
        return "one of " + ", ".join(value_text(option) for option in value["choice"])
    low, high = value.get("float") or value["int"]
    step = f" in steps of {value['step']:g}" if value["step"] not in (None, 1) else ""
    return f"{low:g} to {high:g}{', log scale' if value['log'] else ''}{step}"


def _holds(option: Mapping[str, Any], knobs: Mapping[str, Any]) -> bool:
    """Whether these values are among those that the alternative allows, as far as it fixes them."""
    fixed = {name: value for name, value in option["knobs"].items() if not _is_domain(value)}
    return all(knobs[name] == value for name, value in fixed.items() if name in knobs)


def _is_domain(value: Any) -> bool:
    return isinstance(value, dict) and any(kind in value for kind in DOMAINS)


def _options(part: Any) -> list[Mapping[str, Any]]:
    options = part["choice"] if part is not None and "choice" in part else [part]
    return [option for option in options if option is not None]
