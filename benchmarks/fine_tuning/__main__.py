"""Does fine-tuning alone harm a net? Each dense net beside its control, which is only trained on.

    .venv/bin/python -m benchmarks.fine_tuning .cache/fine_tuning

For every shipped study, each of its architectures, and for six nets from files (`file_nets`, made
anew for each seed) the baseline and the control of each seed: exported files, validation split. A
control is within the limit if it is, in the mean, not further below its baseline than 0.5 points or
twice the standard error of the paired difference, whichever is more. With --models, a folder with
`pretrainedResnet.h5` of MLPerf Tiny, and TFDS_DATA_DIR also that net on CIFAR-10. What was measured
is kept in FOLDER: a run that was ended goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import mean, stdev

from benchmarks.fine_tuning import file_nets
from benchmarks.shared import measured, parser_of
from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.planning.resolve import budget, control_spec, first_value, resolve
from framework.results.record import BASELINE_PREFIX, quality_of
from framework.runner.baseline import Lab, fingerprint
from framework.runner.settle import Settler
from framework.study import Choice, Spec, Study, Use, digest_of, use
from framework.study.space import Domain
from framework.study.spec import label_of
from framework.system.paths import find_root

SEEDS = (0, 1, 2, 3, 4)
LEAST = 0.5  # points: one sample of 200
EPOCHS_OF_FILES = (1, 8)  # of fine-tuning: the least that a trial may have, and what is usual
RESNET = "pretrainedResnet.h5"
ControlOf = Callable[..., Spec]
"""The control of a seed: `control(seed=0)`."""


@dataclass(frozen=True)
class Row:
    """One net with its control, over seeds.

    Args:
        name: study or file, and net.
        epochs: of fine-tuning.
        baselines, controls: quality of each seed in points: per cent, or hundredths of R2.
    """

    name: str
    epochs: int
    baselines: Sequence[float]
    controls: Sequence[float]

    @property
    def differences(self) -> list[float]:
        """Control less baseline, seed by seed."""
        pairs = zip(self.controls, self.baselines, strict=True)
        return [control - baseline for control, baseline in pairs]

    @property
    def error(self) -> float:
        """Standard error of the mean difference, 0 for one seed."""
        count = len(self.differences)
        return stdev(self.differences) / math.sqrt(count) if count > 1 else 0.0

    @property
    def limit(self) -> float:
        """How far below its baseline the control may be."""
        return max(LEAST, 2 * self.error)

    @property
    def within(self) -> bool:
        """Whether fine-tuning did no harm; at the limit it did none."""
        return mean(self.differences) >= -self.limit - 1e-9

    def text(self) -> str:
        """A row of the table."""
        verdict = "within" if self.within else "**not**"
        if len(self.controls) == 1:  # of which nobody knows how far seeds differ
            verdict = "one seed"
        difference = f"{mean(self.differences):+.2f} | {self.error:.2f} | {self.limit:.2f}"
        return (
            f"| {self.name} | {self.epochs} | {len(self.controls)} | {mean(self.baselines):.2f} "
            f"| {mean(self.controls):.2f} | {difference} | {verdict} |"
        )


HEAD = (
    "| net | epochs | seeds | baseline | control | difference | its s.e. | limit | |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|---|"
)


class Measurements:
    """Pairs of qualities, each in a file that is named by the digest of what it depends on.

    That is the spec, with the versions of its plug-ins, which go up when numbers change, and the
    environment.

    Args:
        folder: of the files.
        lab: data and dense nets.
    """

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.folder, self.lab, self.environment = folder, lab, fingerprint()
        folder.mkdir(parents=True, exist_ok=True)

    def pair(self, control: Spec) -> tuple[float, float]:
        """(baseline, control) in points; measured now where it is not known."""
        file = self.folder / f"{digest_of([control.digest, self.environment])}.json"
        if not file.exists():
            quality = quality_of(self.lab.info(control).task)
            metrics = measured(control, self.lab).metrics
            both = 100 * metrics[f"{BASELINE_PREFIX}{quality}"], 100 * metrics[quality]
            # under another name first: a kill leaves no half of a pair
            aside = file.with_suffix(".new")
            aside.write_text(json.dumps(both), "utf-8")
            aside.replace(file)
        baseline, tuned = json.loads(file.read_text("utf-8"))
        return baseline, tuned


def control_of_study(study: Study, net: str | None, catalog: Catalog, *, seed: int) -> Spec:
    """The control of a study, with the largest budget of fine-tuning that a trial may spend.

    Args:
        net: which of the architectures that it searches over.
    """
    seeded = replace(study, seed=seed)

    def chosen(name: str, domain: Domain) -> object:
        return net if name == "architecture" else first_value(name, domain)

    return control_spec(seeded, catalog, like=seeded.fix(chosen) if net else None)


def control_of_file(net: Use, lab: Lab, *, dataset: Use, epochs: int, seed: int) -> Spec:
    """The control of a study of a net from a file, settled as a run of it is.

    Args:
        epochs: of fine-tuning.
    """
    study = Study(
        dataset=dataset,
        architecture=net,
        compress=(use("magnitude_prune", sparsity=0.5, epochs=epochs),),
        seed=seed,
    )
    return Settler(lab).settle(control_spec(resolve(study, lab.catalog, lab.root), lab.catalog))


def shipped(lab: Lab, settings: Sequence[str] = ()) -> Iterator[tuple[str, ControlOf]]:
    """The studies of the project with these overrides, once for each of their architectures."""
    for file in sorted((lab.root / "studies").glob("*.py")):
        study = plan(lab.root, file.stem, settings=settings, catalog=lab.catalog).study
        nets: list[str | None] = [None]
        if isinstance(study.architecture, Choice):
            nets = list(map(label_of, study.architecture.options))
        for net in nets:
            name = f"`{file.stem}`, {net}" if net else f"`{file.stem}`"
            yield name, partial(control_of_study, study, net, lab.catalog)


def from_files(lab: Lab, folder: Path) -> Iterator[tuple[str, ControlOf]]:
    """The nets from files, each with little fine-tuning and with more; a file for each seed."""

    def control(name: str, epochs: int, *, seed: int) -> Spec:
        path = file_nets.written(name, lab.root, folder, seed=seed)
        kind = file_nets.NETS[name]
        knobs = {"inputs": kind.inputs} if kind.inputs else {}
        # from the project, so that the digest of a pair is the same in every checkout
        net = use("from_file", path=os.path.relpath(path, lab.root), **knobs)
        dataset = file_nets.dataset_of(kind, lab.root, folder)
        return control_of_file(net, lab, dataset=dataset, epochs=epochs, seed=seed)

    for name, net in file_nets.NETS.items():
        for epochs in EPOCHS_OF_FILES:
            yield f"`{name}.{net.ending}`", partial(control, name, epochs)


def mlperf_tiny(lab: Lab, folder: Path, models: Path) -> Iterator[tuple[str, ControlOf]]:
    """MLPerf Tiny's ResNet-8, a single file: seeds differ in the order of samples alone."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(models / RESNET, folder / RESNET)
    net = use("from_file", path=os.path.relpath(folder / RESNET, lab.root))
    for epochs in EPOCHS_OF_FILES[:1]:  # a pass over CIFAR-10 has 30 times as many steps
        control = partial(control_of_file, net, lab, dataset=use("cifar10"), epochs=epochs)
        yield f"`{RESNET}`, CIFAR-10", control


def row_of(name: str, control: ControlOf, measurements: Measurements, seeds: Sequence[int]) -> Row:
    """A row; what of it is not known yet is measured now."""
    baselines, controls = [], []
    for seed in seeds:
        spec = control(seed=seed)
        baseline, tuned = measurements.pair(spec)
        baselines.append(baseline)
        controls.append(tuned)
    epochs = budget(spec, measurements.lab.catalog)
    return Row(name, epochs, baselines, controls)


def parser() -> argparse.ArgumentParser:
    """How it is called."""
    called = parser_of(__doc__)
    called.add_argument("folder", type=Path)
    called.add_argument("--models", type=Path, help="folder with the nets of MLPerf Tiny")
    called.add_argument("--only", default="", help="nets whose name has this")
    called.add_argument("--set", action="append", default=[], help="override of shipped studies")
    called.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    return called


def main() -> int:
    """Measure what is not known, print a row as soon as it is whole; 1 where one is not within."""
    given = parser().parse_args()
    root, folder = find_root(Path.cwd()), given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lab = Lab(root, Catalog())
    measurements = Measurements(folder / "pairs", lab)
    cases = chain(shipped(lab, given.set), from_files(lab, folder))
    if given.models:
        cases = chain(cases, mlperf_tiny(lab, folder, given.models))
    rows = []
    print(HEAD)
    for name, control in cases:
        if given.only in name:
            rows.append(row_of(name, control, measurements, given.seeds))
            # at once: the next row takes minutes
            print(rows[-1].text(), flush=True)
    return int(not all(row.within for row in rows))


if __name__ == "__main__":
    sys.exit(main())
