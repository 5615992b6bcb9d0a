"""MLflow's store behind the address of a database, which its client has inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from framework.system import paths
from framework.tracking.client import quiet, translated


def open_tables(root: Path, uri: str) -> Any:
    """An `mlflow.store.tracking.sqlalchemy_store.SqlAlchemyStore`.

    Args:
        root: the project's folder, absolute.
        uri: as `database.prepare` returns it.

    Raises:
        SqueezelabError: the database does not answer, or is none.
    """
    with quiet(), translated(uri):
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        make: Any = SqlAlchemyStore
        return make(uri, paths.artifacts(root).as_uri())
