"""The default recipes: which nets are trained on which data, and what each has to reach.

A recipe is the dense net of a shipped study, with overrides. Accuracy is that of the exported file
on the validation split. A result carries the digest of what made it; `make test` compares it with
the recipe as it is now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.study import Spec, digest_of

RESULTS = Path("docs") / "results"


@dataclass(frozen=True)
class Recipe:
    """One net on one data set.

    Args:
        name: of its result.
        study: a shipped study; its dense net is trained.
        settings: overrides of the study.
        seeds: one training each.
        least, most: what the mean of the seeds has to reach, and must not pass (a net that is given
            half of the input); shares, as accuracy or R2.
    """

    name: str
    study: str
    settings: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    least: float = 0.0
    most: float = 1.0

    def specs(self, root: Path, catalog: Catalog) -> list[Spec]:
        """The dense nets to be trained, one for each seed."""
        study = plan(root, self.study, settings=self.settings, catalog=catalog).study
        return [replace(study, seed=seed).fix(first_value).dense() for seed in self.seeds]

    def file(self, root: Path) -> Path:
        """Where its result is."""
        return root / RESULTS / f"{self.name}.json"


CIFAR = (
    "dataset=cifar10",
    "train.epochs=20",
    "train.batch_size=64",
    "train.optimizer=momentum",
    "train.learning_rate=0.05",
    "train.warmup_epochs=1",
    "train.augment=True",
    "train.weight_decay=0.0003",
)
TREC = (
    "dataset=trec",
    "architecture.units=64",
    "train.epochs=8",
    "train.batch_size=32",
    "train.learning_rate=0.002",
    "train.warmup_epochs=3",
)
EASY = (
    "dataset=easy_vqa",
    "dataset.questions=21",
    "architecture=image_text",
    "architecture.side=32",
    "architecture.units=128",
    "train.epochs=15",
    "train.learning_rate=0.002",
    "train.warmup_epochs=1",
    "train.augment=False",
)
AV = (
    "dataset=av_mnist",
    "train.epochs=8",
    "train.batch_size=64",
    "train.learning_rate=0.002",
    "train.warmup_epochs=1",
)
SERIES = ("dataset=mackey_glass", "architecture.units=64", "train.epochs=20", "train.batch_size=32")
IMAGE = "architecture.reads=image"
QUESTION = "architecture.reads=question"
AUDIO = "architecture.reads=audio"
ONE = (0,)  # seed, where a training takes long

RECIPES = (
    # data without download
    Recipe("lenet_300_100-digits", "lenet_300_100_prune", least=0.98),
    Recipe("lenet5-digits", "lenet5_prune", least=0.98),
    Recipe("squeezenet-digits", "squeezenet_prune", least=0.98),
    Recipe("cnn-digits", "cnn_prune", least=0.98),
    Recipe("squeezenet_se-digits", "squeezenet_se_prune", least=0.98),
    Recipe("resnet8-digits", "cnn_prune", ("architecture=resnet8",), least=0.98),
    Recipe("lstm-digits_rows", "lstm_quantize", least=0.97),
    Recipe("lstm-mackey_glass", "lstm_quantize", SERIES, least=0.95),
    Recipe("autoencoder-digits_anomaly", "autoencoder_prune", least=0.75),  # R2
    # bag of tokens 0.294, constant 0.100
    Recipe("transformer-listops", "transformer_prune", least=0.30),
    Recipe("image_text-digits_vqa", "image_text_prune", least=0.90),
    Recipe("image_text-digits_vqa-image", "image_text_prune", (IMAGE,), least=0.30, most=0.85),
    Recipe(
        "image_text-digits_vqa-question", "image_text_prune", (QUESTION,), least=0.30, most=0.85
    ),
    Recipe("image_audio-digits_audio", "image_audio_quantize", least=0.95),
    Recipe(
        "image_audio-digits_audio-image", "image_audio_quantize", (IMAGE,), least=0.40, most=0.85
    ),
    Recipe(
        "image_audio-digits_audio-audio", "image_audio_quantize", (AUDIO,), least=0.40, most=0.85
    ),
    Recipe(
        "ds_cnn-digits_audio",
        "image_audio_quantize",
        ("architecture=ds_cnn",),
        least=0.40,
        most=0.85,
    ),
    # real data, through tensorflow-datasets
    Recipe("resnet8-cifar10", "cnn_prune", ("architecture=resnet8", *CIFAR), ONE, least=0.80),
    Recipe(
        "ds_cnn-spoken_digit",
        "cnn_prune",
        ("architecture=ds_cnn", "dataset=spoken_digit"),
        ONE,
        least=0.93,
    ),
    Recipe("lstm-trec", "lstm_quantize", TREC, ONE, least=0.80),
    Recipe("image_text-easy_vqa", "image_text_prune", EASY, ONE, least=0.85),
    Recipe("image_audio-av_mnist", "image_audio_quantize", AV, least=0.70),
    Recipe("image_audio-av_mnist-image", "image_audio_quantize", (*AV, IMAGE), most=0.85),
    Recipe("image_audio-av_mnist-audio", "image_audio_quantize", (*AV, AUDIO), most=0.85),
)


def digest(specs: Iterable[Spec]) -> str:
    """sha256 of all that decides a result besides the machine.

    Plug-in versions, knobs, training, seeds.
    """
    return digest_of([spec.digest for spec in specs])


def read(recipe: Recipe, root: Path) -> dict[str, Any] | None:
    """The result as it was written; None if there is none."""
    file = recipe.file(root)
    return json.loads(file.read_text("utf-8")) if file.exists() else None


def is_current(recipe: Recipe, root: Path, catalog: Catalog) -> bool:
    """Whether the result is that of the recipe as it is now."""
    result = read(recipe, root)
    return result is not None and result["digest"] == digest(recipe.specs(root, catalog))
