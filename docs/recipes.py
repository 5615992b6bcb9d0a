"""Measures what each net reaches on the data it is made for, and writes it to docs/results.

    make recipes                       # those whose results are out of date, then the pages
    make recipes NAME="cnn-digits"     # one or several, whether out of date or not

The recipes are in docs/recipe_list.py; the pages are docs/architectures.md and docs/datasets.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from docs import pages
from docs.commands import chosen, command
from docs.recipe_list import RECIPES, Recipe, digest, is_current
from framework.cli.base import say
from framework.contracts import Catalog
from framework.errors import DataUnavailable, SqueezelabError
from framework.planning.parts import dataset_of
from framework.results.record import Record, quality_of
from framework.runner import trial
from framework.runner.baseline import Lab, fingerprint
from framework.study import Spec

KEPT = ("params_total", "macs_dense", "size_tflite_bytes")  # of the net; the same for every seed


def trials(name: str, specs: Sequence[Spec], lab: Lab) -> Iterator[Record]:
    """The record of each spec, one after the other.

    Args:
        name: of what is measured, for the message of a failure.

    Raises:
        SqueezelabError: a trial failed.
    """
    for spec in specs:
        record = trial.run(spec, lab)
        if record.reason:
            raise SqueezelabError(f"{name}, seed {spec.seed}: {record.reason}", given=record.error)
        yield record


def measure(recipe: Recipe, root: Path, lab: Lab) -> dict[str, Any]:
    """Train, export and measure one net for each seed.

    Raises:
        SqueezelabError: a trial failed.
    """
    specs = recipe.specs(root, lab.catalog)
    quality = quality_of(lab.info(specs[0]).task)
    records, values, train_seconds = [], [], []
    for seed, record in zip(recipe.seeds, trials(recipe.name, specs, lab), strict=True):
        value, seconds = record.metrics[quality], record.times["fit_seconds"]
        # a training may take an hour: each seed is reported as soon as it is done
        say(f"{recipe.name} seed {seed}: {quality} {value:.4f} ({seconds:.0f} s of training)")
        records.append(record)
        values.append(value)
        train_seconds.append(round(seconds, 1))
    return {
        **_described(recipe, specs),
        "quality": quality,
        "values": values,
        **{name: records[0].metrics[name] for name in KEPT},
        "train_seconds": train_seconds,
        "environment": fingerprint(),
    }


def _described(recipe: Recipe, specs: Sequence[Spec]) -> dict[str, Any]:
    """What was trained, as it goes into the result."""
    first = specs[0]
    return {
        "digest": digest(specs),
        "study": recipe.study,
        "settings": list(recipe.settings),
        "dataset": first.dataset.name,
        "architecture": first.architecture.name,
        "knobs": dict(first.architecture.knobs),
        "train": first.train.json(),
        "seeds": list(recipe.seeds),
    }


def check(recipe: Recipe, result: dict[str, Any]) -> str:
    """What is wrong with a result, in a sentence; empty if nothing is."""
    reached = mean(result["values"])
    if recipe.least <= reached <= recipe.most:
        return ""
    return (
        f"{recipe.name}: the mean is {reached:.4f}; it should lie between {recipe.least:g} and "
        f"{recipe.most:g}."
    )


def main() -> int:
    """Measure what is asked for, then write the pages.

    1 if a result is not within the limits of its recipe.
    """
    return command(__doc__ or "", "RECIPE", run)


def run(root: Path, names: list[str], catalog: Catalog) -> int:
    """As the command line: named recipes, or those out of date whose data is here."""
    recipes = chosen("recipe", names, RECIPES)
    lab, wrong = Lab(root, catalog), []
    for recipe in recipes or _outdated(root, catalog):
        try:
            _check_data(recipe, root, catalog)
        except DataUnavailable as error:
            say(f"{recipe.name}: left out. {error.what}")
            continue
        result = measure(recipe, root, lab)
        _write(recipe, result, root)
        if mistake := check(recipe, result):
            wrong.append(mistake)
    pages.write(root, catalog)
    # at the end, so that hours of measuring do not scroll it away
    for line in wrong:
        say(line)
    return int(bool(wrong))


def _outdated(root: Path, catalog: Catalog) -> list[Recipe]:
    return [recipe for recipe in RECIPES if not is_current(recipe, root, catalog)]


def _check_data(recipe: Recipe, root: Path, catalog: Catalog) -> None:
    """Raise DataUnavailable if the recipe's data is not on this machine."""
    dataset_of(recipe.specs(root, catalog)[0], catalog, root).check_available(root)


def _write(recipe: Recipe, result: dict[str, Any], root: Path) -> None:
    file = recipe.file(root)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
