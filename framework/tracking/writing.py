"""Beginnings and ends of runs: what they are, and through whom they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric

    from framework.results.record import Status
    from framework.tracking.client import Client
    from framework.tracking.models import Model, Models


@dataclass(frozen=True)
class Beginning:
    """What a run begins with.

    Args:
        experiment: its id.
        name: what MLflow's pages show.
        tags, params: by their names in the store.
    """

    experiment: str
    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]


@dataclass(frozen=True)
class End:
    """What a run ends with.

    Args:
        metrics: of the run, its curves among them.
        tags: by their names in the store.
        model: of its file; None where it has none.
        data: that it used; None where that is not known.
    """

    status: Status
    metrics: Sequence[Metric]
    tags: Mapping[str, str]
    model: Model | None
    data: DatasetInput | None


class Writer(Protocol):
    """Writes how runs begin and end."""

    def begin(self, beginning: Beginning) -> Any:
        """A RUNNING run, with what MLflow says of one: id and location of its artifacts."""

    def end(self, run_id: str, end: End) -> str:
        """The id of the run's model; empty if it has none. The status is the very last."""


class Calls:
    """By the calls of MLflow's client, as a server takes them.

    Args:
        client: MLflow's.
        models: of the same store.
        key: the tag whose value no other RUNNING run of an experiment has.
    """

    def __init__(self, client: Client, models: Models, *, key: str) -> None:
        self._client, self._models, self._key = client, models, key

    def begin(self, beginning: Beginning) -> Any:
        """See `Writer`; no second run where only the answer to an attempt was lost."""
        name, tags = beginning.name, beginning.tags
        run = self._client.create_once(beginning.experiment, name=name, tags=tags, key=self._key)
        self._client.log(run.info.run_id, params=beginning.params)
        return run

    def end(self, run_id: str, end: End) -> str:
        """See `Writer`."""
        if end.data:
            self._client.log_inputs(run_id, [end.data])
        model = self._models.create(run_id, end.model) if end.model else ""
        metrics = list(self._models.owned(end.metrics, model))
        self._client.log(run_id, metrics=metrics, tags=end.tags)
        if model:
            self._models.finish(run_id, model)
        self._client.set_terminated(run_id, status=end.status)
        return model
