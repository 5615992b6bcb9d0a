"""What a plug-in is: data set, architecture, strategy, metric.

And the values that pass between them.

A plug-in is one file with one frozen dataclass. Its fields are knobs; its docstring begins with one
line that says what it does and names its source after `Source:`. Its module imports without
TensorFlow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from framework.errors import DataUnavailable, UnknownName
from framework.study.space import Knobbed

if TYPE_CHECKING:
    from framework.contracts.data import DataInfo, Samples, Splits, Task, Ticket
    from framework.contracts.file import Exported
    from framework.contracts.job import Job
    from framework.contracts.net import Stage
    from framework.contracts.project import Project


class Plugin(Knobbed):
    """What all plug-ins share. `name` and `plugin_version` are set by the registering decorator."""

    name: ClassVar[str] = ""
    plugin_version: ClassVar[int] = 0

    @classmethod
    def with_preset(cls, knobs: Mapping[str, Any]) -> dict[str, Any]:
        """The knobs with those of the `preset` they name in its place.

        Raises:
            UnknownName: there is no such preset.
        """
        others = dict(knobs)
        name = others.pop("preset", None)
        if name is None:
            return others
        if name not in cls.presets:
            raise UnknownName(f"preset of {cls.name}", str(name), cls.presets)
        # knobs that are given next to a preset win
        return {**cls.presets[name], **others}

    @classmethod
    def summary(cls) -> str:
        """The first sentence of the docstring."""
        return (cls.__doc__ or "").strip().split("\n")[0].split("  Source:")[0].strip()

    own: ClassVar[bool] = False
    """It stands for something of the user's own, so a check tries it for real."""
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Name -> knobs: what `use("cnn", preset="tutorial")` means; knobs next to it win."""

    def located(self, root: Path) -> Self:
        """The same plug-in, with the files that its knobs name found from the project's folder."""
        return self

    def pinned(self, project: Project) -> Mapping[str, Any]:
        """Knobs whose values lie outside the study: the sha256 of each file they name.

        They are filled in when a study is resolved, so that its digest says which file it was.
        Loads no TensorFlow.

        Raises:
            UserError: the file is missing, or another than the study names.
        """
        return {}

    @classmethod
    def source(cls) -> str:
        """What follows `Source:` in the docstring, one line; empty if there is none."""
        return " ".join((cls.__doc__ or "").partition("Source:")[2].split("\n\n")[0].split())


# --- data -----------------------------------------------------------------------------------------


class Dataset(Plugin, ABC):
    """A data set with four disjoint splits.

    Train, calibration, validation and the sealed test split.
    """

    licence: ClassVar[str] = ""
    """Of the samples: an SPDX name, or what is known."""
    untested: ClassVar[bool] = False
    """Tried on made-up samples only, never on the real ones; said in the docs."""

    @property
    @abstractmethod
    def info(self) -> DataInfo:
        """What is known of it before it is loaded.

        A plain class attribute where no knob decides it.
        """

    def left_open(self, *, trained: bool) -> Mapping[str, Sequence[str]]:
        """Knobs whose value the data alone can tell, as `Architecture.left_open`; none by default.

        Args:
            trained: the net comes with its weights.
        """
        return {}

    def preview(self) -> Mapping[str, str]:
        """What the user's own data was understood to hold, as rows of text; of others nothing.

        Loads no TensorFlow, and writes nothing.

        Raises:
            UserError: it is not there, or not what the knobs say.
        """
        return {}

    def vocabulary(self, root: Path, name: str) -> tuple[str, ...]:
        """What each token of a text input stands for, by its number; prepared first if need be."""
        return ()

    @abstractmethod
    def check_available(self, root: Path) -> None:
        """Return if the data is on this machine, made by rule, or can be fetched.

        Loads no TensorFlow.

        Raises:
            DataUnavailable: none of these; the message says the ways out.
        """

    def state(self, root: Path) -> str:
        """Where its data is or how to get it, in a few words.

        As fast as `check_available`, and fetches nothing.
        """
        try:
            self.check_available(root)
        except DataUnavailable as error:
            return f"not here. {error.todo or error.what}"
        return "available"

    def prepare(self, root: Path) -> None:
        """Do now what the first study on it would do; by default it is loaded once.

        Raises:
            DataUnavailable: it cannot be had; the message says where to put it.
        """
        self.check_available(root)
        self.load(root, self.info.inputs)

    @abstractmethod
    def load(self, root: Path, shapes: Mapping[str, tuple[int, ...]]) -> Splits:
        """The open splits: the inputs named in `shapes`, pictures resized.

        Prepared and cached on first use.

        Args:
            root: the project; caches lie under `root/.cache`.
            shapes: of the inputs that the net reads, some or all of `info.inputs`.

        Raises:
            InvalidStudy: the net reads an input that is not there, or in a shape that it cannot
                have.
        """

    @abstractmethod
    def load_sealed(
        self, root: Path, shapes: Mapping[str, tuple[int, ...]], ticket: Ticket
    ) -> Samples:
        """The test split, for a `confirm` run that has been written to the store."""


# --- nets -----------------------------------------------------------------------------------------


class Architecture(Plugin, ABC):
    """A functional graph of keras layers.

    Every layer has a name, no operator such as `x + y`, no nested model.

    Class attributes:
        made_for: a built-in data set that its default knobs suit.
        trained: its weights come with it, so that the baseline is not trained.
    """

    made_for: ClassVar[str] = "digits"
    trained: ClassVar[bool] = False

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The inputs this net reads and the shape it asks of each.

        All of them as they are by default.

        Raises:
            InvalidStudy: it cannot read this data set.
        """
        return info.inputs

    def left_open(self, info: DataInfo) -> Mapping[str, Sequence[str]]:
        """Knobs whose value the data alone can tell: name -> what it may be, likeliest first.

        None by default.

        Before the baseline a study tries them on the calibration split with the net as it comes,
        and writes the best into every spec it runs. Loads no TensorFlow.
        """
        return {}

    def remarks(self) -> Sequence[str]:
        """What people should know of this net before it is run, a sentence each; none by default.

        Loads no TensorFlow.
        """
        return ()

    @abstractmethod
    def build(self, info: DataInfo) -> Any:
        """A functional `tf_keras.Model`, untrained unless the weights come with it.

        Args:
            info: of the data set, with `inputs` as `input_shapes` asked for them. The Input layers
                carry their names (`int32` for texts); the last layer is what `Head.of(info)` says.
        """


class Strategy(Plugin, ABC):
    """One way of making a net smaller.

    Class attributes:
        needs: `trained` (the baseline's weights) or `initial` (the untrained net).
        keeps: properties of earlier steps that survive this one: `sparsity` (zeros stay),
        `codebook` (equal values stay
            equal), `levels` (values stay on a grid), `bits` (the number format of the file stays).
        gives: properties that this step makes. A step may not follow one whose properties it does
        not keep.
    """

    needs: ClassVar[Literal["trained", "initial"]] = "trained"
    keeps: ClassVar[frozenset[str]] = frozenset()
    gives: ClassVar[frozenset[str]] = frozenset()

    def budget(self) -> int:
        """Epochs of training that it spends: its knobs that count epochs, by default."""
        counts_epochs = [name for name, knob in self.knobs().items() if knob.unit == "epochs"]
        return sum(getattr(self, name) for name in counts_epochs)

    @abstractmethod
    def apply(self, stage: Stage, job: Job) -> Stage:
        """A new stage; the one given is not changed.

        With 0 epochs the effect is applied at once, without training.
        """


# --- measuring ------------------------------------------------------------------------------------


Format = Literal["percent", "count", "decimals", "significant"]
"""How a number is written: a share as percent, a whole number, with four decimals or digits."""


class Metric(Plugin, ABC):
    """One number measured on the exported file.

    What it states here is all that tables, axes, model card and checklist say of it.

    Class attributes:
        label: what it is, as on an axis: "non-zero parameters"; its name by default.
        head: a shorter one, for a table; the label by default.
        unit: as "bytes"; empty for a share.
        format: how a value is written.
        better: whether more or less of it is wanted.
        ledger: it is a line of the size ledger: compared with the baseline as a ratio.
        of_split: it depends on the samples, so its name in the store begins with the split:
            `val_accuracy`.
        tasks: the tasks it is defined for; it is absent, not 0, for others.
        of_anomalies: it needs labelled anomalies beside normal samples; absent without.
    """

    label: ClassVar[str] = ""
    head: ClassVar[str] = ""
    unit: ClassVar[str] = ""
    format: ClassVar[Format] = "significant"
    better: ClassVar[Literal["max", "min"]] = "min"
    ledger: ClassVar[bool] = False
    of_split: ClassVar[bool] = False
    tasks: ClassVar[frozenset[Task]] = frozenset(
        {"classes", "binary", "regression", "reconstruction"}
    )
    of_anomalies: ClassVar[bool] = False

    @abstractmethod
    def measure(self, exported: Exported) -> float:
        """The value for one file."""
