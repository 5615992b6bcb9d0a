"""Default recipes.

What each net reaches on the data it is made for, measured and written to docs/results.

    make recipes                       # those whose results are out of date, then
    docs/architectures.md, datasets.md make recipes NAME="cnn-digits"     # one or several, whether
    out of date or not

A recipe is the dense net of a shipped study, with overrides. Accuracy is that of the exported file
on the validation split. A result carries the digest of what made it; `make test` compares it with
the recipe as it stands.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from framework.cli.base import say, text_of
from framework.contracts import Catalog
from framework.errors import DataUnavailable, SqueezelabError, UnknownName, UserError
from framework.planning.plan import plan
from framework.planning.project import find_root
from framework.planning.resolve import dataset_of, first_value
from framework.results.record import quality_of
from framework.runner import trial
from framework.runner.baseline import Lab, fingerprint
from framework.study import Spec, digest_of

RESULTS = Path("docs") / "results"
KEPT = ("params_total", "macs_dense", "size_tflite_bytes")  # of the net; the same for every seed


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
        """Where its result lies."""
        return root / RESULTS / f"{self.name}.json"


CIFAR = ("dataset=cifar10", "train.epochs=20", "train.batch_size=64", "train.optimizer=momentum")
CIFAR += (
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
)
TREC += ("train.warmup_epochs=3",)
EASY = (
    "dataset=easy_vqa",
    "dataset.questions=21",
    "architecture=image_text",
    "architecture.side=32",
)
EASY += (
    "architecture.units=128",
    "train.epochs=15",
    "train.learning_rate=0.002",
    "train.warmup_epochs=1",
)
EASY += ("train.augment=False",)
AV = (
    "dataset=av_mnist",
    "train.epochs=8",
    "train.batch_size=64",
    "train.learning_rate=0.002",
    "train.warmup_epochs=1",
)
SERIES = ("dataset=mackey_glass", "architecture.units=64", "train.epochs=20", "train.batch_size=32")
IMAGE, QUESTION, AUDIO = (f"architecture.reads={name}" for name in ("image", "question", "audio"))
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
    """Whether the result is that of the recipe as it stands."""
    found = read(recipe, root)
    return found is not None and found["digest"] == digest(recipe.specs(root, catalog))


def measure(recipe: Recipe, root: Path, lab: Lab) -> dict[str, Any]:
    """Train, export and measure one net for each seed.

    Raises:
        SqueezelabError: a trial failed.
    """
    specs = recipe.specs(root, lab.catalog)
    quality = quality_of(lab.info(specs[0]).task)
    records = []
    for spec in specs:
        record = trial.run(spec, lab)
        if record.reason:
            raise SqueezelabError(
                f"{recipe.name}, seed {spec.seed}: {record.reason}", given=record.error
            )
        records.append(record)
        value, seconds = record.metrics[quality], record.times["fit_seconds"]
        say(f"{recipe.name} seed {spec.seed}: {quality} {value:.4f} ({seconds:.0f} s of training)")
    return {
        "digest": digest(specs),
        "study": recipe.study,
        "settings": list(recipe.settings),
        "dataset": specs[0].dataset.name,
        "architecture": specs[0].architecture.name,
        "knobs": dict(specs[0].architecture.knobs),
        "train": specs[0].train.json(),
        "seeds": list(recipe.seeds),
        "quality": quality,
        "values": [record.metrics[quality] for record in records],
        **{name: records[0].metrics[name] for name in KEPT},
        "train_seconds": [round(record.times["fit_seconds"], 1) for record in records],
        "environment": fingerprint(),
    }


def check(recipe: Recipe, result: dict[str, Any]) -> str:
    """What is wrong with a result, in a sentence; empty if nothing is."""
    found = mean(result["values"])
    if recipe.least <= found <= recipe.most:
        return ""
    return (
        f"{recipe.name}: the mean is {found:.4f}; it should lie between {recipe.least:g} and "
        f"{recipe.most:g}."
    )


def main() -> int:
    """Measure what is asked for, then write the pages.

    1 if a result is not what its recipe promises.
    """
    return command(__doc__ or "", "RECIPE", run)


def command(text: str, what: str, run: Callable[[Path, list[str], Catalog], int]) -> int:
    """A script that is given names; a user's mistake is told without a traceback.

    Args:
        text: help; of the script.
        what: the names are of.
    """
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar=what)
    names = parser.parse_args().names
    try:
        return run(find_root(Path.cwd()), names, Catalog())
    except UserError as error:
        say(text_of(error))
        return error.exit_code


def run(root: Path, names: list[str], catalog: Catalog) -> int:
    """As the command line: named recipes, or those out of date whose data is here."""
    import pages

    known = {recipe.name: recipe for recipe in RECIPES}
    for name in names:
        if name not in known:
            raise UnknownName("recipe", name, known)
    chosen = [known[name] for name in names] or [
        item for item in RECIPES if not is_current(item, root, catalog)
    ]
    lab, wrong = Lab(root, catalog), []
    for recipe in chosen:
        try:
            dataset_of(recipe.specs(root, catalog)[0], catalog, root).check_available(root)
        except DataUnavailable as error:
            say(f"{recipe.name}: left out. {error.what}")
            continue
        result = measure(recipe, root, lab)
        recipe.file(root).parent.mkdir(parents=True, exist_ok=True)
        recipe.file(root).write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", "utf-8")
        wrong += filter(None, [check(recipe, result)])
    pages.write(root, catalog)
    for line in wrong:
        say(line)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
