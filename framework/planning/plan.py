"""What is to be run: a study file with its overrides, resolved against the plug-ins.

Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework.contracts.project import Project, RunFiles, no_runs
from framework.errors import UserError
from framework.planning import project
from framework.planning.parts import dataset_of
from framework.planning.resolve import resolve
from framework.study import overrides
from framework.study.spec import HOW_MUCH

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.contracts.data import Task
    from framework.study.study import Study


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Args:
        overrides: as given on the command line, in their order.
        study: resolved.
        task: of its data set; it decides which metric says how good a net is.
    """

    name: str
    question: str
    overrides: tuple[str, ...]
    study: Study
    task: Task = "classes"

    @property
    def folder(self) -> str:
        """Name of its folder under `reports/out/`: an overridden study has one of its own."""
        return f"{self.name}@{self.study.digest[:8]}" if self._changed else self.name

    @property
    def _changed(self) -> bool:
        """Whether an override changes what is run, not only how much of it."""
        return any(overrides.key_of(setting) not in HOW_MUCH for setting in self.overrides)


def plan(
    root: Path,
    name: str,
    *,
    settings: Sequence[str],
    catalog: Catalog,
    run_file: RunFiles = no_runs,
) -> Plan:
    """The study `name` with overrides, resolved and checked.

    Nothing is written and no TensorFlow is loaded.

    Args:
        run_file: reads what a plug-in is to have of a finished run.

    Raises:
        UserError: anything that is wrong with the study or its data set.
    """
    file = project.load_study(root, name)
    try:
        study = resolve(overrides.apply(file.study, settings), catalog, root, run_file=run_file)
    except UserError as error:
        if not _names_its_override(error):
            project_files = Project(root, run_file)
            error.add_note(_where(file, settings, catalog, project_files, str(error)))
        raise
    return Plan(
        name, file.question, tuple(settings), study, dataset_of(study, catalog, root).info.task
    )


def _names_its_override(error: UserError) -> bool:
    return "In the override" in error.given


def _where(
    file: project.StudyFile,
    settings: Sequence[str],
    catalog: Catalog,
    files: Project,
    message: str,
) -> str:
    """The override that brings this message about, or the file."""
    # from the last: where the settings before one do not bring the message about, that one does
    for count in reversed(range(len(settings))):
        try:
            study = overrides.apply(file.study, settings[:count])
            resolve(study, catalog, files.root, run_file=files.run_file)
        except UserError as error:
            if str(error) == message:
                continue
        return f"In the override {settings[count]!r}."
    return f"In studies/{file.name}.py."
