"""What a strategy works with: the job of its trial, and how it asks it for training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.contracts.data import Samples
    from framework.contracts.net import Array, Remask, Stage, Weights


class Wrap(ABC):
    """How a strategy changes a net for its training.

    Made by `framework.nn`, handed to `Job.finetune`.
    """

    @property
    @abstractmethod
    def key(self) -> str:
        """The digest of all that is static in it: nets are reused between trials under this key."""

    @abstractmethod
    def build(self, model: Any) -> tuple[Any, Mapping[str, Any]]:
        """The wrapped functional model and its dynamic `tf.Variable`s by name."""

    def finish(self, weights: Weights, dynamic: Mapping[str, Array]) -> Weights:
        """The plain net's weights after the training, from its variables and the dynamic ones.

        As they are by default.

        What is not in `key` may decide here: it is this wrap that is asked, whichever the traced
        net was built with.
        """
        return weights


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How a strategy wants its net trained on; by default as it is, at the rate of fine-tuning.

    Args:
        wrap: changes the net for the training only.
        dynamic: values for the wrap's `tf.Variable`s, by name: all of them, and no other.
        remask: masks that change on the way; of weights whose `Mask` the stage keeps.
        fresh: train as the baseline was, at the study's own rate and with its warm-up.
        rate: factor of the peak rate of fine-tuning, for steps that want a smaller one; above 0.
    """

    wrap: Wrap | None = None
    dynamic: Mapping[str, Any] = field(default_factory=dict)
    remask: Remask | None = None
    fresh: bool = False
    rate: float = 1.0


PLAIN = Tuning()


class Job(Protocol):
    """All that a strategy may use.

    It gives no validation label, no test split, no store and no other trial.
    """

    train: Samples
    calibration: Samples

    def seed(self, purpose: str) -> int:
        """A seed of 31 bits that depends on the trial's seed and on `purpose` alone."""

    @property
    def initial(self) -> Stage:
        """The untrained net this trial's baseline began from."""

    @property
    def trained(self) -> Stage:
        """This trial's baseline: the dense net at the end of its training."""

    def rewind(self, epoch: int) -> Stage:
        """The baseline's net after `epoch` epochs of its training (0 is `initial`)."""

    @property
    def catalog(self) -> Catalog:
        """The plug-ins, by name."""

    def steps_per_epoch(self) -> int:
        """Optimizer steps in one epoch."""

    def finetune(
        self,
        stage: Stage,
        epochs: int,
        tuning: Tuning = PLAIN,
    ) -> Stage:
        """Train `stage` for `epochs` (at least 1) with the study's optimizer, no warm-up.

        The peak rate is the study's `learning_rate` times its `finetune_factor`, and times its
        `trained_factor` where the net comes trained.
        What the stage keeps is held.

        Raises:
            TrialDiverged: the loss or a weight is not finite.
            TrialTimeout: the trial's time is used up.
        """

    def gradients(
        self, stage: Stage, *, batches: int, batch_size: int, batch_statistics: bool = False
    ) -> Iterator[Weights]:
        """The mean gradient of the training loss on each of some random batches.

        Without dropout and augmentation.

        Args:
            batches: how many, at most: whole ones, in which each sample is at most once.
            batch_size: samples in each; all there are, if they are fewer.
            batch_statistics: batch normalisations normalise by the batch, as in training, and not
                by what they have gathered: before any training that is nothing.
        """

    def quality(self, stage: Stage) -> float:
        """Accuracy, or R2, of the float net on the calibration split."""

    def report(self, epoch: int, **values: float) -> None:
        """Values of one epoch, for the curves."""
