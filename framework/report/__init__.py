"""From the runs in the store to tables and figures. Loads no TensorFlow and no study file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.contracts import Catalog
from framework.errors import InvalidValue, MachineError, SqueezelabError, UnknownName, last_line
from framework.planning.own_plugins import catalog_of
from framework.report.frame import StudyRuns, collect, trials_frame
from framework.report.pareto import axes_of, pareto_frame
from framework.report.selection import RunStore
from framework.report.tables.columns import columns_of, markdown
from framework.report.tables.layout import columns as every_column
from framework.system import fonts, paths
from framework.system.modules import module_at
from framework.system.refusal import explained

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Report", "StudyRuns", "collect", "kind_names", "run_report", "trials_frame"]

Build = Callable[[StudyRuns, Path], list[Path]]
BUILT_IN = "pareto"  # framework/report/kinds/pareto.py
COMPARE = "compare"  # framework/report/compare/comparison.py
CONFIRM = "confirm"  # framework/report/kinds/confirm.py


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


def kind_names(root: Path) -> list[str]:
    """The reports of a project: the files in `root/reports`, and what the package brings.

    Sorted names.
    """
    files = paths.python_files(paths.reports(root))
    return sorted({BUILT_IN, COMPARE, CONFIRM, *map(attrgetter("stem"), files)})


def run_report(
    store: RunStore,
    name: str,
    *,
    root: Path,
    out: Path,
    kind: str = "pareto",
    digest: str | None = None,
    generation: int | None = None,
    over: str = "",
) -> Report:
    """Write one report of one study, or a comparison of several.

    Args:
        name: of a study; of several, with spaces between, for `compare`.
        root: the project; its file `reports/KIND.py` goes before a report of that name in the
            package.
        out: folder of the files; made if it is not there. Each file is written aside and moved into
            place.
        digest, generation: see `collect`; `compare` is of all of them by default.
        over: the setting whose values are the columns of `compare`; empty for none.

    Raises:
        UnknownName: there is no such report.
        UserError: the store holds no such study.
    """
    if kind not in kind_names(root):
        raise UnknownName("report", kind, kind_names(root))
    # before the first figure: a project's own report may load matplotlib, too
    fonts.keep_in(root)
    if kind == CONFIRM and not (paths.reports(root) / f"{CONFIRM}.py").exists():
        return _confirmation(store, name, root=root, out=out, digest=digest, generation=generation)
    if compares(root, kind):
        return _comparison(store, names_of(name), root=root, out=out, digest=digest, over=over)
    runs = collect(store, name, digest=digest, generation=generation, catalog=_catalog(root))
    file = paths.reports(root) / f"{kind}.py"
    build = _build(file)
    with _told_as_ours(file):
        written, refused = _written(build, runs, out=out, root=root)
    frame = pareto_frame(runs)
    every = every_column(runs.catalog)
    columns = columns_of(frame, every, level=0, always=(axes_of(runs).quality,))
    table = markdown(frame, columns, brief=True)
    front = frame[frame["row"] == "front"].reset_index(drop=True)
    return Report(written, table, front, refused)


def compares(root: Path, kind: str) -> bool:
    """Whether this is the package's comparison, which is of any number of studies."""
    return kind == COMPARE and not (paths.reports(root) / f"{COMPARE}.py").exists()


def names_of(text: str) -> list[str]:
    """The studies that a comparison is of, in their order, each once."""
    return list(dict.fromkeys(text.split()))


def _comparison(
    store: Any, names: list[str], *, root: Path, out: Path, digest: str | None, over: str
) -> Report:
    # loads matplotlib, which a report of the project's own may do without
    from framework.report.compare.comparison import compare
    from framework.report.kinds.compare import build

    comparison = compare(store, names, catalog=_catalog(root), digest=digest, over=over)
    written, refused = _written(build, comparison, out=out, root=root)
    return Report(written, comparison.table(), comparison.front(), refused)


def _confirmation(
    store: Any, name: str, *, root: Path, out: Path, digest: str | None, generation: int | None
) -> Report:
    from framework.report.confirm.confirmation import confirmation
    from framework.report.kinds.confirm import build

    options: dict[str, Any] = {"digest": digest, "generation": generation}
    confirmed = confirmation(store, name, catalog=_catalog(root), **options)
    written, refused = _written(build, confirmed, out=out, root=root)
    return Report(written, confirmed.table(), confirmed.front(), refused)


def _written(
    build: Callable[[Any, Path], list[Path]], subject: Any, *, out: Path, root: Path
) -> tuple[list[Path], MachineError | None]:
    """The files of a report, in their place, or why they cannot be written.

    Args:
        subject: what the report is of.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=out) as aside:
            written = []
            for path in build(subject, Path(aside)):
                # only once all are written, so that a build that fails leaves the earlier files
                target = out / path.name
                written.append(path.replace(target))
            return written, None
    except OSError as error:
        return [], explained(error, paths.written(root))


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
        from framework.report.kinds import pareto

        return pareto.build
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
