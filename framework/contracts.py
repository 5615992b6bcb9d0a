"""What a plug-in is: data set, architecture, strategy, metric; and the values that pass between them.

A plug-in is one file with one frozen dataclass. Its fields are knobs; its docstring begins with one line that says what
it does and names its source after `Source:`. Its module imports without TensorFlow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from framework.errors import DataUnavailable
from framework.registry import Registry
from framework.space import Knobbed, knob
from framework.stage import Array, Export, Keep, Mask, Stage, Step, Weights

__all__ = [  # all that a plug-in needs, from one place
    "Architecture", "Array", "Catalog", "DataInfo", "Dataset", "Export", "Exported", "FileWeight", "Head", "Job",
    "Keep", "Mask", "Metric", "Plugin", "Samples", "Splits", "Stage", "Step", "Strategy", "Task", "Ticket",
    "Weights", "Wrap", "architecture", "architectures", "dataset", "datasets", "knob", "metric", "metrics",
    "strategies", "strategy",
]  # fmt: skip

T = TypeVar("T")
Task = Literal["classes", "binary", "regression"]


class Plugin(Knobbed):
    """What all plug-ins share. `name` and `plugin_version` are set by the registering decorator."""

    name: ClassVar[str] = ""
    plugin_version: ClassVar[int] = 0

    @classmethod
    def summary(cls) -> str:
        """The first sentence of the docstring."""
        return (cls.__doc__ or "").strip().split("\n")[0].split("  Source:")[0].strip()

    @classmethod
    def source(cls) -> str:
        """What follows `Source:` in the docstring, one line; empty if there is none."""
        return " ".join((cls.__doc__ or "").partition("Source:")[2].split("\n\n")[0].split())


# --- data ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Samples:
    """Inputs and labels of one split.

    Args:
        inputs: input name -> array (n, ...); images are float32 (n, height, width, channels) in 0 to 1.
        labels: (n,) int64 class numbers, (n,) float32 in {0, 1} for `binary`, (n,) float32 for `regression`.
    """

    inputs: Mapping[str, Array]
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)


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
        task: `classes`, `binary` or `regression`.
        classes: number of classes; 2 for `binary`, 0 for `regression`.
        inputs: input name -> shape of one sample.
        mirror: whether a mirrored image keeps its label.
        toy: shown as such in reports (REPORTING S2).
    """

    task: Task
    classes: int
    inputs: Mapping[str, tuple[int, ...]]
    mirror: bool = False
    toy: bool = False


class Dataset(Plugin, ABC):
    """A data set with four disjoint splits: train, calibration, validation and the sealed test split."""

    info: ClassVar[DataInfo]

    @abstractmethod
    def check_available(self, root: Path) -> None:
        """Return if the data is on this machine, made by rule, or can be fetched; loads no TensorFlow.

        Raises:
            DataUnavailable: none of these; the message says the ways out.
        """

    def state(self, root: Path) -> str:
        """Where its data is or how to get it, in a few words; as fast as `check_available`, and fetches nothing."""
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
        """The open splits, each input resized to `shapes`; prepared and cached under `root/.cache` on first use."""

    @abstractmethod
    def load_sealed(self, root: Path, shapes: Mapping[str, tuple[int, ...]], ticket: Ticket) -> Samples:
        """The test split, for a `confirm` run that has been written to the store."""


@dataclass(frozen=True)
class Ticket:
    """Permission to open a test split once; only `confirm` makes one, after its run is in the store.

    Args:
        run_id: the `confirm` run.
        spec_digest: the one configuration that is measured.
    """

    run_id: str
    spec_digest: str


# --- nets ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """The output layer that the data set's task asks for: its number of units and its activation."""

    units: int
    activation: Literal["softmax", "sigmoid", "linear"]

    @classmethod
    def of(cls, info: DataInfo) -> Head:
        """`classes`: softmax over the classes; `binary`: one sigmoid unit; `regression`: one linear unit."""
        if info.task == "classes":
            return cls(info.classes, "softmax")
        return cls(1, "sigmoid" if info.task == "binary" else "linear")


class Architecture(Plugin, ABC):
    """A functional graph of keras layers; every layer has a name, no operator such as `x + y`, no nested model."""

    def input_shapes(self, info: DataInfo) -> Mapping[str, tuple[int, ...]]:
        """The shape this net asks of each input; the data set's own by default."""
        return info.inputs

    @abstractmethod
    def build(self, shapes: Mapping[str, tuple[int, ...]], head: Head) -> Any:
        """An untrained functional `tf_keras.Model` whose Input layers carry the names in `shapes`."""


class Wrap(Protocol):
    """How a strategy changes a net for its training; made by `framework.nn`, handed to `Job.finetune`.

    `key` is the digest of all that is static in it: nets are reused between trials under this key.
    """

    @property
    def key(self) -> str:
        """The digest of all that is static in it."""

    def build(self, model: Any) -> tuple[Any, Mapping[str, Any]]:
        """The wrapped functional model and its dynamic `tf.Variable`s by name."""


class Job(Protocol):
    """All that a strategy may use. It gives no validation label, no test split, no store and no other trial."""

    train: Samples
    calibration: Samples

    def seed(self, purpose: str) -> int:
        """A seed of 31 bits that depends on the trial's seed and on `purpose` alone."""

    @property
    def initial(self) -> Stage:
        """The untrained net this trial's baseline began from."""

    def rewind(self, epoch: int) -> Stage:
        """The baseline's net after `epoch` epochs of its training (0 is `initial`)."""

    @property
    def catalog(self) -> Catalog:
        """The plug-ins, by name."""

    def steps_per_epoch(self) -> int:
        """Optimizer steps in one epoch."""

    def finetune(
        self, stage: Stage, epochs: int, *, wrap: Wrap | None = None, dynamic: Mapping[str, Any] | None = None
    ) -> Stage:
        """Train `stage` for `epochs` (at least 1) with the study's optimizer and schedule, without warm-up.

        The peak rate is the study's `learning_rate` times its `finetune_factor`.
        What the stage keeps is held. `wrap` changes the net for the training only.

        Args:
            dynamic: values for the wrap's `tf.Variable`s, by name.

        Raises:
            TrialDiverged: the loss or a weight is not finite.
            TrialTimeout: the trial's time is used up.
        """

    def report(self, epoch: int, **values: float) -> None:
        """Values of one epoch, for the curves."""

    @property
    def fit_seconds(self) -> float:
        """Wall time spent inside `fit` so far in this trial."""


class Strategy(Plugin, ABC):
    """One way of making a net smaller.

    Class attributes:
        needs: `trained` (the baseline's weights) or `initial` (the untrained net).
        keeps: properties of earlier steps that survive this one: `sparsity`, `codebook`, `bits`.
        gives: properties that this step makes.
    """

    needs: ClassVar[Literal["trained", "initial"]] = "trained"
    keeps: ClassVar[frozenset[str]] = frozenset()
    gives: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def apply(self, stage: Stage, job: Job) -> Stage:
        """A new stage; the one given is not changed. With 0 epochs the effect is applied at once, without training."""


# --- measuring -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FileWeight:
    """One weight of a net and the tensor that holds it in the exported file.

    Args:
        layer: the layer's name in the net.
        role: `kernel` or `bias`.
        tensor: index in the file; -1 if the exporter dropped a bias that is all zero.
        positions: how many times each value of a kernel is used for one sample (1 for a dense layer); 0 for a bias.
        values: the tensor as stored, in the file's own layout and type; 8-bit zeros are zeros of the net.
        scales: how many scale factors turn the stored integers into numbers; 0 where none are needed.
    """

    layer: str
    role: Literal["kernel", "bias"]
    tensor: int
    positions: int
    values: Array
    scales: int = 0


@dataclass(frozen=True)
class Exported:
    """The exported file, opened and run on one split: what every metric is measured on.

    Args:
        file: the bytes of the `.tflite` file.
        weights: its weights.
        outputs: (n, units) what the file answers on the split.
        net_outputs: (n, units) what the float net answers that the file was made from.
        labels: (n,) the truth.
        task: of the data set.
    """

    file: bytes
    weights: tuple[FileWeight, ...]
    outputs: Array
    net_outputs: Array
    labels: Array
    task: Task


class Metric(Plugin, ABC):
    """One number measured on the exported file.

    Class attributes:
        unit: as "bytes"; empty for a share.
        better: whether more or less of it is wanted.
        of_split: it depends on the samples, so its name in the store begins with the split: `val_accuracy`.
        tasks: the tasks it is defined for; it is absent, not 0, for others.
    """

    unit: ClassVar[str] = ""
    better: ClassVar[Literal["max", "min"]] = "min"
    of_split: ClassVar[bool] = False
    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "binary", "regression"})

    @abstractmethod
    def measure(self, exported: Exported) -> float:
        """The value for one file."""


# --- registries ------------------------------------------------------------------------------------------------------

datasets: Registry[Dataset] = Registry("data set", package="framework.datasets", group="squeezelab.datasets")
architectures: Registry[Architecture] = Registry(
    "architecture", package="framework.architectures", group="squeezelab.architectures"
)
strategies: Registry[Strategy] = Registry("strategy", package="framework.strategies", group="squeezelab.strategies")
metrics: Registry[Metric] = Registry("metric", package="framework.metrics", group="squeezelab.metrics")


@dataclass(frozen=True)
class Catalog:
    """The four registries, handed to whoever needs plug-ins by name."""

    datasets: Registry[Dataset] = datasets
    architectures: Registry[Architecture] = architectures
    strategies: Registry[Strategy] = strategies
    metrics: Registry[Metric] = metrics

    def of(self, kind: str) -> Registry[Any]:
        """The registry of `dataset`, `architecture`, `strategy` or `metric`."""
        plural: dict[str, Registry[Any]] = {
            "dataset": self.datasets,
            "architecture": self.architectures,
            "strategy": self.strategies,
            "metric": self.metrics,
        }
        return plural[kind]


def dataset(name: str, *, version: int) -> Callable[[type[T]], type[T]]:
    """Class decorator: file this class as a data set."""
    return datasets.register(name, version=version)  # type: ignore[return-value]


def architecture(name: str, *, version: int) -> Callable[[type[T]], type[T]]:
    """Class decorator: file this class as an architecture."""
    return architectures.register(name, version=version)  # type: ignore[return-value]


def strategy(name: str, *, version: int) -> Callable[[type[T]], type[T]]:
    """Class decorator: file this class as a strategy."""
    return strategies.register(name, version=version)  # type: ignore[return-value]


def metric(name: str, *, version: int) -> Callable[[type[T]], type[T]]:
    """Class decorator: file this class as a metric."""
    return metrics.register(name, version=version)  # type: ignore[return-value]
