"""What is run: a `Study` with its search domains, and the fixed `Spec` of one trial.

Both are frozen values. Their canonical JSON decides what is the same: two studies with one digest
share their trials.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

from framework.errors import InvalidStudy, InvalidValue
from framework.study.constraints import AtLeast, AtMost
from framework.study.space import Choice, Domain, Float, Int, Knobbed, knob

SCHEMA = 1  # goes up when the meaning of a stored spec changes
SAMPLERS = ("tpe", "random", "nsga2", "grid")
KEEPS = ("all", "front")
# the finetune_factor that a dense spec states, whatever the default is: baselines keep their digest
DENSE_FACTOR = 2.0
# always written, in this order; a field that is added later is written where it is not at its
# default
TRAIN_FIELDS = (
    "epochs", "batch_size", "optimizer", "learning_rate", "finetune_factor", "warmup_epochs",
    "decay", "weight_decay", "label_smoothing", "augment", "threads",
)  # fmt: skip
SPEC_FIELDS = ("dataset", "architecture", "train", "compress", "seed")
HOW_MUCH = ("trials", "trial_seconds", "hours", "keep")  # fields that do not change what is run
Ask = Callable[[str, Domain], Any]
"""Answers (a parameter's name, its domain) with one value; a Choice of plug-ins with a label."""


@dataclass(frozen=True)
class Use:
    """A plug-in by name, with the knobs that differ from their defaults; write it as `use(...)`."""

    name: str
    knobs: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    version: int = 0
    """0 until the registry has resolved it."""
    slot: int | None = field(default=None, compare=False)
    """A step's place in the study's chain if an earlier one was left out; in no digest."""

    def __repr__(self) -> str:
        """As it is written in a study file."""
        named = ({"label": self.label} if self.label else {}) | dict(self.knobs)
        arguments = [repr(self.name)]
        arguments += [f"{key}={value!r}" for key, value in named.items()]
        return f"use({', '.join(arguments)})"

    def json(self) -> dict[str, Any]:
        """A plain value with sorted keys."""
        knobs = {name: _plain(value) for name, value in sorted(self.knobs.items())}
        stated = {
            "use": self.name,
            "version": self.version,
            "label": self.label or self.name,
            "knobs": knobs,
        }
        return stated if self.slot is None else stated | {"slot": self.slot}


def use(name: str, /, *, label: str = "", **knobs: Any) -> Use:
    """The plug-in called `name` with these knobs.

    Args:
        name: a name that `squeezelab list` shows.
        label: tells alternatives of one Choice apart; the plug-in's name by default.
        knobs: values or search domains; what is left out takes its default.
    """
    return Use(name, knobs, label)


@dataclass(frozen=True, kw_only=True)
class Train(Knobbed):
    """How a net is trained, the same for all nets of a study.

    Every field but `threads` may be a search domain.
    """

    searchable: ClassVar[bool] = True

    epochs: int = knob(30, low=1, high=10_000, unit="epochs", doc="passes over the training split")
    batch_size: int = knob(
        16,
        low=1,
        high=65_536,
        unit="samples",
        doc="samples a step; a last, partial batch is left out",
    )
    optimizer: str = knob(
        "adam",
        choices=("adam", "adamw", "sgd", "momentum"),
        doc="update rule; momentum is 0.9, Nesterov",
    )
    learning_rate: float = knob(1e-3, low=1e-8, high=10.0, doc="peak learning rate")
    finetune_factor: float = knob(
        2.0, low=0.001, high=1000.0, doc="peak rate of fine-tuning over that of training"
    )
    warmup_epochs: int = knob(
        3, low=0, high=1_000, unit="epochs", doc="linear rise from zero to the peak"
    )
    decay: str = knob(
        "cosine",
        choices=("cosine", "constant", "step"),
        doc="after warm-up; step: a tenth at 1/2 and 3/4",
    )
    weight_decay: float = knob(
        0.0, low=0.0, high=1.0, doc="adamw: decoupled; others: L2 penalty; kernels only"
    )
    label_smoothing: float = knob(
        0.0, low=0.0, high=0.5, doc="share of the label spread over all classes"
    )
    augment: bool = knob(
        False,
        doc="random shift by up to a tenth of the side; mirrored where the data set allows it",
    )
    threads: int = knob(
        1, low=1, high=256, doc="TensorFlow's intra-op threads; part of the result's identity"
    )

    def json(self) -> dict[str, Any]:
        """A plain value."""
        return {name: _plain(getattr(self, name)) for name in TRAIN_FIELDS} | _added(
            self, TRAIN_FIELDS
        )


@dataclass(frozen=True, kw_only=True)
class Spec:
    """All that decides the result of one trial besides the environment.

    Values fixed, defaults written out.
    """

    dataset: Use
    architecture: Use
    train: Train
    compress: tuple[Use, ...] = ()
    seed: int = 0

    def json(self) -> dict[str, Any]:
        """A plain value."""
        stated = {
            "schema": SCHEMA,
            "dataset": self.dataset.json(),
            "architecture": self.architecture.json(),
            "train": self.train.json(),
            "compress": [step.json() for step in self.compress],
            "seed": self.seed,
        }
        return stated | _added(self, stated)

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON, 64 hex digits.

        What a study calls its alternatives does not count.
        """
        stated = self.json()
        parts = {name: _nameless(stated[name]) for name in ("dataset", "architecture")}
        return digest_of(
            stated | parts | {"compress": [_nameless(step) for step in stated["compress"]]}
        )

    @property
    def strategy(self) -> str:
        """The chain's names joined by `+`; `none` for the dense net."""
        return "+".join(step.name for step in self.compress) or "none"

    def dense(self) -> Spec:
        """The same without compression.

        The spec of its baseline, which no field of fine-tuning changes.
        """
        return replace(self, compress=(), train=replace(self.train, finetune_factor=DENSE_FACTOR))

    def parameters(self) -> dict[str, str]:
        """Flat names as in overrides, with JSON literals except plain strings: what MLflow shows.

        A step has the number of its place in the study's chain, whether or not the trial leaves out
        an earlier one.
        """
        flat: dict[str, Any] = {"seed": self.seed}
        flat |= {f"train.{name}": value for name, value in self.train.values().items()}
        parts = {"dataset": self.dataset, "architecture": self.architecture}
        for index, step in enumerate(self.compress):
            parts[f"compress.{index if step.slot is None else step.slot}"] = step
        for path, part in parts.items():
            flat[path] = part.name
            flat |= {f"{path}.{name}": value for name, value in part.knobs.items()}
        return {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in flat.items()
        }


@dataclass(frozen=True, kw_only=True)
class Study:
    """A question asked of many trials.

    `None` in `compress`, or as an alternative, leaves a step out.

    What is in `HOW_MUCH` is not part of the question: `trial_seconds` ends a trial, `hours` ends a
    session, and `keep="front"` removes the nets of trials that are not on the front.
    """

    dataset: Use
    architecture: Use | Choice
    train: Train = Train()
    compress: tuple[Use | Choice | None, ...] = ()
    objectives: Mapping[str, Literal["max", "min"]] = field(
        default_factory=lambda: {"quality": "max", "params_nonzero": "min"}
    )
    constraints: tuple[AtMost | AtLeast, ...] = ()
    sampler: str = "tpe"
    trials: int = 30
    seed: int = 0
    trial_seconds: float | None = None
    hours: float | None = None
    keep: str = "all"

    def __post_init__(self) -> None:
        for name, kind in (("compress", (Use, Choice)), ("constraints", (AtMost, AtLeast))):
            object.__setattr__(self, name, _sequence(name, getattr(self, name), kind))
        _check_study(self)

    def json(self) -> dict[str, Any]:
        """What decides the trials: without its name and what is in `HOW_MUCH`."""
        stated = {
            "schema": SCHEMA,
            "dataset": self.dataset.json(),
            "architecture": _plain(self.architecture),
            "train": self.train.json(),
            "compress": [_plain(step) for step in self.compress],
            "objectives": [list(item) for item in self.objectives.items()],  # their order counts
            "constraints": [
                [type(item).__name__, item.metric, float(item.limit)] for item in self.constraints
            ],
            "sampler": self.sampler,
            "seed": self.seed,
        }
        return stated | _added(self, (*stated, *HOW_MUCH))

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON, 64 hex digits."""
        return digest_of(self.json())

    def fix(self, ask: Ask) -> Spec:
        """The fixed spec that `ask` chooses.

        Asks only for what the choices made so far leave open.
        """
        steps = [
            _fix_part(f"compress.{index}", step, ask) for index, step in enumerate(self.compress)
        ]
        architecture = _fix_part("architecture", self.architecture, ask)
        if architecture is None:
            raise InvalidStudy("None is no architecture.", given=f"Given: {self.architecture}.")
        train = {
            name: _fix_value(f"train.{name}", value, ask)
            for name, value in self.train.values().items()
        }
        return Spec(
            dataset=self.dataset,
            architecture=architecture,
            train=Train(**train),
            compress=_without_gaps(steps),
            seed=self.seed,
        )

    def parts(self) -> list[tuple[str, str, Use]]:
        """Every plug-in that may be used: (kind, path, use), alternatives included."""
        found = [("dataset", "dataset", self.dataset)]
        found += [
            ("architecture", path, part)
            for path, part in _alternatives("architecture", self.architecture)
        ]
        for index, step in enumerate(self.compress):
            found += [
                ("strategy", path, part) for path, part in _alternatives(f"compress.{index}", step)
            ]
        return found

    def rebuilt(self, change: Callable[[str, str, Use], Use]) -> Study:
        """The same study with every `Use` replaced by `change(kind, path, use)`."""

        def renew(kind: str, path: str, part: Any) -> Any:
            if isinstance(part, Choice):
                return Choice(
                    *(renew(kind, f"{path}={_label(option)}", option) for option in part.options)
                )
            return None if part is None else change(kind, path, part)

        return replace(
            self,
            dataset=renew("dataset", "dataset", self.dataset),
            architecture=renew("architecture", "architecture", self.architecture),
            compress=tuple(
                renew("strategy", f"compress.{index}", step)
                for index, step in enumerate(self.compress)
            ),
        )


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(value: Any) -> str:
    """sha256 of the canonical JSON, 64 hex digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def spec_from_json(value: Mapping[str, Any]) -> Spec:
    """The spec that `Spec.json` wrote."""

    def read(part: Mapping[str, Any]) -> Use:
        label = "" if part["label"] == part["use"] else part["label"]
        return Use(part["use"], dict(part["knobs"]), label, part["version"], part.get("slot"))

    return Spec(
        dataset=read(value["dataset"]),
        architecture=read(value["architecture"]),
        train=Train(**value["train"]),
        compress=tuple(read(step) for step in value["compress"]),
        seed=value["seed"],
        **{
            item.name: value[item.name]
            for item in fields(Spec)
            if item.name in value and item.name not in SPEC_FIELDS
        },
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Use):
        return value.json()
    if isinstance(value, Choice):
        return {"choice": [_plain(option) for option in value.options]}
    if isinstance(value, (Float, Int)):
        return {
            type(value).__name__.lower(): [value.low, value.high],
            "log": value.log,
            "step": value.step,
        }
    return value


def _added(owner: Any, written: Iterable[str]) -> dict[str, Any]:
    """The fields that are not `written` and not at their default.

    A field can be added and no digest moves.
    """
    known = set(written)
    later = [item for item in fields(owner) if item.name not in known]
    return {
        item.name: _plain(value)
        for item in later
        if (value := getattr(owner, item.name)) != item.default
    }


def _nameless(part: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a `Use` without where its study has it; knobs may be called so too, and stay."""
    return {name: value for name, value in part.items() if name not in ("label", "slot")}


def _label(option: Any) -> str:
    return "none" if option is None else (option.label or option.name)


def labels(choice: Choice) -> list[Any]:
    """What is asked of a Choice: labels where it chooses between plug-ins, the values otherwise."""
    if any(isinstance(option, Use) for option in choice.options):
        return [_label(option) for option in choice.options]
    return list(choice.options)


def _alternatives(path: str, part: Use | Choice | None) -> list[tuple[str, Use]]:
    if isinstance(part, Choice):
        return [
            (f"{path}={_label(option)}", option) for option in part.options if option is not None
        ]
    return [] if part is None else [(path, part)]


def _fix_value(path: str, value: Any, ask: Ask) -> Any:
    return ask(path, value) if isinstance(value, (Float, Int, Choice)) else value


def _fix_part(path: str, part: Use | Choice | None, ask: Ask) -> Use | None:
    if isinstance(part, Choice):
        label = ask(path, Choice(*labels(part)))
        chosen = next(option for option in part.options if _label(option) == label)
        return _fix_part(f"{path}={label}", chosen, ask)
    if part is None:
        return None
    return replace(
        part,
        knobs={
            name: _fix_value(f"{path}.{name}", value, ask) for name, value in part.knobs.items()
        },
    )


def _without_gaps(steps: Iterable[Use | None]) -> tuple[Use, ...]:
    """The steps that are not left out; those behind a gap remember their slot."""
    kept: list[Use] = []
    for slot, step in enumerate(steps):
        if step is not None:
            kept.append(step if slot == len(kept) else replace(step, slot=slot))
    return tuple(kept)


def _sequence(name: str, value: Any, kind: tuple[type, ...]) -> tuple[Any, ...]:
    """A list or tuple as a tuple; what a step of `compress` may be is checked with its path."""
    listed = isinstance(value, (list, tuple))
    if not listed or (name == "constraints" and not all(isinstance(item, kind) for item in value)):
        names = " or ".join(item.__name__ for item in kind)
        raise InvalidValue(
            f"{name} is a list of {names}.",
            given=f"Given: {value!r}.",
            todo="Write it in [brackets].",
        )
    return tuple(value)


def _check_study(study: Study) -> None:
    if not isinstance(study.dataset, Use):
        raise InvalidValue(
            "The data set is one use(...); it is never searched, because results would not "
            "compare.",
            given=f"Given: {study.dataset!r}.",
            todo='Write one study per data set, or override it: SET="dataset=mnist".',
        )
    if any(isinstance(value, (Float, Int, Choice)) for value in study.dataset.knobs.values()):
        raise InvalidValue(
            "The data set's knobs are never searched.", given=f"Given: {study.dataset!r}."
        )
    for path, part in [
        ("architecture", study.architecture),
        *((f"compress.{i}", s) for i, s in enumerate(study.compress)),
    ]:
        _check_part(path, part)
    if not isinstance(study.train, Train):
        raise InvalidValue("train is a Train(...) value.", given=f"Given: {study.train!r}.")
    if isinstance(study.train.threads, Choice | Int):
        raise InvalidValue(
            "train.threads is one number: TensorFlow fixes it when it starts.",
            given=f"Given: {study.train.threads}.",
        )
    ways = study.objectives.values() if isinstance(study.objectives, Mapping) else ["?"]
    if not study.objectives or any(way not in ("max", "min") for way in ways):
        raise InvalidValue(
            "Objectives map metrics to 'max' or 'min', at least one.",
            given=f"Given: {study.objectives}.",
        )
    for name, allowed in (("sampler", SAMPLERS), ("keep", KEEPS)):
        if (value := getattr(study, name)) not in allowed:
            raise InvalidValue(
                f"There is no such {name}.",
                given=f"Given: {value!r}.",
                todo=f"Allowed: {', '.join(allowed)}.",
            )
    _check_numbers(study)


def _check_part(path: str, part: Any) -> None:
    if isinstance(part, Choice):
        labels = [
            _label(option) if option is None or isinstance(option, Use) else None
            for option in part.options
        ]
        if None in labels or len(set(labels)) != len(labels):
            raise InvalidValue(
                f"{path}: a Choice between plug-ins takes use(...) values with different labels.",
                given=f"Given: {part}.",
                todo='Tell equal names apart with use("NAME", label="...").',
            )
    elif part is not None and not isinstance(part, Use):
        raise InvalidValue(
            f"{path} is a use(...) value, or a Choice of them.", given=f"Given: {part!r}."
        )
    if path == "architecture" and (
        part is None or (isinstance(part, Choice) and None in part.options)
    ):
        raise InvalidValue("A study has an architecture.", given=f"Given: {part!r}.")


def _check_numbers(study: Study) -> None:
    whole = {"trials": (study.trials, 1), "seed": (study.seed, 0)}
    for name, (value, low) in whole.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise InvalidValue(
                f"{name} is a whole number, at least {low}.", given=f"Given: {value!r}."
            )
    for name, limit in (("trial_seconds", study.trial_seconds), ("hours", study.hours)):
        number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
        if limit is not None and not (number and 0 < limit < math.inf):
            raise InvalidValue(f"{name} is a number above 0, or None.", given=f"Given: {limit!r}.")
