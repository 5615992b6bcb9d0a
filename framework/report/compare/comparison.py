"""What is compared: the studies of these names, from the store alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from framework.contracts import Catalog
from framework.errors import UserError
from framework.report.choices import Choices
from framework.report.compare.configurations import (
    ComparedStore,
    Remembering,
    confirmed_configurations,
    nets_of,
    studies_of,
)
from framework.report.compare.methods import named
from framework.report.compare.page import sentences
from framework.report.compare.pairs import pairs_of
from framework.report.compare.rows import rows_of
from framework.report.compare.tables import Side, exact_frame, net_table
from framework.report.frame import StudyRuns
from framework.report.pareto import axes_of
from framework.report.tables.markup import table_markdown
from framework.results.record import MACHINE

DEFAULT_SIZE = "params_nonzero"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared.

    Args:
        studies: every generation of every digest of them.
        sides: a net each.
        choices: of columns, width, and the setting whose values are columns.
    """

    studies: Sequence[StudyRuns]
    sides: Sequence[Side]
    catalog: Catalog
    choices: Choices = Choices()  # noqa: RUF009  (frozen)

    @property
    def names(self) -> list[str]:
        """Of the studies, each once."""
        return list(dict.fromkeys(study.name for study in self.studies))

    def table(self) -> str:
        """For a terminal: each net with its configurations and the verdicts."""
        blocks = []
        for side in self.sides:
            table = net_table(side, self.catalog, brief=True)
            blocks.append("\n\n".join([side.net.name, table_markdown(table), *sentences(side)]))
        return "\n\n".join(blocks)

    def front(self) -> pd.DataFrame:
        """The rows that are on the front of their net, exact values."""
        frame = exact_frame(self.sides)
        return frame[frame["front"] == True].reset_index(drop=True)  # noqa: E712  (dtype object)


def compare(
    store: ComparedStore,
    names: Sequence[str],
    *,
    catalog: Catalog,
    digest: str | None = None,
    choices: Choices = Choices(),  # noqa: B008  (frozen)
) -> Comparison:
    """The studies of these names, from the store alone.

    Args:
        digest: of one study, where others of the same name are not meant.
        choices: of columns, width, and the setting whose values are columns.

    Raises:
        UserError: the store holds no such study, or no run of them has ended.
    """
    store = Remembering(store)
    studies = studies_of(store, names, digest=digest, catalog=catalog)
    size = _size_of(studies)
    confirmed = confirmed_configurations(store, studies)
    sides = []
    for each in nets_of(store, studies):
        net = replace(each, confirmed=confirmed)
        # by what differs within this net: elsewhere the same knob may tell nothing
        names_of_net = named(net.compressed)
        sides.append(
            Side(
                net=net,
                names=names_of_net,
                rows=rows_of(net, names_of_net, size, catalog),
                pairs=pairs_of(net, names_of_net),
                size=size,
            )
        )
    if not sides:
        raise UserError(
            "There is nothing to compare: no run has ended.",
            given=f"Studies: {', '.join(names)}.",
            todo=f"Run one of them: make study NAME={names[0]}",
        )
    return Comparison(studies=studies, sides=sides, catalog=catalog, choices=choices)


def _size_of(studies: Sequence[StudyRuns]) -> str:
    """One for all of them, so that nets and methods have the same axis."""
    size = axes_of(studies[0]).size
    # a latency is of one machine, and its front would be other bytes on the next
    return DEFAULT_SIZE if size in MACHINE else size
