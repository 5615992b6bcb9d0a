"""Random pruning: what every method has to beat."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.contracts import Job, Project, Stage, Strategy, WeightKey, knob, strategy
from framework.errors import InvalidStudy, InvalidValue
from framework.nn import compression
from framework.results.record import IDS, LAYERS_CSV
from framework.strategies import _pruning

Zeros = dict[WeightKey, int]


@strategy("random_prune", version=2)
@dataclass(frozen=True, kw_only=True)
class RandomPrune(Strategy):
    """Zero weights drawn at random while training goes on: the control of every pruning method.

    Source: Blalock et al. 2020, arXiv:2003.03033 (why a table needs it); Liu et al. 2022,
    arXiv:2202.02643 (how far it goes with good proportions).

    The layers' shares of zeros are the same (`uniform`), those of Erdos-Renyi-kernel (`erk`), what
    one draw over all kernels gives (`global`), or those that a finished run has reached (`run`):
    then the difference between the two runs is which weights a method chose, not how many of each
    layer.

    Departures: zeros are drawn on the same schedule as those of the other strategies, not all at
    the beginning.

    Not for: a net to be used. It is a control.
    """

    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})

    sparsity: float = knob(
        0.8,
        low=0.0,
        high=0.999,
        doc="share of all kernel weights set to zero; of no account with layers=run",
    )
    layers: str = knob(
        "erk", choices=("uniform", "erk", "global", "run"), doc="how the zeros are shared out"
    )
    run: str | None = knob(
        None,
        optional=True,
        unit="name",
        doc="with layers=run: its id, or 6 or more digits it begins with",
    )
    proportions: str | None = knob(
        None,
        optional=True,
        unit="name",
        doc="zeros of each kernel of that run; filled in by itself",
    )
    epochs: int = knob(
        4, low=0, high=1000, unit="epochs", doc="fine-tuning while pruning; 0: at once"
    )

    def pinned(self, project: Project) -> Mapping[str, Any]:
        """The zeros of each kernel of the named run: the study holds all that decides its results.

        Raises:
            UserError: no run is named, or there is none with files here.
        """
        if self.layers != "run" or self.proportions:
            return {}
        if not self.run:
            raise InvalidStudy(
                "random_prune: layers=run takes the proportions of a finished run.",
                given=f"run = {self.run!r}.",
                todo=f"Give its id, 6 or more digits it begins with, or NAME:12. {IDS}",
            )
        return {"proportions": as_text(zeros_of(project.run_file(self.run, LAYERS_CSV)))}

    def apply(self, stage: Stage, job: Job) -> Stage:
        """Prune every kernel that multiplies activations; zeros that the stage keeps stay zero."""
        shapes = compression.pruning.kernels(stage)
        # Drawn once: one order of the weights for the whole ramp.
        scores = _pruning.random_scores(job, "random_prune", shapes)
        counts = self._counts(shapes)
        zeros_at = _pruning.gradual_zeros(
            stage,
            shapes,
            layers=self.layers,
            sparsity=self.sparsity,
            scores=lambda now: scores,
            counts=counts,
        )
        pruned = _pruning.gradual(stage, job, self.epochs, zeros_at)
        asked = counts or _pruning.asked_of(
            stage, pruned, layers=self.layers, sparsity=self.sparsity
        )
        return _pruning.asking(pruned, asked)

    def _counts(self, shapes: _pruning.Shapes) -> Zeros | None:
        """The zeros of the named run, for the kernels of this net.

        Raises:
            InvalidStudy: that run was of another net.
        """
        if self.layers != "run":
            return None
        counts = from_text(self.proportions or "")
        if not _fits(counts, shapes):
            raise InvalidStudy(
                "random_prune: the named run is of another net.",
                given=f"Its kernels: {', '.join(sorted(map(str, counts))) or 'none'}.",
                todo="Name a run of the same architecture with the same knobs.",
            )
        return {key: counts[key] for key in shapes}


def _fits(counts: Zeros, shapes: _pruning.Shapes) -> bool:
    """Whether every kernel has a number of zeros, and a weight that stays."""
    return all(0 <= counts.get(key, -1) < math.prod(shape) for key, shape in shapes.items())


def zeros_of(table: bytes) -> Zeros:
    """Kernel -> zeros, as a run's `layers.csv` counts them in the exported file."""
    zeros: Zeros = {}
    for row in csv.DictReader(io.StringIO(table.decode("utf-8"), newline="")):
        if "kernel" in row["role"]:  # a weight may lie in several tensors, as kernel/input
            key = WeightKey.of(row["weight"])
            zeros[key] = zeros.get(key, 0) + int(row["zeros_reached"])
    return zeros


def as_text(zeros: Zeros) -> str:
    """`layer/position:zeros`, separated by commas."""
    return ",".join(f"{WeightKey(*key)}:{count}" for key, count in sorted(zeros.items()))


def from_text(text: str) -> Zeros:
    """What `as_text` wrote.

    Raises:
        InvalidValue: it is something else.
    """
    zeros: Zeros = {}
    try:
        for part in filter(None, text.split(",")):
            name, _, count = part.rpartition(":")
            zeros[WeightKey.of(name)] = int(count)
    except ValueError as error:
        raise InvalidValue(
            "random_prune: proportions is layer/position:zeros,...", given=f"Given: {text}."
        ) from error
    return zeros
