"""All runs of an experiment by five questions to SQLite.

MLflow makes an object of each row: of 10 000 runs a million, in half a minute. Here a row is a
value in a dict. Only tables of a revision that is known are read so, and only read; whatever else
holds the runs is asked through MLflow.
"""

from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from framework.results.record import PREFIX
from framework.tracking.address import sqlite_file

log = logging.getLogger("framework")

# of MLflow's tables, those that mean what is read here: a later one may keep values elsewhere
REVISIONS = frozenset({"dc11669786a5"})
WAIT_SECONDS = 5.0  # for whoever writes; MLflow's client waits longer
FEW = 100  # runs, which a question can name one by one
MANY = 1000  # runs, of which a reader notices that they come page by page
ONE = "run_uuid = ? AND lifecycle_stage = 'active'"
ACTIVE = "experiment_id = ? AND lifecycle_stage = 'active'"
HAS_TAG = "EXISTS (SELECT 1 FROM tags WHERE run_uuid = runs.run_uuid AND key = ? AND value = ?)"
# an empty name is that of a tag, as MLflow has it
NAME = (
    "COALESCE(NULLIF(name, ''), "
    "(SELECT value FROM tags WHERE run_uuid = runs.run_uuid AND key = 'mlflow.runName'))"
)

# tags of MLflow's own are none of ours, and curves are read elsewhere
PARTS = {
    "tags": "SELECT run_uuid, key, value FROM tags WHERE key GLOB 'squeezelab.*'",
    "params": "SELECT run_uuid, key, value FROM params WHERE true",
    "metrics": "SELECT run_uuid, key, value FROM latest_metrics WHERE key NOT GLOB 'epoch[./]*'",
}
# SQLite has no such number: it has 0 there and a mark beside it
NANS = "SELECT run_uuid, key FROM latest_metrics WHERE is_nan"


@dataclass(frozen=True)
class Info:
    """What MLflow says of a run, by its names for it."""

    run_id: str
    run_name: str | None
    status: str
    start_time: int | None
    end_time: int | None
    artifact_uri: str


@dataclass(frozen=True)
class Data:
    """What a run was given and what it measured, by the names of the store."""

    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredRun:
    """A run as far as we read it: an `mlflow.entities.Run` has the same attributes."""

    info: Info
    data: Data


class Bulk:
    """Reads many runs at once, where the store is a file whose tables are known.

    Args:
        uri: as `database.prepare` returns it.
    """

    def __init__(self, uri: str) -> None:
        self._file = sqlite_file(uri)
        self._said = False

    def runs(self, experiment: str, tags: Mapping[str, str]) -> list[StoredRun] | None:
        """The active runs of an experiment that have these tags.

        Args:
            tags: by names of `record.TAGS`.

        Returns:
            None where they have to be asked for through MLflow.
        """
        conditions = [ACTIVE, *[HAS_TAG] * len(tags)]
        values: list[str] = [experiment]
        for name, value in tags.items():
            values += [f"{PREFIX}{name}", value]
        return self._read(" AND ".join(conditions), values)

    def run(self, run_id: str) -> StoredRun | None:
        """One active run; None where it has to be asked for through MLflow, or there is none."""
        found = self._read(ONE, [run_id])
        return found[0] if found else None

    def _read(self, where: str, values: list[str]) -> list[StoredRun] | None:
        """The runs of a condition; None where they have to be asked for through MLflow."""
        if self._file is None:
            return None
        try:
            address = f"{self._file.as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS)) as database:
                (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
                if revision in REVISIONS:
                    return _read(database, where, values)
        # locked, damaged, empty or not there: MLflow's client waits, or says what it is
        except (sqlite3.Error, TypeError):
            return None
        self._warn_once(
            "The store's tables are of a revision that is not known here (%s): runs are read "
            "through MLflow, which takes longer.",
            revision,
        )
        return None

    def asked_elsewhere(self, count: int) -> None:
        """Say that so many runs came through MLflow, where it is a server that has them."""
        if self._file is None and count >= MANY:
            self._warn_once(
                "%d runs were read from a server, page by page, which takes longer than from a "
                "file.",
                count,
            )

    def _warn_once(self, message: str, value: object) -> None:
        """Once for a store."""
        if not self._said:
            self._said = True
            log.warning(message, value)


def _read(database: sqlite3.Connection, where: str, values: list[str]) -> list[StoredRun]:
    # all questions see the store as it is now, whoever writes meanwhile
    database.execute("BEGIN")
    columns = f"run_uuid, {NAME}, status, start_time, end_time, artifact_uri"
    rows = database.execute(f"SELECT {columns} FROM runs WHERE {where}", values)  # noqa: S608
    runs = {row[0]: StoredRun(Info(*row), Data()) for row in rows}
    if not runs:
        return []
    # to ask again which runs they are takes longer than to name a few
    mine = f"run_uuid IN (SELECT run_uuid FROM runs WHERE {where})"  # noqa: S608
    if len(runs) <= FEW:
        mine, values = f"run_uuid IN ({', '.join('?' * len(runs))})", list(runs)
    for part, question in PARTS.items():
        _fill(runs, part, database.execute(f"{question} AND {mine}", values))
    for run_id, key in database.execute(f"{NANS} AND {mine}", values):
        runs[run_id].data.metrics[key] = math.nan
    return list(runs.values())


def _fill(runs: Mapping[str, StoredRun], part: str, rows: Iterable[tuple[str, str, Any]]) -> None:
    """Rows of (run, name, value) into the part of each run."""
    # all runs have the same names, and mostly the same words: each is kept once
    once: dict[Any, Any] = {}
    kept = once.setdefault
    # found by run, so those of one come together
    for run_id, of_run in groupby(rows, itemgetter(0)):
        values = getattr(runs[run_id].data, part)
        if part == "metrics":
            values.update({kept(key, key): value for _, key, value in of_run})
        else:
            values.update({kept(key, key): kept(value, value) for _, key, value in of_run})
