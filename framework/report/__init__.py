"""From the runs in the store to tables and figures. Loads no TensorFlow and no study file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.contracts import Catalog
from framework.errors import (
    InvalidValue,
    MachineError,
    SqueezelabError,
    UnknownName,
    UserError,
    last_line,
)
from framework.planning.own_plugins import catalog_of
from framework.report.choices import Choices
from framework.report.collected import collect
from framework.report.frame import StudyRuns
from framework.report.pareto import pareto_frame
from framework.report.selection import RunStore
from framework.report.tables.front import terminal
from framework.report.trials import trials_frame
from framework.system import fonts, paths
from framework.system.modules import module_at
from framework.system.refusal import explained

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Choices", "Report", "StudyRuns", "collect", "kind_names", "run_report", "trials_frame"]

KINDS = Path(__file__).parent / "kinds"
Build = Callable[[Any, Path], list[Path]]
COMPARE, CONFIRM, PARETO, ALL = "compare", "confirm", "pareto", "all"


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
    files = [*paths.python_files(paths.reports(root)), *paths.python_files(KINDS)]
    return sorted(set(map(attrgetter("stem"), files)))


def load(root: Path) -> None:
    """Load what the report of a study is made with, before there is one to be made."""
    fonts.keep_in(root)
    for module in ("kinds.pareto", "kinds.compare"):
        import_module(f"{__name__}.{module}")
    for kind in ("pdf", "svg"):  # which matplotlib loads for its first file
        import_module(f"matplotlib.backends.backend_{kind}")


def run_report(
    store: RunStore,
    name: str,
    *,
    root: Path,
    out: Path,
    kind: str = PARETO,
    digest: str | None = None,
    generation: int | None = None,
    choices: Choices = Choices(),  # noqa: B008  (frozen)
) -> Report:
    """Write one report of one study, all of them, or a comparison of several.

    Args:
        name: of a study; of several, with spaces between, for `compare`.
        root: the project; its file `reports/KIND.py` goes before a report of that name in the
            package.
        out: folder of the files; made if it is not there. Each file is written aside and moved into
            place.
        kind: one of `kind_names`, or `all`.
        digest, generation: see `collect`; `compare` is of all of them by default.
        choices: of columns, width, axes, and the setting that a comparison is over.

    Raises:
        UnknownName: there is no such report, column, axis or setting.
        UserError: the store holds no such study.
    """
    place: dict[str, Any] = {"root": root, "out": out, "digest": digest, "choices": choices}
    if kind == ALL:
        return _all(store, name, place, generation)
    if kind not in kind_names(root):
        raise UnknownName("report", kind, [*kind_names(root), ALL])
    # before the first figure: a project's own report may load matplotlib, too
    fonts.keep_in(root)
    if compares(root, kind):
        return _comparison(store, names_of(name), **place)
    some: dict[str, Any] = {"digest": digest, "generation": generation, "catalog": _catalog(root)}
    if kind == CONFIRM and not (paths.reports(root) / f"{CONFIRM}.py").exists():
        return _confirmation(store, name, some, root=root, out=out, choices=choices)
    runs = replace(collect(store, name, **some), choices=choices)
    return _of_study(runs, kind, root=root, out=out)


def _of_study(runs: StudyRuns, kind: str, *, root: Path, out: Path) -> Report:
    """A report of one study, by the project's own file or the package's."""
    file = paths.reports(root) / f"{kind}.py"
    build = _build(file)
    with _told_as_ours(file):
        written, refused = _written(build, runs, out=out, root=root)
    frame = pareto_frame(runs)
    front = frame[frame["row"] == "front"].reset_index(drop=True)
    return Report(written, terminal(runs, frame), front, refused)


def _all(store: RunStore, name: str, place: Mapping[str, Any], generation: int | None) -> Report:
    """Every kind that there is; the table of the front is shown."""
    reports, lacking = {}, []
    layout = place["choices"].layout
    for kind in kind_names(place["root"]):
        # the front's table has most columns: one that it has may be in no other
        fitting = replace(layout, strict=kind == PARETO)
        place = {**place, "choices": replace(place["choices"], layout=fitting)}
        try:
            reports[kind] = run_report(store, name, kind=kind, generation=generation, **place)
        except UserError as error:
            # a store without specs has nothing to compare, and few studies are confirmed
            if kind not in (COMPARE, CONFIRM):
                raise
            lacking.append(f"Without {kind}: {str(error).splitlines()[0]}")
    files = sorted({path for report in reports.values() for path in report.paths})
    refused = next(filter(None, map(attrgetter("refused"), reports.values())), None)
    front = reports[PARETO]
    table = "\n\n".join([front.table, *lacking])
    return replace(front, paths=files, refused=refused, table=table)


def compares(root: Path, kind: str) -> bool:
    """Whether this is the package's comparison, which is of any number of studies."""
    return kind == COMPARE and not (paths.reports(root) / f"{COMPARE}.py").exists()


def names_of(text: str) -> list[str]:
    """The studies that a comparison is of, in their order, each once."""
    return list(dict.fromkeys(text.split()))


def _comparison(
    store: Any,
    names: list[str],
    *,
    root: Path,
    out: Path,
    digest: str | None,
    choices: Choices,
) -> Report:
    # loads matplotlib, which a report of the project's own may do without
    from framework.report.compare.comparison import compare
    from framework.report.kinds.compare import build

    catalog = _catalog(root)
    comparison = compare(store, names, catalog=catalog, digest=digest, choices=choices)
    written, refused = _written(build, comparison, out=out, root=root)
    return Report(written, comparison.table(), comparison.front(), refused)


def _confirmation(
    store: Any, name: str, some: Mapping[str, Any], *, root: Path, out: Path, choices: Choices
) -> Report:
    from framework.report.confirm.confirmation import confirmation
    from framework.report.kinds.confirm import build

    confirmed = replace(confirmation(store, name, **some), choices=choices)
    written, refused = _written(build, confirmed, out=out, root=root)
    return Report(written, confirmed.table(), confirmed.front(), refused)


def _written(
    build: Build, subject: Any, *, out: Path, root: Path
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
        packaged: Build = import_module(f"{__name__}.kinds.{path.stem}").build
        return packaged
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
