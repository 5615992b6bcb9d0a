"""MLflow's store in memory: what its client is asked for by the runner, down to single writes.

Stands below `tracking.store`, `tracking.client` and `tracking.artifacts`, whose code is the real
one: the order of writes, the attempts that are made again, the manifest.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mlflow.exceptions import MlflowException
from mlflow.protos import databricks_pb2 as codes
from mlflow.store.entities import PagedList

from benchmarks.chaos.moments import FILE, SERVER, Away, Clock, DiskFull, Moments
from framework.tracking.artifacts import RunFiles
from framework.tracking.client import Client

T = TypeVar("T")
URI, TABLES_URI = "http://simulated", "simulated://"  # of a server, and of a database
CONDITION = re.compile(r"(tags|attributes)\.`?([\w.]+)`? = '([^']*)'")


@dataclass
class Info:
    """Of a run, as MLflow's."""

    run_id: str
    run_name: str
    status: str
    start_time: int
    end_time: int | None = None
    artifact_uri: str = URI
    experiment_id: str = "1"


@dataclass
class Data:
    """Of a run, as MLflow's.

    Args:
        points: (name, step, value, time in ms), each once as MLflow's store has them.
    """

    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    points: dict[tuple[str, int, float, int], None] = field(default_factory=dict)


@dataclass
class StoredRun:
    """A run, and the files of it."""

    info: Info
    data: Data
    files: dict[str, bytes] = field(default_factory=dict)
    inputs: Any = None
    outputs: Any = None


@dataclass
class StoredModel:
    """A model, as MLflow's."""

    model_id: str
    source_run_id: str
    status: str = "PENDING"


@dataclass
class Outputs:
    """Of a run, as MLflow's."""

    model_outputs: list[Any] = field(default_factory=list)


@dataclass
class Experiment:
    """As MLflow's."""

    experiment_id: str
    name: str
    tags: dict[str, str]
    lifecycle_stage: str = "active"


class Database:
    """What is stored; it outlives sessions."""

    def __init__(self) -> None:
        self.experiments: dict[str, Experiment] = {}
        self.runs: dict[str, StoredRun] = {}
        self.models: dict[str, StoredModel] = {}
        self.models_ever = 0


class Server:
    """MLflow's client, as one session has it.

    Args:
        database: where it writes.
        moments: at which a call may fail.
        clock: of the machine.
    """

    def __init__(self, database: Database, moments: Moments, clock: Clock) -> None:
        self._database, self._moments, self._clock = database, moments, clock

    # --- experiments ------------------------------------------------------------------------------

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """See MLflow's."""
        return self._call("get experiment", lambda: self._database.experiments.get(name))

    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """See MLflow's."""
        if name in self._database.experiments:
            raise MlflowException("It exists.", codes.RESOURCE_ALREADY_EXISTS)
        made = Experiment("1", name, dict(tags or {}))
        self._call("create experiment", partial(self._database.experiments.__setitem__, name, made))
        return made.experiment_id

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        """See MLflow's."""
        for experiment in self._database.experiments.values():
            if experiment.experiment_id == experiment_id:
                step = partial(experiment.tags.__setitem__, key, value)
                self._call("tag experiment", step)

    # --- runs -------------------------------------------------------------------------------------

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str = "",
        page_token: str | None = None,
        **_: Any,
    ) -> PagedList[StoredRun]:
        """See MLflow's: all on one page."""
        conditions = CONDITION.findall(filter_string)

        def search() -> PagedList[StoredRun]:
            runs = [run for run in self._database.runs.values() if _meets(run, conditions)]
            return PagedList(runs, None)

        return self._call("search runs", search)

    def get_run(self, run_id: str) -> StoredRun:
        """See MLflow's."""
        return self._call("get run", lambda: self._database.runs[run_id])

    def create_run(
        self, experiment_id: str, *, tags: Mapping[str, str], run_name: str
    ) -> StoredRun:
        """See MLflow's."""
        # what MLflow draws at random comes from nothing that another attempt would repeat
        run_id = f"{len(self._database.runs) + 1:032x}"
        info = Info(run_id, run_name, "RUNNING", self._now_ms())
        run = StoredRun(info, Data(dict(tags)))
        self._call("create run", partial(self._database.runs.__setitem__, run_id, run))
        return run

    def update_run(self, run_id: str, status: str) -> None:
        """See MLflow's."""
        self._call(f"set {status}", partial(setattr, self._info(run_id), "status", status))

    def set_terminated(self, run_id: str, status: str) -> None:
        """See MLflow's, which writes both in one transaction."""
        ended = {"status": status, "end_time": self._now_ms()}
        self._call(f"end {status}", partial(vars(self._info(run_id)).update, ended))

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Any] = (),
        params: Sequence[Any] = (),
        tags: Sequence[Any] = (),
    ) -> None:
        """See MLflow's, whose store writes parameters, metrics and tags one after the other."""
        data = self._database.runs[run_id].data
        steps: list[Callable[[], None]] = []
        if params:
            steps.append(partial(data.params.update, {one.key: one.value for one in params}))
        if metrics:
            steps.append(partial(add_points, data, metrics))
        if tags:
            steps.append(partial(data.tags.update, {one.key: one.value for one in tags}))
        self._call("log batch", *steps)

    def log_inputs(self, run_id: str, datasets: Sequence[Any]) -> None:
        """See MLflow's."""
        run = self._database.runs[run_id]
        self._call("log inputs", partial(setattr, run, "inputs", datasets))

    # --- models -----------------------------------------------------------------------------------

    def create_logged_model(
        self, experiment_id: str, *, source_run_id: str, **facts: Any
    ) -> StoredModel:
        """See MLflow's."""
        self._database.models_ever += 1
        model = StoredModel(f"m-{self._database.models_ever:032x}", source_run_id)
        step = partial(self._database.models.__setitem__, model.model_id, model)
        self._call("create model", step)
        return model

    def search_logged_models(
        self, experiment_ids: Sequence[str], *, filter_string: str
    ) -> Sequence[StoredModel]:
        """See MLflow's."""
        _, _, run_id = filter_string.partition(" = ")

        def search() -> list[StoredModel]:
            models = self._database.models.values()
            return [model for model in models if model.source_run_id == run_id.strip("'")]

        return self._call("search models", search)

    def log_outputs(self, run_id: str, models: Sequence[Any]) -> None:
        """See MLflow's."""
        run = self._database.runs[run_id]
        run.outputs = run.outputs or Outputs()
        self._call("log outputs", partial(run.outputs.model_outputs.extend, models))

    def finalize_logged_model(self, model_id: str, status: str) -> None:
        """See MLflow's."""
        model = self._database.models[model_id]
        self._call(f"model {status}", partial(setattr, model, "status", status))

    def delete_logged_model(self, model_id: str) -> None:
        """See MLflow's."""
        self._call("delete model", partial(self._database.models.pop, model_id, None))

    # --- inside -----------------------------------------------------------------------------------

    def _call(self, what: str, *steps: Callable[[], T]) -> T:
        return answer(self._moments, SERVER, what, *steps)

    def _info(self, run_id: str) -> Info:
        return self._database.runs[run_id].info

    def _now_ms(self) -> int:
        return self._clock.time_ns() // 1_000_000


def answer(moments: Moments, where: str, what: str, *steps: Callable[[], T]) -> T:
    """What the last of a write's steps returns; what is refused is an error as MLflow's."""
    try:
        told: T = moments.write(where, what, *steps)
        return told
    except Away as error:
        raise MlflowException(f"API request to {URI} failed with made up") from error
    except DiskFull as error:
        full = sqlite3.OperationalError("database or disk is full")
        full.__cause__ = error
        raise MlflowException(str(full)) from full


class SimulatedClient(Client):
    """The client of `tracking`, with this server behind it."""

    def __init__(self, server: Server) -> None:
        # it has answered before: what has never answered is not waited for
        self._answered, self._uri, self._client = True, URI, server  # type: ignore[assignment]


class MemoryFiles(RunFiles):
    """The artifacts of runs, whose files are in memory: one write a file, whole or not at all."""

    def __init__(self, database: Database, moments: Moments, client: Client) -> None:
        super().__init__(Path(), client)
        self._database, self._moments = database, moments

    def _where(self, run_id: str) -> str:
        return run_id

    def _read(self, run_id: str, name: str) -> bytes | None:
        return self._database.runs[run_id].files.get(name)

    def _write(self, run_id: str, files: Mapping[str, bytes]) -> None:
        stored = self._database.runs[run_id].files
        for name, content in files.items():
            self._moments.write(FILE, f"write {name}", partial(stored.__setitem__, name, content))

    def _delete(self, run_id: str, name: str) -> None:
        stored = self._database.runs[run_id].files
        self._moments.write(FILE, f"delete {name}", partial(stored.pop, name, None))


def _meets(run: StoredRun, conditions: Sequence[tuple[str, str, str]]) -> bool:
    for kind, name, value in conditions:
        if (run.data.tags.get(name) if kind == "tags" else getattr(run.info, name)) != value:
            return False
    return True


def add_points(data: Data, metrics: Sequence[Any]) -> None:
    """Note values of metrics."""
    for metric in metrics:
        data.points[metric.key, metric.step, metric.value, metric.timestamp] = None
        data.metrics[metric.key] = metric.value
