"""The exported files as MLflow's models, which its pages list, compare and lead from.

Only what is known of a file: a model of MLflow's own is a folder that it loads by unpickling, and
there is none. The file stays the artifact of its run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from framework.results.record import MODEL_TFLITE, PREFIX
from framework.tracking.client import Client, NotOffered, metrics_of, pages
from framework.tracking.writing import Beginning

if TYPE_CHECKING:
    from mlflow.entities import Metric

KIND = "tflite"
IS_EXTERNAL = "mlflow.model.isExternal"  # MLflow's word for a model without a folder of its own
NOTE = "mlflow.note.content"
FORBIDDEN = frozenset("/:.%\"'")  # in the name of a model of MLflow's
BETWEEN = " · "
# what the list of files is read for; each row more costs time of every trial
METRICS = re.compile(
    r"val_\w+|\w+_drop|size_\w+_bytes|params_nonzero|macs_effective|latency_us_p50"
)
PARAMETERS = re.compile(r"dataset|architecture|seed|compress\..*")
PER_PAGE = 50  # as many as MLflow gives


@dataclass(frozen=True)
class Model:
    """What is known of a file.

    Args:
        experiment: id of its run's.
        params, tags: by their names in the store.
    """

    experiment: str
    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    kind: ClassVar[str] = KIND

    def shows(self, metric: str) -> bool:
        """Whether a metric of the run is one that the list of files is read for."""
        return _is_of_file(metric)


class Models:
    """One model for each run that has a file.

    Args:
        client: MLflow's.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._begun: dict[str, Beginning] = {}  # by run id, as long as the run is at work
        self._made: dict[str, str] = {}  # run id -> model id, of this session
        self._are_offered = True  # servers of MLflow 2 know no models

    def expect(self, run_id: str, begun: Beginning) -> None:
        """Note what a model of this run would take from it; saves asking for it."""
        self._begun[run_id] = begun

    def about(self, run_id: str, *, size: int, sha256: str) -> Model:
        """What a model of the run's file says.

        Args:
            size: of the file, in bytes.
            sha256: of the file.
        """
        begun = self._begun.pop(run_id, None) or self._of_store(run_id)
        where = f"get-artifact?path={MODEL_TFLITE}&run_uuid={run_id}"
        tags = {
            IS_EXTERNAL: "true",
            NOTE: f"[{MODEL_TFLITE}]({where}), {size:,} bytes, an artifact of its run.",
            f"{PREFIX}bytes": str(size),
            f"{PREFIX}sha256": sha256,
        }
        params = dict(filter(_tells_what_it_is, begun.params.items()))
        return Model(begun.experiment, model_name(begun.name), params, tags)

    def create(self, run_id: str, model: Model) -> str:
        """The id of a new model, PENDING; no second one where an answer was lost.

        Empty where the server knows no models.
        """
        if self._are_offered:
            facts = {"name": model.name, "params": model.params, "tags": model.tags}
            try:
                made = self._client.create_model_once(
                    model.experiment, run_id=run_id, model_type=model.kind, **facts
                )
                return str(made.model_id)
            except NotOffered:
                self._are_offered = False
        return ""

    def finish(self, run_id: str, model_id: str) -> None:
        """Let a run lead to its model, and the model be READY."""
        self._client.link_model_once(run_id, model_id)
        self._client.finalize_logged_model(model_id, "READY")

    def remember(self, run_id: str, model_id: str) -> None:
        """Note the model of a run that has ended; saves asking for it."""
        self._made[run_id] = model_id

    def metrics(self, run_id: str, values: Mapping[str, float]) -> list[Metric]:
        """Further metrics of a run that has ended."""
        return list(self.owned(metrics_of(values, step=0), self._made.get(run_id, "")))

    @staticmethod
    def owned(metrics: Iterable[Metric], model_id: str) -> Iterator[Metric]:
        """Metrics of a run; those that are read of a file are its model's as well.

        Args:
            model_id: empty where it has none.
        """
        from mlflow.entities import Metric

        for metric in metrics:
            if model_id and _is_of_file(metric.key):
                at = metric.timestamp, metric.step
                yield Metric(metric.key, metric.value, *at, model_id=model_id)
            else:
                yield metric

    def remove(self, run_id: str) -> None:
        """Remove the models of a run, as far as there are any."""
        self._begun.pop(run_id, None)
        made = self._made.pop(run_id, None)
        for model in [made] if made else self._of_run(run_id):
            self._client.delete_logged_model(model)

    def of_experiment(self, experiment: str) -> dict[str, list[str]]:
        """Run id -> ids of its models.

        Args:
            experiment: its id.
        """
        search = partial(self._client.search_logged_models, [experiment], max_results=PER_PAGE)
        models: dict[str, list[str]] = {}
        with suppress(NotOffered):
            for model in pages(search):
                models.setdefault(model.source_run_id or "", []).append(str(model.model_id))
        return models

    def _of_run(self, run_id: str) -> list[str]:
        experiment = self._client.get_run(run_id).info.experiment_id
        with suppress(NotOffered):
            found = self._client.models_of(experiment, run_id)
            return [model.model_id for model in found]
        return []

    def _of_store(self, run_id: str) -> Beginning:
        run = self._client.get_run(run_id)
        tags, params = dict(run.data.tags), dict(run.data.params)
        return Beginning(run.info.experiment_id, run.info.run_name or "", tags, params)


def model_name(run_name: str) -> str:
    """A run's name without what MLflow refuses in that of a model, as `sparsity 0.88`."""
    parts = [part for part in run_name.split(BETWEEN) if FORBIDDEN.isdisjoint(part)]
    return BETWEEN.join(parts) or KIND


def _is_of_file(metric: str) -> bool:
    return METRICS.fullmatch(metric) is not None


def _tells_what_it_is(parameter: tuple[str, str]) -> bool:
    """Whether a parameter says which net, data or compression, not how the net was trained."""
    return PARAMETERS.fullmatch(parameter[0]) is not None
