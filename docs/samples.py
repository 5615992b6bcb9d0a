"""Describes what each data set has, for docs/datasets.md.

    .venv/bin/python -m docs.samples [NAME ...]        # all data sets that are here, by default

Sizes and shapes, and a picture or some texts where we made the data. Writes
docs/results/data/NAME.json and docs/images/data/NAME.png. Of data that is not ours to publish only
numbers are written.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from docs.markdown import paragraphs
from docs.pages import write
from docs.recipe_list import RESULTS
from framework.cli.base import say
from framework.contracts import Array, Catalog, Dataset, Samples
from framework.datasets._sources.generated import MadeDataset
from framework.datasets.digits import Digits
from framework.errors import UserError
from framework.study import digest_of
from framework.system.paths import find_root

SHOWN = 6
OPEN = ("train", "calibration", "validation")


def main() -> int:
    """Describe the data sets named, or all that are on this machine."""
    root, catalog = find_root(Path.cwd()), Catalog()
    for name in sys.argv[1:] or catalog.datasets.names():
        dataset = catalog.datasets.build(name, {})
        try:
            facts = describe(dataset, root)
        except UserError as error:
            say(f"{name}: left out. {error.what}")
            continue
        file = root / RESULTS / "data" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    write(root, catalog)
    return 0


def describe(dataset: Dataset, root: Path) -> dict[str, Any]:
    """Shapes, sizes, share of the most frequent class, and samples of a data set made by rule."""
    dataset.check_available(root)
    info = dataset.info
    splits = dataset.load(root, info.inputs)
    sizes = {split: len(getattr(splits, split)) for split in OPEN}
    facts: dict[str, Any] = {
        "digest": digest(dataset),
        "task": info.task,
        "classes": info.classes,
        "inputs": dict(zip(info.inputs, map(list, info.inputs.values()), strict=True)),
        "tokens": dict(info.tokens),
        "sizes": sizes | {"test": sealed_size(dataset)},
    }
    # a regression and a reconstruction have no classes: no answer is the most frequent one
    if info.task in ("classes", "binary"):
        counts = np.unique(splits.validation.labels, return_counts=True)[1]
        facts["constant"] = float(counts.max() / counts.sum())
    if is_ours(dataset):
        facts["texts"] = texts(dataset, splits.train, root)
        facts["picture"] = draw(dataset, splits.train, root)
    return facts


def digest(dataset: Dataset) -> str:
    """sha256 of the plug-in's name, version and knobs."""
    return digest_of([dataset.name, dataset.plugin_version, dataset.values()])


def sealed_size(dataset: Dataset) -> int:
    """As the card says it (`..., 7 600 test`): the sealed split is not opened to count it."""
    card = " ".join(paragraphs(type(dataset)))
    stated = re.search(r"([\d\s]+) test\b", card)
    if stated is None:
        raise UserError(
            f"The card of {dataset.name} does not say how large its test split is.",
            given=dataset.summary(),
        )
    return int("".join(stated[1].split()))


def is_ours(dataset: Dataset) -> bool:
    """Made by rule, of nothing but what a library brings along."""
    return isinstance(dataset, MadeDataset | Digits)


def texts(dataset: Dataset, samples: Samples, root: Path) -> list[str]:
    """The texts of the first samples in words, each with its answer."""
    (name, *_) = [*dataset.info.tokens, ""]
    if not name:
        return []
    words = dataset.vocabulary(root, name)
    lines = []
    for row, label in zip(samples.inputs[name][:SHOWN], samples.labels, strict=False):
        # token 0 fills a text up to the length of the longest
        text = " ".join(words[token] for token in row if token)
        lines.append(f"{text}  ->  {label}")
    return lines


def draw(dataset: Dataset, samples: Samples, root: Path) -> bool:
    """A sheet of samples: one column each, one row for each input that can be drawn.

    False if none can.
    """
    from matplotlib.figure import Figure

    names = [name for name in dataset.info.inputs if name not in dataset.info.tokens]
    if not names:
        return False
    figure = Figure(figsize=(1.35 * SHOWN, 1.5 * len(names) + 0.3), dpi=110, layout="constrained")
    axes = figure.subplots(len(names), SHOWN, squeeze=False)
    for row, name in zip(axes, names, strict=True):
        for index, axis in enumerate(row):
            draw_input(axis, name, samples.inputs[name][index])
        row[0].set_ylabel(name, fontsize=8)
    for axis, label in zip(axes[0], samples.labels, strict=False):
        axis.set_title(f"{label:.3g}", fontsize=9)
    file = root / "docs" / "images" / "data" / f"{dataset.name}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    # without the version of matplotlib, the same samples give the same bytes
    figure.savefig(file, metadata={"Software": None})
    return True


def draw_input(axis: Any, name: str, values: Array) -> None:
    """A picture, a spectrogram with time to the right, or curves over the steps."""
    axis.set_xticks([])
    axis.set_yticks([])
    if name == "image":
        # of a given range: else matplotlib would stretch the contrast of each grey picture
        axis.imshow(
            values.squeeze(), cmap="gray" if values.shape[-1] == 1 else None, vmin=0, vmax=1
        )
    elif name == "audio":
        axis.imshow(values[..., 0].T, origin="lower", aspect="auto", cmap="magma")
    elif values.shape[-1] > 2:
        axis.imshow(values, cmap="gray", aspect="auto")
    else:
        axis.plot(values, linewidth=0.9)


if __name__ == "__main__":
    sys.exit(main())
