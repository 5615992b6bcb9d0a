"""What each data set holds, for docs/datasets.md.

Sizes and shapes, and a picture or some texts where we made the data.

    .venv/bin/python docs/samples.py [NAME ...]        # all data sets that are here, by default

Writes docs/results/data/NAME.json and docs/images/data/NAME.png. Of data that is not ours to
publish only numbers are written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from pages import write
from recipes import RESULTS

from framework.cli.base import say
from framework.contracts import Array, Catalog, Dataset, Samples
from framework.datasets._sources.generated import MadeDataset
from framework.datasets.digits import Digits
from framework.errors import UserError
from framework.planning.project import find_root
from framework.study import digest_of

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
        "inputs": {name: list(shape) for name, shape in info.inputs.items()},
        "tokens": dict(info.tokens),
        "sizes": sizes | {"test": sealed_size(dataset)},
    }
    if info.task != "regression":
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
    """As the card's first line says it: the sealed split is not opened to count it."""
    said = dataset.summary().replace("\u00a0", " ").rpartition(" test")[0].rpartition(", ")[2]
    digits = "".join(character for character in said if character.isdigit())
    if not digits:
        raise UserError(
            f"The card of {dataset.name} does not say how large its test split is.",
            given=dataset.summary(),
        )
    return int(digits)


def is_ours(dataset: Dataset) -> bool:
    """Made by rule, of nothing but what a library brings along."""
    return isinstance(dataset, MadeDataset | Digits)


def texts(dataset: Dataset, samples: Samples, root: Path) -> list[str]:
    """A few texts in words, each with its answer."""
    (name, *_) = [*dataset.info.tokens, ""]
    if not name:
        return []
    words = dataset.vocabulary(root, name)
    rows = samples.inputs[name][:SHOWN]
    said = [" ".join(words[token] for token in row if token) for row in rows]
    return [f"{text}  ->  {label}" for text, label in zip(said, samples.labels, strict=False)]


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
    figure.savefig(file, metadata={"Software": None})
    return True


def draw_input(axis: Any, name: str, values: Array) -> None:
    """A picture, a spectrogram with time to the right, or curves over the steps."""
    axis.set_xticks([])
    axis.set_yticks([])
    if name == "image":
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
