"""The parts of a measurement: a table has rows, each of them one chain on one net.

A row carries the digest of what made its result: the page shows a result only as long as it is that
of the row as it is now, and names the rows that are still to be measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import starmap
from pathlib import Path
from typing import Any

from docs.recipe_list import RESULTS, Recipe
from framework.contracts import Catalog
from framework.planning.parts import strategy_of
from framework.study import Spec, Use, digest_of

FOLDER = RESULTS / "strategies"
SEEDS = (0, 1, 2)
Values = Mapping[str, Any]
Check = Callable[[Mapping[str, Values]], list[str]]


@dataclass(frozen=True)
class Row:
    """One chain on one net.

    Args:
        net: whose dense net it begins with.
        chain: the steps; none for the dense net itself.
        label: of the row; the chain by default.
        factor: `train.finetune_factor`.
        saved: the net is written to a keras file and compressed as `from_file`.
        seeds: for which it is measured.
    """

    net: Recipe
    chain: tuple[Use, ...] = ()
    label: str = ""
    factor: float = 2.0
    saved: bool = False
    seeds: tuple[int, ...] = SEEDS

    @property
    def steps(self) -> str:
        """The label, or the chain as it is written."""
        return self.label or chain_text(self.chain)

    @property
    def name(self) -> str:
        """Net and label: one for each row of a measurement."""
        return f"{self.net.name}{' saved' if self.saved else ''}: {self.steps}"

    def specs(self, root: Path, catalog: Catalog) -> list[Spec]:
        """One for each seed, resolved; of a saved net those of the net that is saved."""
        chain = tuple(_resolved(step, catalog) for step in self.chain)
        specs = []
        for dense in replace(self.net, seeds=self.seeds).specs(root, catalog):
            train = replace(dense.train, finetune_factor=self.factor)
            specs.append(replace(dense, compress=chain, train=train))
        return specs

    def digest(self, root: Path, catalog: Catalog) -> str:
        """sha256 of all that decides it besides the machine."""
        # another version of `from_file` may read another net from the same file
        reader = catalog.architectures.get("from_file").plugin_version if self.saved else 0
        return digest_of([reader, *(spec.digest for spec in self.specs(root, catalog))])


@dataclass(frozen=True)
class Measurement:
    """A table of rows.

    Args:
        title: what is asked, in a sentence.
        columns: which of `strategy_columns.COLUMNS` it shows.
        check: the rows' results -> what is wrong with them.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    check: Check = lambda results: []

    def file(self, root: Path) -> Path:
        """Where its results are."""
        return root / FOLDER / f"{self.name}.json"


def _resolved(step: Use, catalog: Catalog) -> Use:
    """The step with all of its knobs and the version of its strategy, as a spec has it."""
    strategy = strategy_of(step, catalog)
    # the empty label stands for the strategy's name; any other would be part of the digest
    return Use(step.name, strategy.values(), "", strategy.plugin_version)


def chain_text(chain: Sequence[Use]) -> str:
    """A chain as it is written, without the word `use`."""
    return " + ".join(map(_step_text, chain)) or "dense"


def _step_text(step: Use) -> str:
    knobs = ", ".join(starmap(_knob_text, step.knobs.items()))
    return f"{step.name}({knobs})" if knobs else step.name


def _knob_text(name: str, value: object) -> str:
    return f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"


def read(measurement: Measurement, root: Path) -> dict[str, Any]:
    """The results as they were written, by the names of the rows."""
    file = measurement.file(root)
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def current(measurement: Measurement, root: Path, catalog: Catalog) -> dict[str, Any]:
    """The results of the rows as they are now, by name, in the order of the table."""
    results = read(measurement, root)
    up_to_date = {}
    for row in measurement.rows:
        if is_current(row, results, root, catalog):
            up_to_date[row.name] = results[row.name]
    return up_to_date


def is_current(row: Row, results: Mapping[str, Values], root: Path, catalog: Catalog) -> bool:
    """Whether a row's result is that of the row as it is now."""
    return row.name in results and results[row.name]["digest"] == row.digest(root, catalog)
