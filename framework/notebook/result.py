"""A study as the store holds it: tables, the best net, a picture."""

from __future__ import annotations

import html
import math
import tempfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import InvalidValue, UnknownName, UserError
from framework.notebook.figure import Figure, html_table
from framework.planning.own_plugins import catalog_of
from framework.results import quantities
from framework.results.record import BASELINE_PREFIX, MODEL_TFLITE, Run
from framework.study.constraints import TOLERANCE
from framework.system.text import visible

if TYPE_CHECKING:
    import pandas as pd

    from framework.report import Report, StudyRuns
    from framework.tracking.store import Store

DIGITS = 8  # of a digest, as folders and messages show it


@dataclass(frozen=True, repr=False)
class Result:
    """A study as the store holds it.

    Args:
        name: of the study, and of its experiment in MLflow.
        digest: of the resolved study, 64 hex digits.
        generation: 0, and 1 more for each time it was begun anew.
        root: the project's folder.
    """

    name: str
    digest: str
    generation: int
    root: Path

    @property
    def runs(self) -> pd.DataFrame:
        """Every run, one row each: baseline, controls, trials, those of further seeds.

        Text is `string`, counts are `Int64`, other numbers `float64`; the first columns are
        documented in `framework.report.run_table.COLUMNS`.
        """
        from framework.report.run_table import run_table

        return run_table(self._store, [self._stored])

    def front(self) -> pd.DataFrame:
        """The trials that no other beats, largest first, one row each; of several seeds means."""
        from framework.report.run_table import front_table

        return front_table(self._stored)

    def compare(self) -> pd.DataFrame:
        """Every configuration with mean, standard deviation and interval over its seeds.

        As `make report KIND=compare`, of all generations of this study.

        Raises:
            UserError: no run has ended.
        """
        return compared(self._store, [self.name], root=self.root, digest=self.digest)

    def best(self, *, drop: float = 0.01, by: str = "") -> pd.Series[Any]:
        """The row of the smallest net of the front that loses at most `drop` to its baseline.

        Args:
            drop: of the quality objective, at least 0: 0.01 is one point of accuracy, or a
                hundredth of R2.
            by: the objective that says how small, where the study has several.

        Raises:
            UserError: the front has none, or it is not clear what small means.
        """
        axes, rows = self._axes(by), self.front()
        smaller = 1 if axes.size_direction == "min" else -1
        allowed: list[tuple[float, float, int]] = []
        on_front = set(rows["trial"])
        for run in self._stored.finished:
            # another trial may lack the metric: the front has those that were measured
            if run.number in on_front:
                loss = _loss(run, axes)
                if loss <= drop + TOLERANCE:
                    allowed.append((smaller * run.metrics[axes.size], loss, run.number))
        if not allowed:
            raise UserError(
                f"No net on the front of {self.name} loses {drop:g} or less in {axes.quality}.",
                todo="Allow more: best(drop=...), or run more trials.",
            )
        # of equal sizes the one that loses least, then the earlier one
        _, _, number = min(allowed)
        return rows[rows["trial"] == number].iloc[0]

    def plot(self) -> Figure:
        """All trials, the front, baseline and control: quality against size."""
        return Figure(self._report[1])

    @property
    def table(self) -> str:
        """Baseline, control and front as Markdown, as `make report` shows them."""
        return str(self._report[0].table)

    def _axes(self, by: str) -> Any:
        """Quality, and the one cost that is meant."""
        from framework.report.pareto import axes_of

        costs = quantities.costs(self._stored.objectives)
        if by and by not in costs:
            raise UnknownName("objective that is a cost", by, costs)
        if len(costs) > 1 and not by:
            raise InvalidValue(
                f"{self.name} has several objectives that say how small a net is.",
                given=f"They are: {', '.join(costs)}.",
                todo=f'Say which is meant: best(by="{costs[0]}").',
            )
        axes = axes_of(self._stored)
        return replace(axes, size=by, size_direction="min") if by else axes

    def model(self, trial: int) -> bytes:
        """The `.tflite` file of a trial, checked against its digest.

        Args:
            trial: its number, as in the table: `result.model(result.best()["trial"])`.

        Raises:
            UserError: there is no such trial, it failed, or its file was removed.
        """
        for run in self._stored.finished:
            if run.number == trial:
                return self._store.artifact(run.run_id, MODEL_TFLITE)
        raise UserError(
            f"{self.name} has no finished trial {trial}.",
            todo="The numbers: .runs, or .best() for one.",
        )

    def __repr__(self) -> str:
        return f"{self._head()}\n\n{self.table}"

    def _repr_html_(self) -> str:
        head = f"<p><b>{html.escape(visible(self._head()))}</b></p>"
        return head + html_table(self.table) + self.plot()._repr_html_()

    def _head(self) -> str:
        again = f", generation {self.generation}" if self.generation else ""
        done = f"{len(self._stored.finished)} trials, {len(self.front())} on the front"
        return f"{self.name} (digest {self.digest[:DIGITS]}{again}): {done}"

    @cached_property
    def _store(self) -> Store:
        return opened(self.root)

    @cached_property
    def _stored(self) -> StudyRuns:
        from framework.report import collect

        return collect(
            self._store,
            self.name,
            digest=self.digest,
            generation=self.generation,
            catalog=catalog_of(self.root),
        )

    @cached_property
    def _report(self) -> tuple[Report, dict[str, bytes]]:
        """The report: its tables, and its figure's files by suffix."""
        from framework.report import run_report

        # aside, because what is in reports/out is of the last `make report`
        with tempfile.TemporaryDirectory() as folder:
            options: dict[str, Any] = {"digest": self.digest, "generation": self.generation}
            out = Path(folder)
            report = run_report(self._store, self.name, root=self.root, out=out, **options)
            return report, Figure.among(report.paths).files


def compared(
    store: Store, names: list[str], *, root: Path, digest: str | None = None
) -> pd.DataFrame:
    """The configurations of some studies, by net, with dtypes."""
    from framework.report.compare.comparison import compare
    from framework.report.compare.tables import exact_frame
    from framework.report.run_table import typed

    catalog = catalog_of(root)
    comparison = compare(store, names, catalog=catalog, digest=digest)
    return typed(exact_frame(comparison.sides), ())


def opened(root: Path) -> Store:
    """The store of a project."""
    from framework.tracking.store import Store

    return Store.open(root)


def _loss(run: Run, axes: Any) -> float:
    """What the run loses in quality against its baseline; above 0 it is worse."""
    value = run.metrics[axes.quality]
    if axes.quality.endswith("_drop"):  # is measured against the baseline already
        return value
    dense = run.metrics.get(BASELINE_PREFIX + axes.quality, math.inf)
    return dense - value if axes.quality_direction == "max" else value - dense
