"""Several studies side by side, as the store holds them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import UserError
from framework.notebook.figure import Figure
from framework.notebook.result import Result, compared

if TYPE_CHECKING:
    import pandas as pd

    from framework.report import Report


@dataclass(frozen=True, repr=False)
class Results(Result):
    """Some studies: tables have the rows of all, the figure shows all.

    Args:
        studies: at least two, of one project.
    """

    studies: tuple[Result, ...]

    @classmethod
    def of(cls, studies: Sequence[Result]) -> Results:
        """These, in their order; a digest and a generation of their own they have not."""
        names = " ".join(result.name for result in studies)
        return cls(names, "", 0, studies[0].root, tuple(studies))

    @property
    def runs(self) -> pd.DataFrame:
        """Every run of all of them, one row each; see `Result.runs`."""
        from framework.report.run_table import run_table

        return run_table(self._store, [result._stored for result in self.studies])

    def front(self) -> pd.DataFrame:
        """The front of each, one below the other; the column `study` says whose a row is."""
        from framework.report.run_table import stacked

        return stacked([result.front() for result in self.studies])

    def compare(self) -> pd.DataFrame:
        """Every configuration of all of them over its seeds; see `Result.compare`."""
        return compared(self._store, self.name.split(), root=self.root)

    def best(self, *, drop: float = 0.01, by: str = "") -> pd.Series[Any]:
        """The best row of all; see `Result.best`.

        Raises:
            UserError: none of them has a net that loses so little, or they differ in what small
                means.
        """
        costs = {result._axes(by).size for result in self.studies}
        if len(costs) > 1:
            raise UserError(
                "These studies differ in what makes a net small.",
                given=f"By: {', '.join(sorted(costs))}.",
                todo="Ask each of them: framework.load(name).best().",
            )
        rows = list(self._allowed(drop, by))
        if not rows:
            raise UserError(
                f"No net of {' or '.join(self.name.split())} loses {drop:g} or less.",
                todo="Allow more: best(drop=...), or run more trials.",
            )
        (cost,) = costs
        return min(rows, key=lambda row: float(row[cost]))

    def plot(self) -> Figure:
        """Quality against size of every configuration, a colour for each method."""
        return Figure(self._report[1])

    def model(self, trial: int) -> bytes:
        """Of several studies it is not clear whose.

        Raises:
            UserError: always.
        """
        raise UserError(
            "Several studies have a trial of this number.",
            given=f"Trial {trial} of {self.name}.",
            todo=f'Load the one that is meant: framework.load("{self.studies[0].name}").',
        )

    def _head(self) -> str:
        return "\n".join(result._head() for result in self.studies)

    @cached_property
    def _report(self) -> tuple[Report, dict[str, bytes]]:
        from framework.report import COMPARE, run_report

        with tempfile.TemporaryDirectory() as folder:
            options: dict[str, Any] = {"root": self.root, "out": Path(folder), "kind": COMPARE}
            report = run_report(self._store, self.name, **options)
            return report, Figure.among(report.paths).files

    def _allowed(self, drop: float, by: str) -> Iterator[pd.Series[Any]]:
        """The best of each study that has one."""
        for result in self.studies:
            try:
                yield result.best(drop=drop, by=by)
            except UserError:
                continue
