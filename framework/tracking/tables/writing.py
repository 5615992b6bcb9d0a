"""Beginnings and ends of runs, each in one transaction, where the store is a database.

MLflow's client takes two calls and six, each with sessions of its own and an object for each
value: four times as long, and a kill between two of them leaves half an end. The rows are the same.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from framework.system import paths
from framework.tracking.bulk import Data, Info, StoredRun
from framework.tracking.client import open_tables
from framework.tracking.tables.rows import Age, Row, Rows, pairs

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow.entities import DatasetInput, Metric

    from framework.tracking.client import Client
    from framework.tracking.models import Model
    from framework.tracking.writing import Beginning, End

ACTIVE = "active"
NAME_TAG = "mlflow.runName"
# what MLflow's client says of a run that no script of its own began
NO_SOURCE = {
    "source_type": "UNKNOWN",
    "source_name": "",
    "source_version": "",
    "entry_point_name": "",
    "user_id": "unknown",
}


class Tables:
    """Writes into MLflow's tables, in sessions of its own store.

    Args:
        root: the project's folder, absolute.
        uri: as `database.prepare` returns it; of a database.
        client: MLflow's, for its patience and its errors.
    """

    def __init__(self, root: Path, uri: str, client: Client) -> None:
        self._root, self._uri, self._client = root, uri, client
        self._store: Any = None  # opened when the first run begins or ends

    def begin(self, beginning: Beginning) -> StoredRun:
        """See `Writer`.

        Raises:
            SqueezelabError: the experiment was deleted, or the database does not take it.
        """
        return self._client.patiently(lambda: self._begin(beginning))

    def end(self, run_id: str, end: End) -> str:
        """See `Writer`.

        Raises:
            SqueezelabError: the run was deleted, or the database does not take it.
        """
        return self._client.patiently(lambda: self._end(run_id, end))

    @contextmanager
    def _rows(self) -> Iterator[Rows]:
        self._store = self._store or open_tables(self._uri, paths.artifacts(self._root))
        with self._store.ManagedSessionMaker(read_only=False) as session:
            yield Rows(session)

    def _begin(self, beginning: Beginning) -> StoredRun:
        # MLflow's store draws its ids so, too
        run_id, status, now_ms = uuid.uuid4().hex, "RUNNING", _now_ms()
        with self._rows() as rows:
            files = _below(rows.location(beginning.experiment), run_id)
            run = {
                "name": beginning.name,
                "experiment_id": int(beginning.experiment),
                "artifact_uri": files,
                "status": status,
                "start_time": now_ms,
                "lifecycle_stage": ACTIVE,
            }
            of = {"run_uuid": run_id}
            rows.insert("SqlRun", [NO_SOURCE | run], of=of)
            # what its pages show is the tag, and where that is missing the column
            rows.insert("SqlTag", pairs({**beginning.tags, NAME_TAG: beginning.name}), of=of)
            rows.insert("SqlParam", pairs(beginning.params), of=of)
        return StoredRun(Info(run_id, beginning.name, status, now_ms, None, files), Data())

    def _end(self, run_id: str, end: End) -> str:
        from mlflow.utils import validation

        # MLflow's own rules of names and numbers
        check: Any = validation._validate_batch_log_data
        metrics, _, _ = check(list(end.metrics), [], [])
        values, model = [_value(metric) for metric in dict.fromkeys(metrics)], ""
        with self._rows() as rows:
            # before all else: a run that was deleted is to have no more rows
            experiment = rows.experiment_of(run_id)
            rows.insert("SqlMetric", values, of={"run_uuid": run_id})
            rows.put("SqlLatestMetric", list(_later(values, rows.latest(run_id))), run_id=run_id)
            rows.put("SqlTag", pairs(end.tags), run_id=run_id)
            if end.data:
                _use(rows, end.data, run_id=run_id, experiment=experiment)
            if end.model:
                model = _add_model(rows, end.model, run_id=run_id, experiment=experiment)
                of = {"model_id": model, "experiment_id": experiment, "run_id": run_id}
                about = [_model_value(metric) for metric in metrics if end.model.shows(metric.key)]
                rows.insert("SqlLoggedModelMetric", about, of=of)
            rows.end(run_id, status=end.status, time_ms=_now_ms())
        return model


def _use(rows: Rows, data: DatasetInput, *, run_id: str, experiment: int) -> None:
    """Note which data a run used; an experiment has a row for each data set, not for each run."""
    dataset = data.dataset
    dataset_id = rows.dataset(experiment, dataset.name, dataset.digest)
    if dataset_id is None:
        dataset_id = uuid.uuid4().hex
        facts = {
            "dataset_uuid": dataset_id,
            "experiment_id": experiment,
            "name": dataset.name,
            "digest": dataset.digest,
            "dataset_source_type": dataset.source_type,
            "dataset_source": dataset.source,
            "dataset_schema": dataset.schema,
            "dataset_profile": dataset.profile,
        }
        rows.insert("SqlDataset", [facts])
    link = _link(("DATASET", dataset_id), ("RUN", run_id))
    rows.insert("SqlInput", [link])
    tags = [{"name": tag.key, "value": tag.value} for tag in data.tags]
    rows.insert("SqlInputTag", tags, of={"input_uuid": link["input_uuid"]})


def _add_model(rows: Rows, model: Model, *, run_id: str, experiment: int) -> str:
    """A model that is READY, to which its run leads; its id."""
    from mlflow.entities import LoggedModelStatus

    model_id, now_ms = f"m-{uuid.uuid4().hex}", _now_ms()
    facts = {
        "name": model.name,
        "artifact_location": _below(rows.location(model.experiment), "models", model_id),
        "creation_timestamp_ms": now_ms,
        "last_updated_timestamp_ms": now_ms,
        "status": LoggedModelStatus.READY.to_int(),
        "lifecycle_stage": ACTIVE,
        "model_type": model.kind,
        "source_run_id": run_id,
    }
    of = {"model_id": model_id, "experiment_id": experiment}
    rows.insert("SqlLoggedModel", [facts], of=of)
    rows.insert("SqlLoggedModelParam", pairs(model.params, "param_"), of=of)
    rows.insert("SqlLoggedModelTag", pairs(model.tags, "tag_"), of=of)
    # MLflow's page of a run leads to its models by links alone
    rows.insert("SqlInput", [_link(("RUN_OUTPUT", run_id), ("MODEL_OUTPUT", model_id))])
    return model_id


def _link(source: tuple[str, str], destination: tuple[str, str]) -> Row:
    """From one thing to another, each by its type and id."""
    ends = {"source_type": source[0], "source_id": source[1]}
    ends |= {"destination_type": destination[0], "destination_id": destination[1]}
    return {"input_uuid": uuid.uuid4().hex, **ends, "step": 0}


def _below(location: str, *names: str) -> str:
    """The artifacts of what has a place below an experiment's."""
    from mlflow.utils import uri

    place: Any = uri.append_to_uri_path
    return str(place(location, *names, "artifacts"))


def _value(metric: Metric) -> Row:
    names = ("key", "value", "timestamp", "step")
    return {name: getattr(metric, name) for name in names} | {"is_nan": False}


def _model_value(metric: Metric) -> Row:
    return {
        "metric_name": metric.key,
        "metric_value": metric.value,
        "metric_timestamp_ms": metric.timestamp,
        "metric_step": metric.step,
    }


def _later(values: Iterable[Row], before: Mapping[str, Age]) -> Iterator[Row]:
    """Of each metric its latest value, if it is later than the one before."""
    latest = {row["key"]: row for row in sorted(values, key=_age)}
    for name, row in latest.items():
        if name not in before or _age(row) > before[name]:
            yield row


def _age(row: Row) -> Age:
    return row["step"], row["timestamp"], row["value"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
