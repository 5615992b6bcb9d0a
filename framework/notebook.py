"""Studies from Python.

Run one or load it, and look at its front, table and figure in a notebook or a terminal.
"""

from __future__ import annotations

import base64
import html
import math
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from framework.contracts import Catalog
from framework.display.progress import Progress, screen
from framework.errors import InvalidValue, UnknownName, UserError
from framework.planning.own_plugins import catalog_of
from framework.planning.parts import dataset_of
from framework.planning.plan import Plan
from framework.planning.project import check_name, study_names
from framework.planning.resolve import resolve
from framework.results import quantities
from framework.results.record import BASELINE_PREFIX, MODEL_TFLITE, Run
from framework.study import overrides
from framework.study.constraints import TOLERANCE
from framework.study.study import Study
from framework.system import paths
from framework.system.paths import find_root
from framework.system.text import visible
from framework.tracking.lookup import plan_of, run_file_of

if TYPE_CHECKING:
    from framework.tracking.store import Store

UNNAMED = "notebook"  # the experiment of studies that have neither a file nor a name
DIGITS = 8  # of a digest, as folders and messages show it
FIGURE_PIXELS = 488  # width on a page


@dataclass(frozen=True)
class Figure:
    """The picture of a front: shown by a notebook, kept with `save`.

    Args:
        files: suffix (`.png`, `.pdf`, `.svg`) -> content.
    """

    files: dict[str, bytes]

    def save(self, path: str | Path) -> Path:
        """Write it to a file; the suffix says in which form.

        Raises:
            UnknownName: there is no such form.
        """
        path = Path(path)
        if path.suffix not in self.files:
            raise UnknownName("form of a figure", path.suffix, sorted(self.files))
        path.write_bytes(self.files[path.suffix])
        return path

    def __repr__(self) -> str:
        return f"<figure: show it in a notebook, or .save() it as {', '.join(sorted(self.files))}>"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.files[".png"]).decode()
        return (
            f'<img alt="Pareto front" width="{FIGURE_PIXELS}" src="data:image/png;base64,{data}">'
        )


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
    def front(self) -> Any:
        """The trials that no other beats, largest first.

        A pandas DataFrame, one row each, every number exact.
        """
        # a copy, so that what a notebook does with it changes nothing here
        return self._report[0].front.copy()

    @property
    def trials(self) -> Any:
        """Every trial, by number.

        A pandas DataFrame with the parameters that vary and the metrics.
        """
        from framework.report import trials_frame

        return trials_frame(self._runs)

    @property
    def table(self) -> str:
        """Baseline, control and front as Markdown, as `make report` shows them."""
        return str(self._report[0].table)

    def figure(self) -> Figure:
        """All trials, the front, baseline and control: quality against size."""
        return Figure(self._report[1])

    def best(self, *, drop: float = 0.01, by: str = "") -> int:
        """Number of the smallest net of the front that loses at most `drop` against its baseline.

        Args:
            drop: of the quality objective, at least 0: 0.01 is one point of accuracy, or a
                hundredth of R2.
            by: the objective that says how small, where the study has several.

        Raises:
            UserError: the front has none, or it is not clear what small means.
        """
        axes = self._axes(by)
        on_front = set(self.front["trial"])
        smaller = 1 if axes.size_direction == "min" else -1
        allowed: list[tuple[float, float, int]] = []
        for run in self._runs.finished:
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
        return int(number)

    def _axes(self, by: str) -> Any:
        """Quality, and the one cost that is meant."""
        from framework.report.pareto import axes_of

        costs = quantities.costs(self._runs.objectives, self._runs.catalog)
        if by and by not in costs:
            raise UnknownName("objective that is a cost", by, costs)
        if len(costs) > 1 and not by:
            raise InvalidValue(
                f"{self.name} has several objectives that say how small a net is.",
                given=f"They are: {', '.join(costs)}.",
                todo=f'Say which is meant: best(by="{costs[0]}").',
            )
        axes = axes_of(self._runs)
        return replace(axes, size=by, size_direction="min") if by else axes

    def model(self, trial: int) -> bytes:
        """The `.tflite` file of a trial, checked against its digest.

        Args:
            trial: its number, as in the table.

        Raises:
            UserError: there is no such trial, it failed, or its file was removed.
        """
        for run in self._runs.finished:
            if run.number == trial:
                return _open(self.root).artifact(run.run_id, MODEL_TFLITE)
        raise UserError(
            f"{self.name} has no finished trial {trial}.",
            todo="The numbers: .trials, or .best() for one.",
        )

    def __repr__(self) -> str:
        return f"{self._head()}\n\n{self.table}"

    def _repr_html_(self) -> str:
        head = f"<p><b>{html.escape(visible(self._head()))}</b></p>"
        return head + _html_table(self.table) + self.figure()._repr_html_()

    def _head(self) -> str:
        again = f", generation {self.generation}" if self.generation else ""
        done = f"{len(self._runs.finished)} trials, {len(self.front)} on the front"
        return f"{self.name} (digest {self.digest[:DIGITS]}{again}): {done}"

    @cached_property
    def _runs(self) -> Any:
        from framework.report import collect

        return collect(
            _open(self.root),
            self.name,
            digest=self.digest,
            generation=self.generation,
            catalog=catalog_of(self.root),
        )

    @cached_property
    def _report(self) -> tuple[Any, dict[str, bytes]]:
        """The report: its tables, and its figure's files by suffix."""
        from framework.report import run_report

        # aside, because what is in reports/out is of the last `make report`
        with tempfile.TemporaryDirectory() as folder:
            report = run_report(
                _open(self.root),
                self.name,
                root=self.root,
                out=Path(folder),
                digest=self.digest,
                generation=self.generation,
            )
            pictures: dict[str, bytes] = {}
            for path in report.paths:
                if path.suffix in (".png", ".pdf", ".svg"):
                    pictures[path.suffix] = path.read_bytes()
            return report, pictures


def run(
    study: Study | str,
    *,
    name: str = "",
    trials: int | None = None,
    fresh: bool = False,
    settings: Sequence[str] = (),
    workers: int | Literal["auto"] = "auto",
) -> Result:
    """Run a study, or resume it, as `make study` does; see `framework.run`."""
    from framework.display.publish import conclude
    from framework.runner.coordinator import run as run_plan
    from framework.runner.events import Interrupted

    root = find_root(Path.cwd())
    catalog = catalog_of(root)
    settings = [*settings, *([f"trials={trials}"] if trials is not None else [])]
    planned, folder = _planned(root, study, name=name, settings=settings, catalog=catalog)
    out = paths.report_output(root) / folder
    options: dict[str, Any] = {"fresh": fresh, "workers": workers}
    try:
        with Progress(screen(), root=root) as observer:
            outcome = run_plan(planned, root, catalog=catalog, observer=observer, **options)
    except Interrupted as error:
        # what was done until then has a report too, as after `make study`
        if error.outcome.done:
            conclude(_open(root), error.outcome, root=root, out=out)
        raise
    conclude(_open(root), outcome, root=root, out=out)
    return Result(planned.name, planned.study.digest, outcome.generation, root)


def load(name: str, *, settings: Sequence[str] = (), digest: str | None = None) -> Result:
    """The study as the store holds it; nothing is run; see `framework.load`."""
    from framework.report import collect

    root = find_root(Path.cwd())
    catalog = catalog_of(root)
    store = _open(root)
    if name in study_names(root) and digest is None:
        digest = plan_of(root, name, settings=settings, catalog=catalog).study.digest
    # overrides say which digest a file has; here it is given, or there is no file
    elif settings:
        raise InvalidValue(
            "Overrides go with the name of a study file, and without a digest.",
            given=f"Given: {name}.",
        )
    elif name not in store.studies():
        raise UnknownName("study", name, sorted({*study_names(root), *store.studies()}))
    parent = collect(store, name, digest=digest).parent
    return Result(name, parent.tags["study_digest"], parent.generation, root)


def _planned(
    root: Path, study: Study | str, *, name: str, settings: Sequence[str], catalog: Catalog
) -> tuple[Plan, str]:
    """The plan of a study given by its file's name or as a value, and its report's folder name."""
    if isinstance(study, str):
        if name:
            raise InvalidValue(
                "A study file has a name already.", given=f"Given: {study!r} and name={name!r}."
            )
        planned = plan_of(root, study, settings=settings, catalog=catalog)
        return planned, planned.folder
    if not isinstance(study, Study):
        raise InvalidValue(
            "What is run is a Study, or the name of a study file.", given=f"Given: {study!r}."
        )
    planned = _plan_of_value(root, study, name or UNNAMED, settings=settings, catalog=catalog)
    # values of one name are told apart by their digests
    return planned, f"{planned.name}@{planned.study.digest[:DIGITS]}"


def _plan_of_value(
    root: Path, study: Study, name: str, *, settings: Sequence[str], catalog: Catalog
) -> Plan:
    check_name(name)
    if name in study_names(root):
        raise InvalidValue(
            f"studies/{name}.py has this name.",
            todo="Give another name, or run the file: framework.run(name).",
        )
    study = resolve(overrides.apply(study, settings), catalog, root, run_file=run_file_of(root))
    return Plan(name, "", tuple(settings), study, dataset_of(study, catalog, root).info.task)


def _loss(run: Run, axes: Any) -> float:
    """What the run loses in quality against its baseline; above 0 it is worse."""
    value = run.metrics[axes.quality]
    if axes.quality.endswith("_drop"):  # is measured against the baseline already
        return value
    dense = run.metrics.get(BASELINE_PREFIX + axes.quality, math.inf)
    return dense - value if axes.quality_direction == "max" else value - dense


def _open(root: Path) -> Store:
    from framework.tracking.store import Store

    return Store.open(root)


def _html_table(markdown: str) -> str:
    """A Markdown table as HTML; the first column is text, the others are numbers."""
    head, _, *body = markdown.splitlines()
    rows = [_html_row("td", line) for line in body]
    return f"<table>{_html_row('th', head)}{''.join(rows)}</table>"


def _html_row(kind: str, line: str) -> str:
    """One row; a bar that is escaped belongs to its cell."""
    cells: list[str] = []
    for text in re.split(r"(?<!\\)\|", line.strip())[1:-1]:
        align = "right" if cells else "left"
        content = html.escape(text.strip().replace("\\|", "|"))
        cells.append(f'<{kind} style="text-align: {align}">{content}</{kind}>')
    return f"<tr>{''.join(cells)}</tr>"
