"""From the runs in the store to tables and figures. Loads no TensorFlow and no study file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from framework.contracts import Catalog
from framework.errors import InvalidValue, MachineError, SqueezelabError, UnknownName, last_line
from framework.planning.own_plugins import catalog_of
from framework.report.frame import StudyRuns, collect, trials_frame
from framework.report.layout import columns as every_column
from framework.report.pareto import axes_of, pareto_frame
from framework.report.selection import RunStore
from framework.report.tables import columns_of, markdown
from framework.system import fonts, paths
from framework.system.modules import module_at
from framework.system.refusal import explained

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Report", "StudyRuns", "collect", "kinds", "run_report", "trials_frame"]

Build = Callable[[StudyRuns, Path], list[Path]]
BUILT_IN = "pareto"  # framework/report/standard.py


@dataclass(frozen=True)
class Report:
    """What a report wrote.

    Args:
        paths: the files, in the order of the report.
        table: the front with baseline and control, narrow enough for a terminal.
        front: the rows of the trials on the front, exact values.
        refused: why the files could not be written, if they could not: the table is there.
    """

    paths: list[Path]
    table: str
    front: pd.DataFrame
    refused: MachineError | None = None


def kinds(root: Path) -> list[str]:
    """The reports of a project: the files in `root/reports`, and what the package brings.

    Sorted names.
    """
    files = paths.python_files(paths.reports(root))
    return sorted({BUILT_IN, *map(attrgetter("stem"), files)})


def run_report(
    store: RunStore,
    name: str,
    *,
    root: Path,
    out: Path,
    kind: str = "pareto",
    digest: str | None = None,
    generation: int | None = None,
) -> Report:
    """Write one report of one study.

    Args:
        root: the project; its file `reports/KIND.py` goes before a report of that name in the
            package.
        out: folder of the files; made if it is not there. Each file is written aside and moved into
            place.
        digest, generation: see `collect`.

    Raises:
        UnknownName: there is no such report.
        UserError: the store holds no such study.
    """
    if kind not in kinds(root):
        raise UnknownName("report", kind, kinds(root))
    # before the first figure: a project's own report may load matplotlib, too
    fonts.keep_in(root)
    runs = collect(store, name, digest=digest, generation=generation, catalog=_catalog(root))
    file = paths.reports(root) / f"{kind}.py"
    build = _build(file)
    written, refused = [], None
    try:
        with _told_as_ours(file):
            written = _written(build, runs, out)
    except OSError as error:
        refused = explained(error, paths.written(root))
    frame = pareto_frame(runs)
    every = every_column(runs.catalog)
    columns = columns_of(frame, every, level=0, always=(axes_of(runs).quality,))
    table = markdown(frame, columns, brief=True)
    front = frame[frame["row"] == "front"].reset_index(drop=True)
    return Report(written, table, front, refused)


def _written(build: Build, runs: StudyRuns, out: Path) -> list[Path]:
    """The files of a report, in their place."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=out) as aside:
        written = []
        for path in build(runs, Path(aside)):
            # only once all are written, so that a build that fails leaves the earlier files alone
            target = out / path.name
            written.append(path.replace(target))
        return written


def _catalog(root: Path) -> Catalog:
    """What metrics are called, those of the project among them."""
    try:
        return catalog_of(root)
    except SqueezelabError:
        # what is stored can be reported where a plug-in of the project does not load
        return Catalog()


def _build(path: Path) -> Build:
    """The `build` of the project's own file, loaded by its path, or of the package."""
    if not path.exists():
        # loads matplotlib, which a report of the project's own may do without
        from framework.report import standard

        return standard.build
    module = module_at(path, f"squeezelab_report_{path.stem}", f"reports/{path.name}")
    build: Build | None = getattr(module, "build", None)
    if build is None:
        raise InvalidValue(
            "A report file has a function build(runs, out) that returns the paths it wrote.",
            given=f"Given: {path}.",
            todo="For one to begin with: make new KIND=report NAME=my_report",
        )
    return build


@contextmanager
def _told_as_ours(file: Path) -> Iterator[None]:
    """What a report of the project's own raises, as a sentence that names its line."""
    try:
        yield
    # a disk that is full is none of the file's
    except (SqueezelabError, OSError):
        raise
    except (Exception, SystemExit) as error:
        if not file.exists():
            raise
        line = error.lineno if isinstance(error, SyntaxError) else last_line(error, str(file))
        raise InvalidValue(
            f"The report {file.name} fails: {type(error).__name__}: {error}",
            given=f"In {file}{f', line {line}' if line else ''}.",
            todo="Mend the file, or take another report: make report NAME=... KIND=...",
        ) from error
