"""What nets are fed: samples in splits, and what is known of a data set before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Literal

from framework.errors import InvalidStudy

if TYPE_CHECKING:
    from framework.contracts.net import Array

Task = Literal["classes", "binary", "regression", "reconstruction"]
FRAMES = {"image": ("height", "width", "channels"), "audio": ("frames", "bins", "channels")}


@dataclass(frozen=True)
class Samples:
    """Inputs and labels of one split.

    Args:
        inputs: input name -> array (n, ...); pictures are float32 (n, height, width, channels) in 0
            to 1, sounds float32 (n, frames, bins, 1), sequences float32 (n, steps, features), texts
            int32 (n, tokens).
        labels: (n,) int64 class numbers, (n,) float32 in {0, 1} for `binary`, (n,) float32 for
            `regression`. For `reconstruction`, whose target is the input, (n,) float32: 1 for an
            anomaly, 0 for what is normal or not labelled.
    """

    inputs: Mapping[str, Array]
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> Samples:
        """The first `count` of them, or all if there are fewer."""
        return Samples(
            {name: value[:count] for name, value in self.inputs.items()}, self.labels[:count]
        )

    def normal(self) -> Samples:
        """Of a reconstruction, those that are no anomalies."""
        keep = self.labels == 0
        return Samples(
            {name: value[keep] for name, value in self.inputs.items()}, self.labels[keep]
        )


@dataclass(frozen=True)
class Splits:
    """The three open splits. There is no test split here: `confirm` alone opens it.

    Args:
        digests: split name -> sha256 of its arrays before preprocessing, `test` included.
    """

    train: Samples
    calibration: Samples
    validation: Samples
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DataInfo:
    """What is known of a data set before it is loaded.

    Args:
        task: `classes`, `binary`, `regression` or `reconstruction` of the net's one input.
        classes: number of classes; 2 for `binary`, 0 for `regression`; for `reconstruction` 2 where
            anomalies are labelled, 0 where they are not.
        inputs: input name -> shape of one sample. `image` is a picture, `audio` a spectrogram,
            `sequence` steps of numbers; what is in `tokens` is text.
        tokens: name of a text input -> how many different tokens there are; number 0 fills up short
            texts.
        mirror: whether a mirrored image keeps its label.
        toy: shown as such in reports (REPORTING S2).
    """

    task: Task
    classes: int
    inputs: Mapping[str, tuple[int, ...]]
    tokens: Mapping[str, int] = field(default_factory=dict)
    mirror: bool = False
    toy: bool = False

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of one input.

        Raises:
            InvalidStudy: the data set has no such input, or a picture or sound without channels.
        """
        if name not in self.inputs:
            raise InvalidStudy(
                f"The net reads an input {name!r}, which the data set does not have.",
                given=f"It has: {', '.join(sorted(self.inputs))}.",
                todo="Choose another architecture or data set: make list.",
            )
        shape = self.inputs[name]
        # here, for all nets: each of them takes the sides apart
        if name in FRAMES and len(shape) != len(FRAMES[name]):
            raise InvalidStudy(
                f"The net reads {name!r} as {' x '.join(FRAMES[name])}.",
                given=f"The data set has it as {' x '.join(map(str, shape))}.",
                todo=f"Write the channel too, a single one as {name}[..., None]; numbers in rows "
                "are called sequence.",
            )
        return shape

    @property
    def target(self) -> str:
        """Of a reconstruction, with the inputs that a net reads: the one that it rebuilds.

        Raises:
            InvalidStudy: there are several, or it is a text.
        """
        name, *others = self.inputs
        if others or name in self.tokens:
            raise InvalidStudy(
                "A reconstruction rebuilds the one input that a net reads, which holds numbers.",
                given=f"The net reads: {', '.join(self.inputs)}"
                + (", a text." if name in self.tokens else "."),
                todo="Choose a net or a data set with one input of numbers: make list.",
            )
        return name


@dataclass(frozen=True)
class Ticket:
    """Permission to open a test split once.

    Only `confirm` makes one, after its run is in the store.

    Args:
        run_id: the `confirm` run.
        spec_digest: the one configuration that is measured.
    """

    run_id: str
    spec_digest: str


@dataclass(frozen=True)
class Head:
    """The output layer that the data set's task asks for.

    Its number of units and its activation.
    """

    units: int
    activation: Literal["softmax", "sigmoid", "linear"]

    @classmethod
    def of(cls, info: DataInfo) -> Head:
        """`classes`: softmax over the classes; `binary`: one sigmoid unit.

        `regression`: one linear unit. `reconstruction`: one for each number of the input, in a row.
        """
        if info.task == "classes":
            return cls(info.classes, "softmax")
        if info.task == "reconstruction":
            return cls(prod(info.inputs[info.target]), "linear")
        return cls(1, "sigmoid" if info.task == "binary" else "linear")
