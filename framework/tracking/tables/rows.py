"""Rows of MLflow's tables, by the names of its own classes for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]
"""Column -> value."""
Age = tuple[int, int, float]
"""Step, time and value: of two values of a metric the greater is the later, as MLflow has it."""


class Rows:
    """What one transaction reads and writes.

    Args:
        session: of SQLAlchemy, as MLflow's store makes it.
    """

    def __init__(self, session: Any) -> None:
        from mlflow.store.tracking.dbmodels import models

        self._session, self._classes = session, models

    def location(self, experiment: str) -> str:
        """Where the artifacts of an experiment are.

        Raises:
            MlflowException: it is not there, or was deleted.
        """
        kind = self._class("SqlExperiment")
        # the column holds a number, and PostgreSQL compares it with none but such
        is_it = kind.experiment_id == int(experiment), kind.lifecycle_stage == "active"
        return str(self._only(f"experiment {experiment}", kind.artifact_location, is_it))

    def experiment_of(self, run_id: str) -> int:
        """The experiment of a run.

        Raises:
            MlflowException: the run is not there, or was deleted.
        """
        kind = self._class("SqlRun")
        is_it = kind.run_uuid == run_id, kind.lifecycle_stage == "active"
        return int(self._only(f"run {run_id}", kind.experiment_id, is_it))

    def dataset(self, experiment: int, name: str, digest: str) -> str | None:
        """The id of an experiment's data set."""
        from sqlalchemy import select

        kind = self._class("SqlDataset")
        is_it = kind.experiment_id == experiment, kind.name == name, kind.digest == digest
        found = self._session.execute(select(kind.dataset_uuid).where(*is_it))
        uuid: str | None = found.scalar_one_or_none()
        return uuid

    def latest(self, run_id: str) -> dict[str, Age]:
        """How late the latest values of a run's metrics are, by their names."""
        from sqlalchemy import select

        kind = self._class("SqlLatestMetric")
        asked = select(kind.key, kind.step, kind.timestamp, kind.value)
        found = self._session.execute(asked.where(kind.run_uuid == run_id))
        return {name: (step, timestamp, value) for name, step, timestamp, value in found}

    def insert(self, name: str, rows: Sequence[Row], *, of: Row | None = None) -> None:
        """Add rows.

        Args:
            name: of MLflow's class.
            of: columns that all of them have.
        """
        from sqlalchemy import insert

        if rows:
            whole = [row | (of or {}) for row in rows]
            self._session.execute(insert(self._class(name).__table__), whole)

    def put(self, name: str, rows: Sequence[Row], *, run_id: str) -> None:
        """Add rows of a run in place of those of the same keys."""
        from sqlalchemy import delete

        if rows:
            kind, keys = self._class(name), [row["key"] for row in rows]
            mine = kind.run_uuid == run_id, kind.key.in_(keys)
            self._session.execute(delete(kind).where(*mine))
            self.insert(name, rows, of={"run_uuid": run_id})

    def end(self, run_id: str, *, status: str, time_ms: int) -> None:
        """Set how and when a run ended."""
        from sqlalchemy import update

        kind = self._class("SqlRun")
        ended = update(kind).where(kind.run_uuid == run_id)
        self._session.execute(ended.values(status=status, end_time=time_ms))

    def _class(self, name: str) -> Any:
        return getattr(self._classes, name)

    def _only(self, what: str, column: Any, conditions: Sequence[Any]) -> Any:
        from mlflow.exceptions import MlflowException
        from sqlalchemy import select

        found = self._session.execute(select(column).where(*conditions)).scalar_one_or_none()
        if found is None:
            raise MlflowException(f"The {what} is not there: it was deleted meanwhile.")
        return found


def pairs(values: Mapping[str, str], prefix: str = "") -> list[Row]:
    """Names and values as columns.

    Args:
        prefix: of the two columns' names, as `param_`.
    """
    return [{f"{prefix}key": name, f"{prefix}value": value} for name, value in values.items()]
