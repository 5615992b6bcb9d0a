"""What runs where.

Every strategy on every net, exported in every number format, written to docs/results/strategies.

    make capabilities                  # the cells that are out of date, then docs/strategies.md
    make capabilities NAME="lstm"      # one or several, whether out of date or not

Few samples, one short epoch. Each net runs in a process of its own: a converter that ends it costs
that net alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recipes import RESULTS, command

from framework import Study, Train, nn, use
from framework.cli.base import say
from framework.contracts import Catalog, FileWeight, Splits, Stage
from framework.errors import SqueezelabError, UnknownName
from framework.planning.project import find_root
from framework.planning.resolve import resolve
from framework.results.requested import distinct_per_channel
from framework.runner import trial
from framework.runner.baseline import Lab, fingerprint
from framework.study import Spec, Use

FILE = RESULTS / "strategies" / "capabilities.json"
FORMATS = {"float32": "f", "float16": "h", "dynamic": "d", "int8": "i"}
FEW = {"train": 120, "calibration": 40, "validation": 40}
QUICK = Train(epochs=1, batch_size=12, warmup_epochs=0)


class FewSamples(Lab):
    """A lab that trains and measures on the first samples of each split."""

    def splits(self, spec: Spec) -> Splits:
        """The first samples, in the split's own order."""
        whole = super().splits(spec)
        return replace(
            whole, **{name: getattr(whole, name).first(count) for name, count in FEW.items()}
        )


def versions(net: str, catalog: Catalog) -> dict[str, list[int]]:
    """Strategy -> the versions of net and strategy that its cell is about."""
    of_net = catalog.architectures.get(net).plugin_version
    return {
        name: [of_net, catalog.strategies.get(name).plugin_version]
        for name in catalog.strategies.names()
    }


def outdated(found: Mapping[str, Any], net: str, catalog: Catalog) -> list[str]:
    """The strategies whose cell of this net was not made with plug-ins as they are now."""
    made_by = found.get("versions", {}).get(net, {})
    return [name for name, pair in versions(net, catalog).items() if made_by.get(name) != pair]


def read(root: Path) -> dict[str, Any]:
    """The table as it was written; empty if there is none."""
    file = root / FILE
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def cells(
    name: str, strategies: list[str], root: Path, catalog: Catalog
) -> dict[str, dict[str, str]]:
    """Strategy -> number format -> `yes`, why not, or nothing where the strategy fixes another."""
    lab, found = FewSamples(root, catalog), {}
    for strategy in strategies:
        found[strategy] = _cell(name, strategy, root, lab)
        say(f"{name} {strategy}: {found[strategy]}")
    return found


def _cell(name: str, strategy: str, root: Path, lab: Lab) -> dict[str, str]:
    declared = lab.catalog.strategies.get(strategy).knobs()
    knobs = {
        knob: max(1, int(item.low or 0)) for knob, item in declared.items() if item.unit == "epochs"
    }
    dense = lab.catalog.architectures.get(name)
    study = Study(
        dataset=use(dense.made_for),
        architecture=_net(name, root),
        train=QUICK,
        compress=[use(strategy, **knobs)],
    )
    spec = resolve(study, lab.catalog, root).fix(lambda *_: None)
    try:
        job = trial.TrialJob(
            spec, lab, lab.baseline(spec), deadline=float("inf"), report=lambda *_: None
        )
        stage = trial.compress(spec, lab, job)
    except SqueezelabError as error:
        return {"float32": _reason(error)}
    gives = lab.catalog.strategies.get(strategy).gives
    own = stage.export.format
    return {
        item: _exported(stage, item, spec, lab)
        for item in FORMATS
        if "bits" not in gives or item == own or strategy == "ptq"
    }


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


def _exported(stage: Stage, number_format: str, spec: Spec, lab: Lab) -> str:
    export = (
        replace(stage.export, format=number_format)
        if number_format != stage.export.format
        else stage.export
    )
    try:
        measured = trial.measure(replace(stage, export=export), spec, lab)
        return _missing(stage, measured.exported.weights)
    except SqueezelabError as error:
        return _reason(error)


def _missing(stage: Stage, weights: tuple[FileWeight, ...]) -> str:
    """`yes`, or which weight has not what the last step asked of it."""
    step = stage.steps[-1]
    for key, asked in step.asked.items():
        own = [weight for weight in weights if weight.key == key]
        zeros = sum(int((weight.values == 0).sum()) for weight in own)
        few = max(map(distinct_per_channel, own), default=0)
        enough = {"zeros": zeros >= asked - 1, "clusters": few <= asked, "bits": few <= 2**asked}[
            step.unit
        ]
        if not own or not enough:
            return f"{key} has not the {step.unit} that were asked for."
    return "yes"


def _reason(error: SqueezelabError) -> str:
    return str(error).split("\n")[0]


def main() -> int:
    """Run what is asked for, then write the page.

    `--one NET STRATEGY ...` prints cells of one net, as each process.
    """
    if sys.argv[1:2] == ["--one"]:
        sys.stdout.write(
            json.dumps(cells(sys.argv[2], sys.argv[3:], find_root(Path.cwd()), Catalog())) + "\n"
        )
        return 0
    return command(__doc__ or "", "NET", run)


def run(root: Path, names: list[str], catalog: Catalog) -> int:
    """As the command line."""
    import pages

    known = catalog.architectures.names()
    for name in names:
        if name not in known:
            raise UnknownName("architecture", name, known)
    for name in names or known:
        found = read(root)
        asked = list(catalog.strategies.names()) if names else outdated(found, name, catalog)
        if asked:
            _write(root, catalog, found, name, _in_a_process(name, asked, root))
    pages.write(root, catalog)
    return 0


def _write(
    root: Path, catalog: Catalog, found: dict[str, Any], net: str, made: dict[str, dict[str, str]]
) -> None:
    """The table with some cells of one net made anew; what no plug-in is called any more goes."""
    nets, made_by = dict(found.get("nets", {})), dict(found.get("versions", {}))
    known = versions(net, catalog)
    nets[net] = {
        name: cell
        for name in known
        if (cell := made.get(name, nets.get(net, {}).get(name))) is not None
    }
    made_by[net] = {
        name: known[name] if name in made else made_by.get(net, {}).get(name) for name in nets[net]
    }
    ordered = [name for name in catalog.architectures.names() if name in nets]
    table = {
        "versions": {name: made_by[name] for name in ordered},
        "nets": {name: nets[name] for name in ordered},
        "environment": fingerprint(),
    }
    (root / FILE).parent.mkdir(parents=True, exist_ok=True)
    (root / FILE).write_text(json.dumps(table, indent=1) + "\n", "utf-8")


def _in_a_process(name: str, strategies: list[str], root: Path) -> dict[str, dict[str, str]]:
    command_line = [sys.executable, __file__, "--one", name, *strategies]
    done = subprocess.run(command_line, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        say(f"{name}: its process ended with {done.returncode}.")
        return {}
    found: dict[str, dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
