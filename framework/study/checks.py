"""What a `Study` refuses when it is written down: parts of a wrong kind, numbers out of range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from framework.errors import InvalidValue
from framework.study.space import Choice, Float, Int
from framework.study.spec import Train, Use, label_of

if TYPE_CHECKING:
    from framework.study.study import Study

SAMPLERS = ("tpe", "random", "nsga2", "grid")
BLIND = ("random", "grid")  # those that look at no result
AUTO = "auto"
MOST_AHEAD = 64
KEEPS = ("all", "front")


def as_tuple(name: str, value: Any, allowed: tuple[type, ...]) -> tuple[Any, ...]:
    """The list or tuple given for the field `name`, as a tuple.

    Raises:
        InvalidValue: it is neither, or holds a constraint that is none of `allowed`.
    """
    valid = isinstance(value, (list, tuple))
    # what a step of `compress` may be is checked later, in a message that has its path
    if valid and name == "constraints":
        valid = all(isinstance(constraint, allowed) for constraint in value)
    if not valid:
        names = " or ".join(kind.__name__ for kind in allowed)
        raise InvalidValue(
            f"{name} is a list of {names}.",
            given=f"Given: {value!r}.",
            todo="Write it in [brackets].",
        )
    return tuple(value)


def check_study(study: Study) -> None:
    """Return if every field of the study is of its kind and in its range.

    Raises:
        InvalidValue: the first field that is not.
    """
    _check_dataset(study.dataset)
    _check_part("architecture", study.architecture)
    for path, step in study.steps():
        _check_part(path, step)
    _check_train(study.train)
    _check_objectives(study.objectives)
    for name, allowed in (("sampler", SAMPLERS), ("keep", KEEPS)):
        if (value := getattr(study, name)) not in allowed:
            raise InvalidValue(
                f"There is no such {name}.",
                given=f"Given: {value!r}.",
                todo=f"Allowed: {', '.join(allowed)}.",
            )
    _check_numbers(study)
    _check_ahead(study.ahead)


def _check_dataset(dataset: Any) -> None:
    if not isinstance(dataset, Use):
        raise InvalidValue(
            "The data set is one use(...); it is never searched, because results would not "
            "compare.",
            given=f"Given: {dataset!r}.",
            todo='Write one study per data set, or override it: SET="dataset=mnist".',
        )
    if any(isinstance(value, (Float, Int, Choice)) for value in dataset.knobs.values()):
        raise InvalidValue("The data set's knobs are never searched.", given=f"Given: {dataset!r}.")


def _check_part(path: str, part: Any) -> None:
    if isinstance(part, Choice):
        if not _tells_apart(part):
            raise InvalidValue(
                f"{path}: a Choice between plug-ins takes use(...) values with different labels.",
                given=f"Given: {part}.",
                todo='Tell equal names apart with use("NAME", label="...").',
            )
    elif part is not None and not isinstance(part, Use):
        raise InvalidValue(
            f"{path} is a use(...) value, or a Choice of them.", given=f"Given: {part!r}."
        )
    # None leaves a step out; a net there has to be
    options = part.options if isinstance(part, Choice) else (part,)
    if path == "architecture" and None in options:
        raise InvalidValue("A study has an architecture.", given=f"Given: {part!r}.")


def _tells_apart(choice: Choice) -> bool:
    """Whether the options are plug-ins, or None, each under a label of its own."""
    labels: set[str] = set()
    for option in choice.options:
        if not isinstance(option, Use | None):
            return False
        labels.add(label_of(option))
    return len(labels) == len(choice.options)


def _check_train(train: Any) -> None:
    if not isinstance(train, Train):
        raise InvalidValue("train is a Train(...) value.", given=f"Given: {train!r}.")
    if isinstance(train.threads, Choice | Int):
        raise InvalidValue(
            "train.threads is one number: TensorFlow fixes it when it starts.",
            given=f"Given: {train.threads}.",
        )


def _check_objectives(objectives: Any) -> None:
    directions = objectives.values() if isinstance(objectives, Mapping) else ["?"]
    if not objectives or any(direction not in ("max", "min") for direction in directions):
        raise InvalidValue(
            "Objectives map metrics to 'max' or 'min', at least one.",
            given=f"Given: {objectives}.",
        )


def _check_numbers(study: Study) -> None:
    whole = {"trials": (study.trials, 1), "seed": (study.seed, 0), "seeds": (study.seeds, 1)}
    for name, (value, low) in whole.items():
        # True and False are ints to Python
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise InvalidValue(
                f"{name} is a whole number, at least {low}.", given=f"Given: {value!r}."
            )
    for name, limit in (("trial_seconds", study.trial_seconds), ("hours", study.hours)):
        is_number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
        if limit is not None and not (is_number and 0 < limit < math.inf):
            raise InvalidValue(f"{name} is a number above 0, or None.", given=f"Given: {limit!r}.")


def _check_ahead(ahead: Any) -> None:
    is_number = isinstance(ahead, int) and not isinstance(ahead, bool)
    if ahead != AUTO and not (is_number and 1 <= ahead <= MOST_AHEAD):
        raise InvalidValue(
            f"ahead is a whole number from 1 to {MOST_AHEAD}, or {AUTO!r}: how many trials may run "
            "side by side.",
            given=f"Given: {ahead!r}.",
        )
