"""The input pipeline is not what a training waits for: times of an epoch with and without a net.

    .venv/bin/python -m benchmarks.input_pipeline
    TFDS_DATA_DIR=... .venv/bin/python -m benchmarks.input_pipeline mnist cifar10 --epochs 1

Prints a Markdown table, one line for each data set, with the times of preparing and loading; by
default those that are made by rule. The net is the smallest of those that are made for the data set
(or can read it), with its default knobs: a larger one waits even less. Everything is prepared in a
folder that is removed at the end.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchmarks.shared import parser_of
from framework import Train, nn
from framework.contracts import Catalog, DataInfo, Dataset, Splits, Stage
from framework.datasets._sources.generated import MadeDataset
from framework.errors import InvalidStudy, UserError
from framework.nn import training

T = TypeVar("T")
HEAD = (
    "| data set | train samples | prepared once, s | from the cache, s | net | parameters | "
    "epoch, s | of it the batches alone, s | share |\n|---|--:|--:|--:|---|--:|--:|--:|--:|"
)


@dataclass(frozen=True)
class Line:
    """What was measured on one data set."""

    name: str
    samples: int
    prepare: float
    load: float
    net: str
    parameters: int
    epoch: float
    batches: float

    def text(self) -> str:
        """One line of the table."""
        seconds = f"{self.epoch:.2f} | {self.batches:.3f} | {self.batches / self.epoch:.1%}"
        return (
            f"| {self.name} | {self.samples:,} | {self.prepare:.1f} | {self.load:.2f} | "
            f"{self.net} | {self.parameters:,} | {seconds} |"
        )


def main() -> None:
    """Measure each data set in turn."""
    parser = parser_of(__doc__)
    parser.add_argument("datasets", nargs="*")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3, help="timed, after one that is not")
    arguments = parser.parse_args()
    catalog = Catalog()
    names = arguments.datasets or list(built_in(catalog))
    nn.backend.start(1)
    nn.backend.keras  # noqa: B018 - loaded here, so that the first data set does not pay for it
    print(HEAD, flush=True)
    for name in names:
        try:
            line = measured(catalog, name, batch=arguments.batch, epochs=arguments.epochs)
        except UserError as error:
            print(f"| {name} | {error.what} |", flush=True)
        else:
            print(line.text(), flush=True)


def built_in(catalog: Catalog) -> Iterator[str]:
    """The data sets that are made by rule."""
    for name in catalog.datasets.names():
        if name == "digits" or issubclass(catalog.datasets.get(name), MadeDataset):
            yield name


def measured(catalog: Catalog, name: str, *, batch: int, epochs: int) -> Line:
    """All times of one data set, in an empty project."""
    plugin = catalog.datasets.build(name, {})
    candidate = smallest(catalog, plugin)
    with tempfile.TemporaryDirectory() as folder:
        prepare, _ = timed(lambda: plugin.prepare(Path(folder)))
        load, splits = timed(lambda: plugin.load(Path(folder), candidate.info.inputs))
    # one epoch more than is timed: the first traces the net
    request = request_for(candidate.info, splits, batch=batch, epochs=epochs + 1)
    return Line(
        name=name,
        samples=len(splits.train),
        prepare=prepare,
        load=load,
        net=candidate.name,
        parameters=candidate.parameters,
        epoch=with_net(candidate.stage, request),
        batches=without_net(request),
    )


class Candidate(NamedTuple):
    """An untrained net that reads a data set.

    Args:
        info: what it is given of the data set.
    """

    name: str
    made_for: str
    stage: Stage
    info: DataInfo

    @property
    def parameters(self) -> int:
        """How many the net has."""
        return sum(value.size for value in self.stage.weights.values())


def smallest(catalog: Catalog, plugin: Dataset) -> Candidate:
    """The net with the fewest parameters of those made for the data set, or that read it whole."""
    nets = list(readable(catalog, plugin.info))
    made_for_it = [net for net in nets if net.made_for == plugin.name]
    return min(made_for_it or nets, key=attrgetter("parameters"))


def readable(catalog: Catalog, info: DataInfo) -> Iterator[Candidate]:
    """The nets that read all inputs of a data set."""
    for name in catalog.architectures.names():
        architecture = catalog.architectures.build(name, {})
        if architecture.trained:
            continue
        try:
            # a net says here that it cannot read such data
            reads = replace(info, inputs=architecture.input_shapes(info))
        except InvalidStudy:
            continue
        if set(reads.inputs) == set(info.inputs):
            stage = nn.graph.initial_stage(architecture, reads, seed=0)
            yield Candidate(name, architecture.made_for, stage, reads)


def request_for(info: DataInfo, splits: Splits, *, batch: int, epochs: int) -> training.fit.Fit:
    """A training whose curve costs little: it is measured on the calibration split."""
    return training.fit.Fit(
        info=info,
        samples=splits.train,
        validation=splits.calibration,
        train=Train(epochs=epochs, batch_size=batch),
        epochs=epochs,
        warmup_epochs=0,
        seed=0,
    )


def with_net(stage: Stage, request: training.fit.Fit) -> float:
    """Seconds of one epoch of training; the first, which traces, is not counted."""
    ends: list[float] = []
    request = replace(request, report=lambda epoch, values: ends.append(time.monotonic()))
    training.fit.fit(stage, request)
    return (ends[-1] - ends[0]) / (len(ends) - 1)


def without_net(request: training.fit.Fit) -> float:
    """Seconds in which the batches of one epoch come if nobody makes use of them.

    The first epoch is not counted.
    """
    steps = training.fit.steps_per_epoch(request.samples, request.train)
    batches = iter(training.fit._batches(request, steps * request.epochs))
    for _ in range(steps):
        next(batches)
    began = time.monotonic()
    for _ in batches:
        pass
    return (time.monotonic() - began) / (request.epochs - 1)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came of it."""
    began = time.monotonic()
    done = work()
    return time.monotonic() - began, done


if __name__ == "__main__":
    main()
