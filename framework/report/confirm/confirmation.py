"""What was confirmed of a study, and what is to be: from the store alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.report.choices import Choices
from framework.report.collected import collect
from framework.report.compare.configurations import (
    ComparedStore,
    Remembering,
    confirmed_of,
    nets_of,
)
from framework.report.compare.methods import named
from framework.report.compare.rows import rows_of
from framework.report.compare.tables import Side
from framework.report.confirm.page import looks_text, sentences
from framework.report.confirm.tables import confirm_frame, confirm_table
from framework.report.frame import StudyRuns
from framework.report.pareto import axes_of, front
from framework.report.tables.markup import table_markdown
from framework.results import looks

if TYPE_CHECKING:
    import pandas as pd

    from framework.contracts import Catalog
    from framework.report.compare.configurations import Net
    from framework.results.record import Run

MOST = 12  # of the front


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What is shown of it.

    Args:
        study: with its own runs.
        sides: a net each, of the nets that were trained anew.
        counted: runs that have looked at the test split, over the life of the study.
        choices: of columns and width.
    """

    study: StudyRuns
    sides: Sequence[Side]
    counted: Sequence[Run]
    catalog: Catalog
    choices: Choices = field(default_factory=Choices)

    def table(self) -> str:
        """For a terminal: each net with its configurations, and the gap in words."""
        blocks = []
        for side in self.sides:
            table = confirm_table(side, self.catalog, brief=True)
            blocks.append("\n\n".join([side.net.name, table_markdown(table), *sentences(side)]))
        return "\n\n".join([*blocks, looks_text(self.sides, self.counted)])

    def front(self) -> pd.DataFrame:
        """All rows, exact values."""
        return confirm_frame(self.sides)


def confirmation(
    store: ComparedStore,
    name: str,
    *,
    catalog: Catalog,
    digest: str | None = None,
    generation: int | None = None,
) -> Confirmation:
    """What was confirmed of a study, from the store alone.

    Raises:
        UserError: nothing was, or the store holds no such study.
    """
    store = Remembering(store)
    study = collect(store, name, digest=digest, generation=generation, catalog=catalog)
    # as in the study's own tables, so that the trials come in the same order
    size = axes_of(study).size
    sides = [_side(net, size, catalog) for net in nets_of(store, [confirmed_of(store, study)])]
    if not any(side.net.confirmed for side in sides):
        raise UserError(
            f"Nothing of {name} is confirmed.",
            given="No net that was trained anew has been measured on the test split.",
            todo=f"Train the front under new seeds: make confirm NAME={name} SEEDS=5",
        )
    every = filter(looks.has_looked, store.runs(name, role=looks.ROLE))
    return Confirmation(study=study, sides=sides, counted=list(every), catalog=catalog)


def _side(each: Net, size: str, catalog: Catalog) -> Side:
    """One net, whose configurations are those that are confirmed."""
    measured = {}
    for one in each.configurations:
        if one.values(each.tested):
            measured[one.digest] = one
    net = replace(each, confirmed=measured)
    names = named(net.compressed)
    return Side(net=net, names=names, rows=rows_of(net, names, size, catalog), pairs=(), size=size)


def front_numbers(
    store: ComparedStore, name: str, *, digest: str, catalog: Catalog
) -> tuple[list[int], int]:
    """The trials of the front that are confirmed: at most 12, evenly along it.

    Returns:
        Their numbers, the largest net first, and how many the front has.

    Raises:
        UserError: no finished trial meets the constraints.
    """
    best = front(collect(store, name, digest=digest, catalog=catalog))
    if not best:
        raise UserError(
            f"{name} has no front to confirm: no finished trial meets the constraints.",
            todo=f"What it has: make report NAME={name}. Trials can be named: TRIALS=3,9,17.",
        )
    return [run.number for run in evenly(best, MOST)], len(best)


def evenly(runs: Sequence[Run], most: int) -> list[Run]:
    """At most so many of them, both ends among them and the others evenly between.

    Args:
        runs: in the order of the front, at least one.
        most: at least 2.
    """
    if len(runs) <= most:
        return list(runs)
    step = (len(runs) - 1) / (most - 1)
    return [runs[round(place * step)] for place in range(most)]
