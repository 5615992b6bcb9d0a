"""What one trial runs: plug-ins with their knobs, the training, and the fixed `Spec` of them all.

All are frozen values. Their canonical JSON decides what is the same: two specs with one digest have
one result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from operator import attrgetter
from typing import Any, ClassVar

from framework.study.space import Choice, Float, Int, Knobbed, knob

SCHEMA = 1  # goes up when the meaning of a stored spec changes
# the finetune_factor that a dense spec states, whatever the default is: baselines keep their digest
DENSE_FACTOR = 2.0
# always written, in this order; a field that is added later is written where it is not at its
# default
TRAIN_FIELDS = (
    "epochs", "batch_size", "optimizer", "learning_rate", "finetune_factor", "warmup_epochs",
    "decay", "weight_decay", "label_smoothing", "augment", "threads",
)  # fmt: skip
SPEC_FIELDS = ("dataset", "architecture", "train", "compress", "seed")
HOW_MUCH = (
    "trials",
    "seeds",
    "trial_seconds",
    "hours",
    "keep",
)  # fields that do not change what is run


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
        arguments = [f"{key}={value!r}" for key, value in named.items()]
        return f"use({', '.join([repr(self.name), *arguments])})"

    def json(self) -> dict[str, Any]:
        """A plain value with sorted keys."""
        stated = self._nameless | {"label": self.label or self.name}
        return stated if self.slot is None else stated | {"slot": self.slot}

    @property
    def _nameless(self) -> dict[str, Any]:
        """The same without where its study has it and what it is called there."""
        knobs = {name: plain(value) for name, value in sorted(self.knobs.items())}
        return {"use": self.name, "version": self.version, "knobs": knobs}

    @cached_property
    def canonical(self) -> str:
        """The text by which a digest knows it, whatever its study calls it."""
        return canonical(self._nameless)


def label_of(option: Use | None) -> str:
    """What an alternative is called; `none` for one that leaves its step out."""
    return "none" if option is None else (option.label or option.name)


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
    trained_factor: float | None = knob(
        None,
        optional=True,
        low=0.0001,
        high=1000.0,
        doc="times this, of a net that comes trained (0.1 if left out): at the rate of one that is "
        "trained here its first steps would undo what it has learned",
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
        return dict(self._json)

    @cached_property
    def _json(self) -> Mapping[str, Any]:
        """Computed once: all specs of a study have one training, unless it is searched."""
        stated = {name: plain(getattr(self, name)) for name in TRAIN_FIELDS}
        return stated | added(self, TRAIN_FIELDS)

    @cached_property
    def canonical(self) -> str:
        """The text by which a digest knows it."""
        return canonical(self._json)

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """Its values by the names of overrides, as MLflow shows them."""
        return _texts(dotted("train", self.values()))


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
            "compress": list(map(plain, self.compress)),
            "seed": self.seed,
        }
        return stated | added(self, stated)

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical JSON, 64 hex digits.

        What a study calls its alternatives does not count.
        """
        return _digest_of_parts({**self._parts, "seed": canonical(self.seed)})

    @property
    def configuration(self) -> str:
        """The same without the seed: what replicates have in common, over studies too."""
        return _digest_of_parts(self._parts)

    @property
    def strategy(self) -> str:
        """The chain's names joined by `+`; `none` for the dense net."""
        return "+".join(map(attrgetter("name"), self.compress)) or "none"

    def dense(self) -> Spec:
        """The same without compression.

        The spec of its baseline, which no field of fine-tuning changes.
        """
        return self._dense

    @cached_property
    def _dense(self) -> Spec:
        train = self.train
        if (train.finetune_factor, train.trained_factor) != (DENSE_FACTOR, None):
            train = replace(train, finetune_factor=DENSE_FACTOR, trained_factor=None)
        return replace(self, compress=(), train=train)

    def parameters(self) -> dict[str, str]:
        """Flat names as in overrides, with JSON literals except plain strings: what MLflow shows.

        A step has the number of its place in the study's chain, whether or not the trial leaves out
        an earlier one.
        """
        return dict(self._parameters)

    @cached_property
    def _parameters(self) -> Mapping[str, str]:
        flat: dict[str, Any] = {}
        parts = {"dataset": self.dataset, "architecture": self.architecture}
        for index, step in enumerate(self.compress):
            parts[f"compress.{index if step.slot is None else step.slot}"] = step
        for path, part in parts.items():
            flat[path] = part.name
            flat |= dotted(path, part.knobs)
        return {"seed": _text(self.seed), **self.train.parameters, **_texts(flat)}

    @cached_property
    def _parts(self) -> Mapping[str, str]:
        """The canonical texts of its fields but the seed: those of one study share most of them."""
        steps = ",".join(step.canonical for step in self.compress)
        parts = {
            "schema": str(SCHEMA),
            "dataset": self.dataset.canonical,
            "architecture": self.architecture.canonical,
            "train": self.train.canonical,
            "compress": f"[{steps}]",
        }
        later = added(self, SPEC_FIELDS)
        return parts | {name: canonical(value) for name, value in later.items()}


# NaN and infinity are refused: they are no JSON
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one value."""
    return _CANONICAL.encode(value)


def digest_of(value: Any) -> str:
    """sha256 of the canonical JSON, 64 hex digits."""
    return _sha256(canonical(value))


def _digest_of_parts(parts: Mapping[str, str]) -> str:
    """The same of a dict whose values are canonical texts already; its keys are plain words."""
    return _sha256("{" + ",".join(f'"{name}":{text}' for name, text in sorted(parts.items())) + "}")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def spec_from_json(value: Mapping[str, Any]) -> Spec:
    """The spec that `Spec.json` wrote."""

    def read(part: Mapping[str, Any]) -> Use:
        # the name is written where a use has no label
        label = "" if part["label"] == part["use"] else part["label"]
        return Use(part["use"], dict(part["knobs"]), label, part["version"], part.get("slot"))

    # a field that was added later is there only where it was not at its default
    later = set(map(attrgetter("name"), fields(Spec))).intersection(value) - set(SPEC_FIELDS)
    return Spec(
        dataset=read(value["dataset"]),
        architecture=read(value["architecture"]),
        train=Train(**value["train"]),
        compress=tuple(map(read, value["compress"])),
        seed=value["seed"],
        **{name: value[name] for name in later},
    )


def dotted(path: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values by the names that overrides have for them: `path.name`."""
    return {f"{path}.{name}": value for name, value in values.items()}


def plain(value: Any) -> Any:
    """A value of a study as JSON can hold it."""
    if isinstance(value, Use):
        return value.json()
    if isinstance(value, Choice):
        return {"choice": list(map(plain, value.options))}
    if isinstance(value, (Float, Int)):
        return {
            type(value).__name__.lower(): [value.low, value.high],
            "log": value.log,
            "step": value.step,
        }
    return value


def added(owner: Any, written: Collection[str]) -> dict[str, Any]:
    """The fields that are not `written` and not at their default.

    A field can be added and no digest moves.
    """
    later: dict[str, Any] = {}
    for declared in fields(owner):
        value = getattr(owner, declared.name)
        if declared.name not in written and value != declared.default:
            later[declared.name] = plain(value)
    return later


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """JSON literals except plain strings."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
