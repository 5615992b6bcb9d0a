"""Runs every strategy on a small saved net of each layer of keras, for docs/saved-nets.md.

    make saved-nets                  # the rows that are out of date, then the page
    make saved-nets NAME="Conv2D Conv2D__in_groups"    # these, whether out of date or not

The nets are saved by Keras 2 and Keras 3, and read in every format. Those that are the same net
once read, but for the names of layers, are compressed once. What a study does is done: data,
baseline, strategy, export, measurement. SAVED_NETS=FOLDER keeps the files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from docs.capabilities import fewest_epochs, missing, reason
from docs.commands import command
from docs.saved_nets import nets, table
from framework import Study, Train, nn, use
from framework.cli.base import say
from framework.contracts import Catalog
from framework.contracts.net import Stage
from framework.errors import SqueezelabError, UnknownName
from framework.planning.resolve import resolve
from framework.runner import measurement, trial
from framework.runner.baseline import Lab, fingerprint
from framework.study import Spec, Use

QUICK = Train(epochs=1, batch_size=12, warmup_epochs=0)
SAMPLES = 120
READ_TOLERANCE = 1e-5  # of a probability, between the net that was saved and the one that was read
MOST_LETTERS = 200  # of the message of another library
KERAS = {"2": {"TF_USE_LEGACY_KERAS": "1"}, "3": {"KERAS_BACKEND": "tensorflow"}}


def data(folder: Path, name: str) -> Use:
    """Samples made by a rule for nets that read this input."""
    path = folder / f"{name}.npz"
    if not path.exists():
        labels = np.arange(SAMPLES) % nets.CLASSES
        np.savez(path, labels=labels, **{name: nets.samples(name, SAMPLES, seed=1)})
    return use("arrays", path=str(path))


def tried(path: Path, row: str, lab: Lab) -> tuple[str, str]:
    """(`yes` or why a saved net is not read, what the net is without the names of its layers)."""
    try:
        spec = _spec(path, row, "identity", lab)
    except SqueezelabError as error:
        return _why(error), ""
    try:
        stage = lab.initial(spec)
    except Exception as error:  # noqa: BLE001 - whatever it dies of is what is looked for
        return _death(error), ""
    farthest = _distance(stage, path, row)
    if not farthest <= READ_TOLERANCE:
        return f"{table.DIES}its answers are {farthest:.1e} off", ""
    return "yes", _without_names(stage.graph)


def _distance(stage: Stage, path: Path, row: str) -> float:
    """By how much the net that was read answers otherwise than the one that was saved."""
    with np.load(path.parent / nets.ANSWERS) as answers:
        wanted = answers[nets.file_name(row)]
    model = nn.graph.build(stage.graph)
    nn.graph.write_weights(model, stage.weights)
    said = model(nets.samples(nets.input_of(row), nets.FEW), training=False)
    return float(np.abs(np.asarray(said) - wanted).max())


def _without_names(graph: str) -> str:
    """A graph with its layers numbered: keras numbers the names of its classes as they come."""
    for number, name in enumerate(nn.graph.layers_by_name(graph)):
        graph = graph.replace(f'"{name}"', f'"layer {number}"')
    return graph


def cells(path: Path, row: str, lab: Lab) -> dict[str, str]:
    """Strategy -> `yes`, or why not."""
    made = {}
    for strategy in table.COLUMNS:
        try:
            made[strategy] = _cell(_spec(path, row, strategy, lab), lab)
        except SqueezelabError as error:
            made[strategy] = _why(error)
        except Exception as error:  # noqa: BLE001 - whatever it dies of is what is looked for
            made[strategy] = _death(error)
    return made


def _death(error: Exception) -> str:
    if isinstance(error, SqueezelabError):
        return f"{table.DIES}{_why(error)}"
    return f"{table.DIES}{type(error).__name__}: {str(error)[:MOST_LETTERS]}".replace("\n", " ")


def _spec(path: Path, row: str, strategy: str, lab: Lab) -> Spec:
    epochs = fewest_epochs(lab.catalog.strategies.get(strategy))
    study = Study(
        dataset=data(lab.root, nets.input_of(row)),
        architecture=use("from_file", path=str(path), pixels="unit"),
        train=QUICK,
        compress=(Use(strategy, epochs),),
    )
    return resolve(study, lab.catalog, lab.root).fix(lambda *_: None)


def _cell(spec: Spec, lab: Lab) -> str:
    dense = lab.baseline(spec)
    job = trial.TrialJob(spec, lab, dense, deadline=float("inf"), report=lambda *_: None)
    stage = trial.compress(spec, lab, job)
    measured = measurement.measure(stage, spec, lab)
    return missing(stage, measured.exported.weights)


def _why(error: SqueezelabError) -> str:
    """The first line, and what was given."""
    return " ".join(filter(None, (reason(error), error.given))).replace("\n", " ")


# --- all nets -------------------------------------------------------------------------------------


def saved(folder: Path, row: str) -> Iterator[tuple[str, Path]]:
    """(keras and format, file) of every saved net of a row."""
    for keras in KERAS:
        for kind in nets.FORMATS:
            path = folder / keras / f"{nets.file_name(row)}.{kind}"
            if path.exists():
                yield f"{keras} .{kind}", path


def save(folder: Path) -> None:
    """The nets of each keras, which needs a process of its own."""
    for keras, variables in KERAS.items():
        named = {key: text for key, text in os.environ.items() if key != "TF_USE_LEGACY_KERAS"}
        program = [sys.executable, "-m", "docs.saved_nets.nets", str(folder / keras)]
        program += [str(folder / "2")] if keras == "3" else []
        subprocess.run(program, env=named | variables, check=True)


def result(row: str, folder: Path, lab: Lab) -> dict[str, Any]:
    """What was found of one row, as `table` reads it."""
    read, compressed = {}, dict[str, dict[str, str]]()
    for where, path in saved(folder, row):
        read[where], digest = tried(path, row, lab)
        # the formats are for reading: the same net from another file is compressed alike
        if digest and digest not in compressed:
            compressed[digest] = cells(path, row, lab)
    together: dict[str, str] = {}
    for made in compressed.values():
        for strategy, cell in made.items():
            if together.get(strategy, "yes") == "yes":
                together[strategy] = cell
    return {
        "made_by": table.digest(lab.catalog),
        "plain": _plain(folder, row),
        "read": read,
        "cells": together,
    }


def _plain(folder: Path, row: str) -> str:
    """What the plain converter makes of it, by the first keras that has the layer."""
    for keras in KERAS:
        exported = json.loads((folder / keras / "plain.json").read_text("utf-8"))
        if row in exported:
            return str(exported[row])
    return "no keras has it"


def write(root: Path, made: Mapping[str, Any]) -> None:
    """The result with some rows made anew, and the page."""
    rows = table.read(root)["rows"] | dict(made)
    kept = {row: rows[row] for row in table.all_rows() if row in rows}
    text = json.dumps({"environment": fingerprint(), "rows": kept}, indent=1) + "\n"
    (root / table.RESULT).parent.mkdir(parents=True, exist_ok=True)
    (root / table.RESULT).write_text(text, "utf-8")
    (root / table.PAGE).write_text(table.page_text(root), "utf-8")


def _row(name: str) -> str:
    """The row of a name, which may also be that of its file: that has no blanks."""
    for row in table.all_rows():
        if name in (row, nets.file_name(row)):
            return row
    raise UnknownName("row", name, table.all_rows())


def run(root: Path, names: list[str], catalog: Catalog) -> int:
    """As the command line."""
    rows = [_row(name) for name in names] or table.outdated(root, catalog)
    with TemporaryDirectory() as temporary:
        # made once where the folder is named: saving takes about as long as trying
        folder = Path(os.environ.get("SAVED_NETS", f"{temporary}/nets"))
        if not folder.exists():
            save(folder)
        lab = Lab(Path(temporary), catalog)
        for row in rows:
            made = result(row, folder, lab)
            say(f"{row}: {made['read']} {made['cells']}")
            write(root, {row: made})
    return 0


if __name__ == "__main__":
    sys.exit(command(__doc__ or "", "ROW", run))
