"""Reading a resolved study: which parameters it searches, and its parts in words."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

DOMAINS = ("choice", "float", "int")


def searched(resolved: Mapping[str, Any]) -> set[str]:
    """The flat names of the parameters that have a search domain, as `compress.0.sparsity`.

    Args:
        resolved: what `Study.json` gave.
    """
    parts = {"architecture": resolved["architecture"]}
    for index, step in enumerate(resolved["compress"]):
        parts[f"compress.{index}"] = step
    names = set(_domains("train", resolved["train"]))
    for path, part in parts.items():
        # which plug-in is taken is a parameter as well, next to the knobs of each
        if _is_domain(part):
            names.add(path)
        for option in options_of(part):
            names.update(_domains(path, option["knobs"]))
    return names


def names_of(part: Mapping[str, Any] | None) -> list[str]:
    """The plug-ins that a part of a study may use, in its order, each once."""
    return list(dict.fromkeys(map(itemgetter("use"), options_of(part))))


def alternatives(part: Mapping[str, Any] | None) -> int:
    """How many there are to choose from."""
    return len(options_of(part))


def label_of(part: Mapping[str, Any] | None, name: str, knobs: Mapping[str, Any]) -> str:
    """What a table calls the alternative that a run has taken.

    Its name, or the label that distinguishes it from others of that name.

    Args:
        part: of a study, as `resolved["architecture"]`.
        name: of the plug-in that the run has.
        knobs: the run's values of its knobs.
    """
    for option in options_of(part):
        if option["use"] == name and _allows(option, knobs):
            return str(option["label"])
    return name


def is_label(part: Mapping[str, Any] | None, name: str) -> bool:
    """Whether each alternative of this plug-in is called by its name, whatever its knobs are."""
    return all(str(one["label"]) == name for one in options_of(part) if one["use"] == name)


def short_names(paths: Sequence[str], *, reserved: Collection[str] = ()) -> dict[str, str]:
    """`compress.0.sparsity` -> `sparsity`, where no other knob is called so.

    `compress.0`, which says what plug-in a step is, becomes `step 1`.

    Args:
        reserved: names that a knob alone may not have.
    """
    lasts = [path.rpartition(".")[2] for path in paths]
    names = {}
    for path, last in zip(paths, lasts, strict=True):
        alone = lasts.count(last) == 1 and last not in reserved
        names[path] = last if alone else path.removeprefix("compress.")
        # which plug-in a step is has no name of its own
        if last.isdecimal():
            names[path] = f"step {int(last) + 1}"
    return names


def part_text(part: Any) -> str:
    """A plug-in with its version and knobs in words; alternatives are joined by "or"."""
    if part is None:
        return "none"
    if "choice" in part:
        return ", or ".join(map(part_text, part["choice"]))
    knobs = _settings_text(part["knobs"])
    label = f" as {part['label']}" if part["label"] != part["use"] else ""
    return f"{part['use']}{label}, version {part['version']}{f' ({knobs})' if knobs else ''}"


def train_text(train: Mapping[str, Any]) -> str:
    """Every training parameter in words."""
    return _settings_text(train)


def value_text(value: Any) -> str:
    """A value or a search domain in words."""
    if not _is_domain(value):
        # a text of no letters would look like one that was left out by mistake
        return value if isinstance(value, str) and value else json.dumps(value)
    if "choice" in value:
        return "one of " + ", ".join(map(value_text, value["choice"]))
    low, high = value.get("float") or value["int"]
    step = f" in steps of {value['step']:g}" if value["step"] not in (None, 1) else ""
    return f"{low:g} to {high:g}{', log scale' if value['log'] else ''}{step}"


@lru_cache(maxsize=1 << 16)  # the same few values in most runs
def stored_value(text: str) -> Any:
    """A parameter of a run, which the store has as text."""
    # names and choices are bare words, all else is JSON
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _settings_text(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value_text(value)}" for name, value in settings.items())


def _domains(path: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """The flat names of the settings that have a search domain."""
    for name, value in settings.items():
        if _is_domain(value):
            yield f"{path}.{name}"


def _allows(option: Mapping[str, Any], knobs: Mapping[str, Any]) -> bool:
    """Whether these values are among those that the alternative allows, as far as it fixes them."""
    for name, value in option["knobs"].items():
        if not _is_domain(value) and name in knobs and knobs[name] != value:
            return False
    return True


def _is_domain(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(DOMAINS)


def options_of(part: Any) -> list[Mapping[str, Any]]:
    """What a part of a study may be, without the choice to leave it out."""
    options = part["choice"] if part is not None and "choice" in part else [part]
    # None is the choice to leave the part out
    return list(filter(None, options))
