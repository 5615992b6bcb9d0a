"""Forgetting a study in the store.

Its experiment and its runs go for good, and its name is free again.

MLflow's own deletion only hides: the rows stay and the experiment keeps its name. What `mlflow gc`
then does to all that is hidden is done here to one experiment, by the same two methods, which
MLflow offers nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from framework.errors import UserError
from framework.results.record import PREFIX
from framework.system import paths
from framework.tracking.address import REMOTE, check_answers, hide_password
from framework.tracking.client import open_tables, pages, to_its_end, translated

RUNS_PER_PAGE = 1000


class Database:
    """The tables behind the store; what was deleted in the MLflow UI is seen here too.

    Args:
        root: the project's folder, absolute.
        uri: as `database.prepare` returns it.

    Raises:
        UserError: a server keeps the runs.
    """

    def __init__(self, root: Path, uri: str) -> None:
        if uri.startswith(REMOTE):
            raise UserError(
                "The runs are on a server, and only there they can be deleted for good.",
                given=f"Store: {hide_password(uri)}.",
                todo="Delete the study's experiment in the server's UI, then run `mlflow gc` on "
                "the server.",
            )
        self._uri = uri
        check_answers(uri)
        self._tables = open_tables(uri, paths.artifacts(root))

    def studies(self) -> list[str]:
        """Names of all studies, sorted."""
        return sorted(self._experiments())

    def run_ids(self, study: str) -> list[str]:
        """All runs of a study."""
        experiment = self._experiments().get(study)
        if experiment is None:
            return []
        return [run.info.run_id for run in self._runs(experiment.experiment_id)]

    def forget(self, study: str) -> None:
        """Delete a study's runs and its experiment.

        One that is begun and interrupted can be begun again.
        """
        experiment = self._experiments().get(study)
        if experiment is None:
            return
        # MLflow removes only what is hidden, and from here on nobody takes what is left for all.
        if experiment.lifecycle_stage == "active":
            self._do("delete_experiment", experiment.experiment_id)
        for run_id in self.run_ids(study):
            self._unlink(run_id)
            self._do("_hard_delete_run", run_id)
        self._do("_hard_delete_experiment", experiment.experiment_id)

    def _unlink(self, run_id: str) -> None:
        """Delete which data a run used and to which model it leads: MLflow leaves these rows."""
        from mlflow.store.tracking.dbmodels.models import SqlInput, SqlInputTag

        ends: Any = (SqlInput.source_id == run_id) | (SqlInput.destination_id == run_id)
        with to_its_end(), translated(self._uri), self._do("ManagedSessionMaker") as session:
            links = [link.input_uuid for link in session.query(SqlInput).filter(ends)]
            for rows, key in (
                (SqlInputTag, SqlInputTag.input_uuid),
                (SqlInput, SqlInput.input_uuid),
            ):
                session.query(rows).filter(key.in_(links)).delete(synchronize_session=False)

    def _experiments(self) -> dict[str, Any]:
        """Name -> experiment, of studies."""
        from mlflow.entities import ViewType

        everything = self._pages(
            "search_experiments", view_type=ViewType.ALL, max_results=RUNS_PER_PAGE
        )
        return {
            experiment.name: experiment
            for experiment in everything
            if f"{PREFIX}study" in experiment.tags
        }

    def _runs(self, experiment: str) -> Iterator[Any]:
        from mlflow.entities import ViewType

        return self._pages("search_runs", [experiment], "", ViewType.ALL, max_results=RUNS_PER_PAGE)

    def _pages(self, method: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        return pages(partial(self._do, method, *arguments, **options))

    def _do(self, method: str, *arguments: Any, **options: Any) -> Any:
        with to_its_end(), translated(self._uri):
            return getattr(self._tables, method)(*arguments, **options)
