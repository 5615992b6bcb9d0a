"""Which experiment of MLflow is a study's, and its creation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import SqueezelabError, UserError
from framework.system import paths
from framework.tracking.address import REMOTE
from framework.tracking.client import error_code
from framework.tracking.conversion import prefixed

if TYPE_CHECKING:
    from framework.tracking.client import Client


class Experiments:
    """The experiment of each study, which has the study's name.

    Args:
        root: the project's folder, absolute.
        uri: as `database.prepare` returns it.
        client: MLflow's.
    """

    def __init__(self, root: Path, uri: str, client: Client) -> None:
        self._root, self._uri, self._client = root, uri, client
        self._ids: dict[str, str] = {}  # by study

    def find(self, study: str) -> str | None:
        """The id of a study's experiment; None if there is none, or it was deleted."""
        if study not in self._ids:
            experiment = self._client.get_experiment_by_name(study)
            if experiment is None or experiment.lifecycle_stage != "active":
                return None
            self._ids[study] = experiment.experiment_id
        return self._ids[study]

    def find_or_create(self, study: str) -> str:
        """The id of a study's experiment, which is created on first use.

        Raises:
            SqueezelabError: the name cannot be that of a file.
            UserError: the experiment was deleted in the MLflow UI.
        """
        experiment = self.find(study)
        if experiment is None:
            experiment = self._create(study)
        return self._ids.setdefault(study, experiment)

    def _create(self, study: str) -> str:
        if Path(study).name != study or not study.strip("."):
            raise SqueezelabError(
                "A study's name is the name of a file.", given=f"Given: {study!r}."
            )
        try:
            return self._client.create_experiment(
                study, artifact_location=self._location(study), tags=prefixed({"study": study})
            )
        except SqueezelabError as error:
            if error_code(error) != "RESOURCE_ALREADY_EXISTS":
                raise
            # Another process was faster, or the name belongs to an experiment that is deleted.
            experiment = self.find(study)
            if experiment is None:
                raise _deleted(study) from error
            return experiment

    def _location(self, study: str) -> str | None:
        # A server keeps artifacts where it likes.
        if self._uri.startswith(REMOTE):
            return None
        return (paths.artifacts(self._root) / study).as_uri()


def _deleted(study: str) -> UserError:
    return UserError(
        f"The experiment {study!r} was deleted in the MLflow UI and still holds its name.",
        todo=f"Restore it with `.venv/bin/mlflow experiments restore`, or forget it for good: make "
        f"forget NAME={study}",
    )
