"""Tries what runs where: every strategy on every net, exported in every number format.

    make capabilities                  # the cells that are out of date, then docs/strategies.md
    make capabilities NAME="lstm"      # one or several nets, whether out of date or not

Few samples, one short epoch. Each net runs in a process of its own: a converter that ends it costs
that net alone. What came of it is written to docs/results/strategies.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from docs import pages
from docs.capability_table import FILE, FORMATS, Format, outdated, read, versions
from docs.commands import command
from framework import Study, Train, nn, use
from framework.cli.base import say
from framework.contracts import Catalog, FileWeight, Splits, Stage, Strategy
from framework.errors import SqueezelabError
from framework.planning.resolve import resolve
from framework.results.requested import distinct_per_channel
from framework.runner import measurement, trial
from framework.runner.baseline import Lab, fingerprint
from framework.study import Spec, Use
from framework.system.paths import find_root

FEW = {"train": 120, "calibration": 40, "validation": 40}
QUICK = Train(epochs=1, batch_size=12, warmup_epochs=0)
Cells = dict[str, dict[str, str]]


class FewSamples(Lab):
    """A lab that trains and measures on the first samples of each split."""

    def splits(self, spec: Spec) -> Splits:
        """The first samples, in the split's own order."""
        whole = super().splits(spec)
        first = {name: getattr(whole, name).first(count) for name, count in FEW.items()}
        return replace(whole, **first)


# --- one net --------------------------------------------------------------------------------------


def cells(name: str, strategies: list[str], root: Path, catalog: Catalog) -> Cells:
    """Strategy -> number format -> `yes`, why not, or nothing where the strategy fixes another."""
    lab, tried = FewSamples(root, catalog), {}
    for strategy in strategies:
        tried[strategy] = _cell(name, strategy, root, lab)
        say(f"{name} {strategy}: {tried[strategy]}")
    return tried


def _cell(name: str, strategy: str, root: Path, lab: Lab) -> dict[str, str]:
    study = Study(
        dataset=use(lab.catalog.architectures.get(name).made_for),
        architecture=_net(name, root),
        train=QUICK,
        compress=(Use(strategy, fewest_epochs(lab.catalog.strategies.get(strategy))),),
    )
    spec = resolve(study, lab.catalog, root).fix(lambda *_: None)
    try:
        # without a limit of time: the few samples make it short
        dense = lab.baseline(spec)
        job = trial.TrialJob(spec, lab, dense, deadline=float("inf"), report=lambda *_: None)
        stage = trial.compress(spec, lab, job)
    except SqueezelabError as error:
        # it fails before any file is made: one reason for all formats
        return {"float32": reason(error)}
    exported: dict[str, str] = {}
    for number_format in _formats(lab.catalog.strategies.get(strategy), stage):
        exported[number_format] = _exported(stage, number_format, spec, lab)
    return exported


def fewest_epochs(strategy: type[Strategy]) -> dict[str, int]:
    """The least that each knob of epochs allows, at least 1."""
    knobs = {}
    for name, knob in strategy.knobs().items():
        if knob.unit == "epochs":
            knobs[name] = max(1, int(knob.low or 0))
    return knobs


def _formats(strategy: type[Strategy], stage: Stage) -> list[Format]:
    """The formats to try; a strategy that fixes the format has one, `ptq` has a knob for it."""
    if "bits" not in strategy.gives or strategy.name == "ptq":
        return list(FORMATS)
    return [name for name in FORMATS if name == stage.export.format]


def _net(name: str, root: Path) -> Use:
    """The net with its default knobs; the one of a file is LeNet-5, untrained."""
    if name != "from_file":
        return use(name)
    path = root / ".cache" / "saved" / "capabilities.keras"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog = Catalog()
        info = catalog.datasets.build("digits", {}).info
        lenet = catalog.architectures.build("lenet5", {})
        nn.backend.keras.utils.set_random_seed(0)
        lenet.build(replace(info, inputs=lenet.input_shapes(info))).save(path)
    return use(name, path=str(path))


def _exported(stage: Stage, number_format: Format, spec: Spec, lab: Lab) -> str:
    export = stage.export
    if number_format != export.format:
        export = replace(export, format=number_format)
    try:
        measured = measurement.measure(replace(stage, export=export), spec, lab)
        return missing(stage, measured.exported.weights)
    except SqueezelabError as error:
        return reason(error)


def missing(stage: Stage, weights: tuple[FileWeight, ...]) -> str:
    """`yes`, or which weight has not what the last step asked of it."""
    step = stage.steps[-1]
    for key, asked in step.asked.items():
        # a weight may lie in several tensors, as the gates of an LSTM do
        tensors = [weight for weight in weights if weight.key == key]
        if not tensors or not _has(tensors, step.unit, asked):
            return f"{key} has not the {step.unit} that were asked for."
    return "yes"


def _has(tensors: list[FileWeight], unit: str, asked: float) -> bool:
    """Whether a weight's tensors have what was asked of it."""
    if unit == "zeros":
        zeros = sum(int((weight.values == 0).sum()) for weight in tensors)
        return zeros >= asked - 1
    distinct = max(map(distinct_per_channel, tensors))
    return distinct <= (asked if unit == "clusters" else 2**asked)


def reason(error: SqueezelabError) -> str:
    """The first line of an error."""
    return str(error).split("\n")[0]


# --- all nets -------------------------------------------------------------------------------------


def main() -> int:
    """Run what is asked for, then write the page.

    `--one NET STRATEGY ...` prints cells of one net, as each process.
    """
    if sys.argv[1:2] == ["--one"]:
        tried = cells(sys.argv[2], sys.argv[3:], find_root(Path.cwd()), Catalog())
        sys.stdout.write(json.dumps(tried) + "\n")
        return 0
    return command(__doc__ or "", "NET", run)


def run(root: Path, names: list[str], catalog: Catalog) -> int:
    """As the command line."""
    for name in names:
        catalog.architectures.get(name)  # an unknown name is refused before anything runs
    for name in names or catalog.architectures.names():
        written = read(root)
        strategies = catalog.strategies.names() if names else outdated(written, name, catalog)
        if strategies:
            _write(root, catalog, written, name, _in_a_process(name, list(strategies), root))
    pages.write(root, catalog)
    return 0


def _write(root: Path, catalog: Catalog, written: dict[str, Any], net: str, made: Cells) -> None:
    """The table with some cells of one net made anew; what no plug-in is called any more goes."""
    nets, made_by = dict(written.get("nets", {})), dict(written.get("versions", {}))
    nets[net], made_by[net] = _updated(
        nets.get(net, {}), made_by.get(net, {}), made, versions(net, catalog)
    )
    names = catalog.architectures.names()
    table = {
        "versions": _in_order(names, made_by),
        "nets": _in_order(names, nets),
        "environment": fingerprint(),
    }
    (root / FILE).parent.mkdir(parents=True, exist_ok=True)
    (root / FILE).write_text(json.dumps(table, indent=1) + "\n", "utf-8")


def _in_order(names: Iterable[str], by_net: Mapping[str, Any]) -> dict[str, Any]:
    return {name: by_net[name] for name in names if name in by_net}


def _updated(
    before: Cells, made_before: Mapping[str, Any], made: Cells, present: Mapping[str, Any]
) -> tuple[Cells, dict[str, Any]]:
    """(cells, versions that made them) of one net, by strategy in the registry's order.

    Args:
        before: cells as they were written.
        made_before: the versions that these were made with.
        made: cells made just now.
        present: the versions of all strategies as they are now.
    """
    net_cells, made_by = Cells(), {}
    for name, pair in present.items():
        if name in made:
            net_cells[name], made_by[name] = made[name], pair
        elif name in before:
            net_cells[name], made_by[name] = before[name], made_before.get(name)
    return net_cells, made_by


def _in_a_process(name: str, strategies: list[str], root: Path) -> Cells:
    # as a module: of a script, the folder `docs` itself would be where imports look first
    command_line = [sys.executable, "-m", "docs.capabilities", "--one", name, *strategies]
    done = subprocess.run(command_line, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        say(f"{name}: its process ended with {done.returncode}.")
        return {}
    # last line: libraries may have printed before it
    tried: Cells = json.loads(done.stdout.splitlines()[-1])
    return tried


if __name__ == "__main__":
    sys.exit(main())
