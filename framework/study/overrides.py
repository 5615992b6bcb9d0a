"""Changes of a study for a quick try, as `KEY=VALUE`.

`trials=50`, `dataset=mnist`, `compress.0.sparsity=0.9`.

    dataset=NAME  architecture=NAME             another plug-in; its old knobs are dropped
    dataset.KNOB=VALUE  architecture.KNOB=VALUE
    train.FIELD=VALUE
    compress=NAME+NAME                          another chain; nothing after the `=`: no compression
    compress.N=NAME                             another step, N counts from 0; None leaves it out
    compress.N.KNOB=VALUE                       a value in place of a domain, or the reverse
    sampler ahead seed seeds trials trial_seconds hours keep  =VALUE

Values are Python literals or domains, as Float(0.5,0.9); what is neither is a string. Overrides
apply in the order given. Which plug-ins and knobs there are is not known here: names are checked
when the study is resolved.

A knob of a step with alternatives goes to every alternative whose plug-in sets that knob somewhere
in the step. If none does, it goes to all of them where they are one plug-in under several labels,
and is refused otherwise.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from framework.errors import InvalidValue, SqueezelabError, UnknownName, UserError
from framework.study.space import Choice, Float, Int
from framework.study.spec import HOW_MUCH, Train, Use, dotted, use

if TYPE_CHECKING:
    from framework.study.study import Study

PLAIN = ("sampler", "ahead", "seed", *HOW_MUCH)
FIXED = ("objectives", "constraints")
Part = Use | Choice | None
DOMAINS: dict[str, type[Any]] = {"Float": Float, "Int": Int, "Choice": Choice}


def apply(study: Study, settings: Sequence[str]) -> Study:
    """The study with these changes; `study` itself stays as it is.

    Args:
        settings: texts `KEY=VALUE`, applied in this order.

    Raises:
        UnknownName: the study has no such key.
        InvalidValue: no `=`, a step that is not there, or a value that the study refuses. Every
            message shows the text.
    """
    for setting in settings:
        try:
            study = _apply_one(study, setting)
        except UserError as error:
            raise _naming(error, setting) from None
    return study


def keys(study: Study) -> list[str]:
    """Every key that this study sets or has by itself.

    Knobs left at their defaults can be set too.
    """
    names = [*PLAIN, "compress", *dotted("train", Train.knobs())]
    parts = [("dataset", study.dataset), ("architecture", study.architecture), *study.steps()]
    for path, part in parts:
        names += [path, *dotted(path, _knobs_of(part))]
    return names


def key_of(setting: str) -> str:
    """What stands before the `=`."""
    return setting.partition("=")[0].strip()


def parse(text: str) -> Any:
    """A Python literal, a search domain as in a study (`Float(0.5,0.9)`), or the text itself."""
    try:
        return ast.literal_eval(text.strip())
    # the last two are of texts that are nested too deeply
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _domain(text.strip())


def _domain(text: str) -> Any:
    """`Float(...)`, `Int(...)` or `Choice(...)` with literals for arguments.

    The text itself if it is none of these.
    """
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return text
        kind = DOMAINS[call.func.id]
        values = [ast.literal_eval(argument) for argument in call.args]
        named = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    except (ValueError, SyntaxError, KeyError, MemoryError, RecursionError):
        return text
    try:
        return kind(*values, **named)
    except TypeError as error:
        raise InvalidValue(f"{text} is no search domain.", given=str(error)) from None


def _apply_one(study: Study, setting: str) -> Study:
    key, equals, text = setting.partition("=")
    key = key.strip()
    if not equals:
        raise InvalidValue(
            "An override is written KEY=VALUE.", todo="For example trials=50, or train.epochs=10."
        )
    if key in PLAIN:
        return replace(study, **{key: parse(text)})
    head, _, inner = key.partition(".")
    change = _CHANGES.get(head)
    if change is None or not all(key.split(".")):
        raise _unknown(study, key)
    return change(study, key, inner, text)


def _change_part(study: Study, key: str, knob: str, text: str) -> Study:
    """`dataset` and `architecture`."""
    head = key.partition(".")[0]
    part: Any = _with_knob(head, getattr(study, head), knob, text) if knob else _use(key, text)
    return replace(study, **{head: part})


def _change_train(study: Study, key: str, name: str, text: str) -> Study:
    if name not in Train.knobs():
        raise _unknown(study, key)
    return replace(study, train=replace(study.train, **{name: parse(text)}))


def _change_compress(study: Study, key: str, inner: str, text: str) -> Study:
    if not inner:
        return replace(study, compress=_chain(key, text))
    number, _, knob = inner.partition(".")
    steps = list(study.compress)
    index = _index(study, key, number)
    if knob:
        steps[index] = _with_knob(f"compress.{index}", steps[index], knob, text)
    else:
        steps[index] = _step(key, text)
    return replace(study, compress=tuple(steps))


def _change_fixed(_study: Study, key: str, _inner: str, _text: str) -> Study:
    raise InvalidValue(
        f"{key.partition('.')[0]} cannot be overridden: other questions make another study.",
        todo="Change it in the study file, or in a copy of it under another name.",
    )


_CHANGES: dict[str, Callable[[Study, str, str, str], Study]] = {
    "dataset": _change_part,
    "architecture": _change_part,
    "train": _change_train,
    "compress": _change_compress,
    **dict.fromkeys(FIXED, _change_fixed),
}


def _chain(key: str, text: str) -> tuple[Use | None, ...]:
    return tuple(_step(key, name) for name in text.split("+")) if text.strip() else ()


def _step(key: str, text: str) -> Use | None:
    return None if parse(text) is None else _use(key, text)


def _use(key: str, text: str) -> Use:
    name = parse(text)
    if not isinstance(name, str) or not name:
        raise InvalidValue(
            f"{key} takes the name of a plug-in.", todo="The names: squeezelab list."
        )
    return use(name)


def _index(study: Study, key: str, number: str) -> int:
    # to `isdigit` alone "²" is a digit, of which `int` makes no number
    if not number.isascii() or not number.isdigit():
        raise _unknown(study, key)
    count = len(study.compress)
    if int(number) >= count:
        steps = {0: "no steps", 1: "1 step: compress.0"}.get(
            count, f"{count} steps: compress.0 to .{count - 1}"
        )
        raise InvalidValue(
            f"There is no step {number}. This study has {steps}.",
            todo="compress=NAME+NAME gives it another chain.",
        )
    return int(number)


def _with_knob(path: str, part: Part, knob: str, text: str) -> Part:
    if part is None:
        raise InvalidValue(
            f"{path} is left out, so it has no knobs.", todo=f"Choose a plug-in first: {path}=NAME."
        )
    if isinstance(part, Use):
        return _set(part, knob, text)
    names = _meant(path, part, knob)
    options = list(part.options)
    for index, option in enumerate(options):
        if isinstance(option, Use) and option.name in names:
            options[index] = _set(option, knob, text)
    return Choice(*options)


def _meant(path: str, choice: Choice, knob: str) -> set[str]:
    """The names of the plug-ins among the alternatives that this knob goes to."""
    every: set[str] = set()
    setting: set[str] = set()  # those that set the knob already
    for option in choice.options:
        if isinstance(option, Use):
            every.add(option.name)
            if knob in option.knobs:
                setting.add(option.name)
    if not setting and len(every) > 1:
        raise InvalidValue(
            f"{path} is a choice between {', '.join(sorted(every))}, and none of them sets "
            f"{knob!r} in this study.",
            todo=f"Choose one first, as {path}={min(every)}, or change the study file.",
        )
    return setting or every


def _set(part: Use, knob: str, text: str) -> Use:
    return replace(part, knobs={**part.knobs, knob: parse(text)})


def _knobs_of(part: Part) -> dict[str, Any]:
    """Every knob that the part, or one of its alternatives, sets; sorted by name."""
    knobs: dict[str, Any] = {}
    for option in part.options if isinstance(part, Choice) else (part,):
        if isinstance(option, Use):
            knobs |= option.knobs
    return dict(sorted(knobs.items()))


def _unknown(study: Study, key: str) -> UnknownName:
    return UnknownName("override key", key, keys(study))


def _naming(error: UserError, setting: str) -> UserError:
    """The same error, showing the override it comes from."""
    # not by its class's own __init__: that of UnknownName takes other arguments
    shown = type(error).__new__(type(error))
    origin = "\n".join(filter(None, (error.given, f"In the override {setting!r}.")))
    SqueezelabError.__init__(shown, error.what, given=origin, todo=error.todo)
    return shown
