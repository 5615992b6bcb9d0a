"""Whether a saved net that `check` accepts goes through a whole study: none is to die later.

    python -m benchmarks.saved_nets PROJECT NETS...

NETS are `.h5` and `.keras` files, or folders of them; those of docs/saved-nets.md are written by
`python -m docs.saved_nets.nets FOLDER`. Each gets made-up samples of the shape that it reads and a
study of two trials: half and four fifths of its weights pruned, as 8-bit files. What `check` tries
is tried in this process, which spares a start of TensorFlow for each net; what passes is run. A net
that 8 bits refuse gets a study of float16 files as well. What is found is kept in
PROJECT/outcomes.jsonl, and the next call goes on from there: a net at which the process ended is
one that died.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shared import parser_of
from framework import nn
from framework.contracts import Catalog
from framework.errors import SqueezelabError, UserError
from framework.nn.layers import LAYERS
from framework.nn.saved import Layer, SavedNet
from framework.planning.plan import Plan
from framework.runner.coordinator import run
from framework.runner.events import Ended, Running
from framework.runner.smoke.attempt import attempt
from framework.runner.smoke.cover import covering_specs
from framework.tracking.lookup import plan_of

FORMATS = ("int8", "float16")
SAMPLES, PER_CLASS, SEED = 96, 4, 0
OPEN_SIDE = {3: 32, 2: 24, 1: 8}  # dimensions of a sample -> a side that the net leaves open
MOST_LETTERS = 300
STUDY = '''"""A saved net on made-up samples."""

from framework import Choice, Study, Train, use

STUDY = Study(
    dataset=use("arrays", path="data/{name}.npz", task="{task}"),
    architecture=use("from_file", path="{path}", inputs="{inputs}"),
    train=Train(batch_size=16),
    compress=[
        use("magnitude_prune", sparsity=Choice(0.5, 0.8), epochs=1),
        use("ptq", format="{format}"),
    ],
    objectives={{"quality": "max", "params_nonzero": "min"}},
    sampler="grid",
    trials=2,
)
'''
PASSES, REFUSED, DIES, TRYING = "passes", "refused", "dies later", "trying"


@dataclass
class Failures:
    """An observer that notes what failed."""

    failed: list[str] = field(default_factory=list)

    def begin(self, plan: Plan, *, done: int, wanted: int, what: str = "trials") -> None:
        """Nothing: one line is printed for each net."""

    def epoch(self, running: Running, epoch: int, values: Mapping[str, float]) -> None:
        """Nothing."""

    def phase(self, running: Running, name: str) -> None:
        """Nothing."""

    def ending(self) -> None:
        """Nothing."""

    def ended(self, event: Ended) -> None:
        """Note a run that failed."""
        if event.record.reason:
            self.failed.append(f"{event.what}: {event.record.reason}: {event.record.error}")

    def say(self, text: str) -> None:
        """Nothing."""


# --- made-up data ---------------------------------------------------------------------------------


def write_data(net: SavedNet, path: Path) -> tuple[str, str]:
    """Samples for a net, and what its study is told: (task, the inputs in their order)."""
    task, classes = question(net)
    random = np.random.default_rng(SEED)
    count = max(SAMPLES, PER_CLASS * classes)
    arrays: dict[str, Any] = {}
    for number, title in enumerate(net.inputs):
        name, values = _samples(net, title, count, random)
        arrays[name if len(net.inputs) == 1 or name == "text" else f"{name}_{number}"] = values
    if task != "reconstruction":
        is_regression = task == "regression"
        labels = random.normal(size=count) if is_regression else np.arange(count) % max(classes, 2)
        np.savez(path, labels=labels, **arrays)
    else:
        np.savez(path, **arrays)
    return task, ",".join(arrays)


def question(net: SavedNet) -> tuple[str, int]:
    """(task, classes) that a net answers, by its last layers."""
    layer = net.layer(net.output)
    activation = "softmax" if layer.kind == "Softmax" else layer.options.get("activation")
    units = _units(net, layer)
    if [units] == [prod(side or 0 for side in net.layer(title).shape) for title in net.inputs]:
        return "reconstruction", 0
    if units == 1:
        return ("binary", 2) if activation == "sigmoid" else ("regression", 0)
    if units is None or activation == "sigmoid":
        return "reconstruction", 0
    return "classes", units


def _units(net: SavedNet, layer: Layer) -> int | None:
    while LAYERS[layer.kind].keeps_units:
        layer = net.layer(layer.sources[0])
    units = layer.options.get(LAYERS[layer.kind].units)
    # a picture is no answer to a question of classes
    return units if isinstance(units, int) and layer.kind == "Dense" else None


def _samples(net: SavedNet, title: str, count: int, random: np.random.Generator) -> tuple[str, Any]:
    """What an input of this shape is called here, and its values."""
    open_shape = net.layer(title).shape
    shape = tuple(side or OPEN_SIDE.get(len(open_shape), 8) for side in open_shape)
    for reader in net.readers(title):
        if reader.kind == "Embedding":
            most = int(reader.options["input_dim"])
            return "text", random.integers(0, most, (count, *shape)).astype(np.int32)
    if len(shape) == 3 and shape[2] in (1, 3):
        return "image", random.integers(0, 256, (count, *shape)).astype(np.uint8)
    name = ("numbers", "steps", "frames", "volume")[min(len(shape), 4) - 1]
    return name, random.uniform(-1.0, 1.0, (count, *shape)).astype(np.float32)


# --- one net --------------------------------------------------------------------------------------


def outcome(path: Path, name: str, project: Path) -> dict[str, str]:
    """What becomes of a net: `passes`, `refused` or `dies later`, and why."""
    try:
        task, inputs = write_data(nn.saved.load(path), project / "data" / f"{name}.npz")
    except UserError as error:
        return {"outcome": REFUSED, "why": _short(error)}
    told: dict[str, str] = {}
    for number_format in FORMATS:
        text = STUDY.format(name=name, task=task, path=path, inputs=inputs, format=number_format)
        (project / "studies" / f"{name}.py").write_text(text, "utf-8")
        refused = checked(name, project)
        if not refused:
            died = studied(name, project)
            return {"outcome": DIES if died else PASSES, "why": died, "format": number_format}
        told = told or {"outcome": REFUSED, "why": refused}
    return told


def checked(name: str, project: Path) -> str:
    """Why `check` refuses a study; empty if it does not."""
    catalog, messages = Catalog(), list[Mapping[str, Any]]()
    try:
        study = plan_of(project, name, settings=(), catalog=catalog).study
    except UserError as error:
        return _short(error)
    pending = {spec.digest for spec in covering_specs(study, catalog)}
    attempt(messages.append, str(project), name, (), pending)
    for message in messages:
        if "failed" in message:
            return " ".join(message["failed"].values()).replace("\n", " ")[:MOST_LETTERS]
    return ""


def studied(name: str, project: Path) -> str:
    """What failed in a study; empty if nothing did."""
    catalog, failures = Catalog(), Failures()
    plan = plan_of(project, name, settings=(), catalog=catalog)
    try:
        run(plan, project, catalog=catalog, observer=failures)
    except SqueezelabError as error:
        return _short(error)
    except Exception as error:  # noqa: BLE001 - whatever it dies of is what is looked for
        return f"{type(error).__name__}: {error}".replace("\n", " ")[:MOST_LETTERS]
    return " ".join(failures.failed).replace("\n", " ")[:MOST_LETTERS]


def _short(error: SqueezelabError) -> str:
    return f"{error.what} {error.given}".replace("\n", " ")[:MOST_LETTERS]


# --- all of them ----------------------------------------------------------------------------------


def saved_files(paths: Iterable[Path]) -> list[Path]:
    """The files that are named or lie in the folders that are."""
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        files += [file.resolve() for file in inside if file.suffix in (".h5", ".keras")]
    return files


def told_of(log: Path) -> dict[str, dict[str, str]]:
    """File -> what is known of it."""
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    told = {}
    for line in lines:
        entry = json.loads(line)
        told[entry["file"]] = entry
    return told


def try_all(files: Sequence[Path], project: Path) -> dict[str, dict[str, str]]:
    """Go on with what nothing is known of; what is known of all of them."""
    log = project / "outcomes.jsonl"
    for folder in ("data", "studies"):
        (project / folder).mkdir(parents=True, exist_ok=True)
    told = told_of(log)
    with log.open("a", encoding="utf-8", buffering=1) as lines:
        for path in files:
            if str(path) in told:
                continue
            entry = {"file": str(path)}
            lines.write(json.dumps(entry | {"outcome": TRYING}) + "\n")
            entry |= outcome(path, f"net_{len(told):03}", project)
            print(f"{path}: {entry['outcome']} {entry['why']}", flush=True)
            lines.write(json.dumps(entry) + "\n")
            told[str(path)] = entry
    for entry in told.values():
        if entry["outcome"] == TRYING:  # the process ended at it
            entry |= {"outcome": DIES, "why": "the process ended"}
    return told


def main() -> int:
    """Try the nets that are named, and say how many pass, are refused and die."""
    parser = parser_of(__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("nets", type=Path, nargs="+")
    arguments = parser.parse_args()
    told = try_all(saved_files(arguments.nets), arguments.project.resolve())
    counts = Counter(entry["outcome"] for entry in told.values())
    print(
        f"{len(told)} nets: {counts[PASSES]} pass check, {counts[REFUSED]} refused, "
        f"{counts[DIES]} die later"
    )
    for kind in (REFUSED, DIES):
        for file, entry in told.items():
            if entry["outcome"] == kind:
                print(f"{kind}: {Path(file).name}: {entry['why']}")
    return int(counts[DIES] > 0)


if __name__ == "__main__":
    sys.exit(main())
