"""Studies from Python.

Run one or load some, and look at their fronts, tables and figures in a notebook or a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from framework.contracts import Catalog
from framework.contracts.data import DataInfo, Samples
from framework.display.progress import Progress, screen
from framework.errors import InvalidValue, UnknownName
from framework.notebook.figure import Figure
from framework.notebook.result import DIGITS, Result, opened
from framework.notebook.several import Results
from framework.planning.own_plugins import catalog_of
from framework.planning.parts import dataset_of
from framework.planning.plan import Plan
from framework.planning.project import check_name, study_names
from framework.planning.resolve import resolve
from framework.study import overrides
from framework.study.study import Study
from framework.system import paths
from framework.system.paths import find_root
from framework.tracking.lookup import plan_of, run_file_of

__all__ = ["Figure", "OpenData", "Result", "Results", "data", "load", "run"]

Shape = tuple[int, ...]
UNNAMED = "notebook"  # the experiment of studies that have neither a file nor a name


@dataclass(frozen=True)
class OpenData:
    """A data set as nets see it, without its test split: that is measured by `make confirm` alone.

    Args:
        info: its task, classes and inputs.
        train, calibration, validation: each with `inputs`, by name, and `labels`.
    """

    info: DataInfo
    train: Samples
    calibration: Samples
    validation: Samples


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
            conclude(opened(root), error.outcome, root=root, out=out)
        raise
    conclude(opened(root), outcome, root=root, out=out)
    return Result(planned.name, planned.study.digest, outcome.generation, root)


def load(*names: str, settings: Sequence[str] = (), digest: str | None = None) -> Result:
    """Studies as the store holds them; nothing is run; see `framework.load`."""
    if not names:
        raise InvalidValue(
            "What is loaded has a name.", todo='Give one or more: framework.load("NAME").'
        )
    if len(names) > 1 and (settings or digest is not None):
        raise InvalidValue(
            "Overrides and a digest are those of one study.",
            given=f"Given: {', '.join(names)}.",
            todo="Load each of them by itself.",
        )
    root = find_root(Path.cwd())
    results = [_load(root, name, settings=settings, digest=digest) for name in names]
    return results[0] if len(results) == 1 else Results.of(results)


def _load(root: Path, name: str, *, settings: Sequence[str], digest: str | None) -> Result:
    from framework.report import collect

    catalog = catalog_of(root)
    store = opened(root)
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


def data(name: str, *, shapes: Mapping[str, Shape] | None = None, **knobs: Any) -> OpenData:
    """The open splits of a data set; see `framework.data`."""
    root = find_root(Path.cwd())
    dataset = catalog_of(root).datasets.build(name, knobs).located(root)
    dataset.check_available(root)
    splits = dataset.load(root, shapes or dataset.info.inputs)
    return OpenData(dataset.info, splits.train, splits.calibration, splits.validation)


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
