"""The one door to MLflow: every run is written and read here.

Only this module, `database`, `client` and `tables` import it.

The store is `mlflow.db` and `.artifacts/` under the root, or the server or database in
`MLFLOW_TRACKING_URI`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import SqueezelabError, UnknownName
from framework.results import metric_versions
from framework.results.record import (
    EPOCH_PREFIX,
    ERROR_TXT,
    IDS,
    METRICS_JSON,
    MODEL_TFLITE,
    PREFIX,
    ROLES,
    Record,
    Run,
    Status,
)
from framework.study.spec import digest_of
from framework.tracking.address import REMOTE
from framework.tracking.artifacts import RunFiles, sha256_of
from framework.tracking.bulk import Bulk
from framework.tracking.client import Client, error_code, metrics_of, pages
from framework.tracking.conversion import (
    NAME_LIMIT,
    PARAM_LIMIT,
    as_run,
    check_length,
    prefixed,
    search_filter,
    stored_metric,
    without_prefix,
)
from framework.tracking.database import prepare
from framework.tracking.experiments import Experiments
from framework.tracking.models import Model, Models
from framework.tracking.tables.writing import Tables
from framework.tracking.writing import Beginning, Calls, End, Writer

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric

DATASET_DIGEST_LIMIT = 36
RUNS_PER_PAGE = 1000
FLUSH_SECONDS = 10.0
UI_PREFIX = "mlflow."
PARENT_TAG = "mlflow.parentRunId"
KEY_TAG = f"{PREFIX}key"
# what only one RUNNING run has
KEY = ("study_digest", "generation", "role", "trial", "seed", "spec_digest", "attempt")


class Store:
    """All runs of a project. Open it with `Store.open`."""

    def __init__(self, root: Path, uri: str) -> None:
        self.root, self.uri = root, uri
        self._client = Client(uri)
        self._bulk = Bulk(uri)
        self._files = RunFiles(root, self._client)
        self._models = Models(self._client)
        self._writer: Writer = Tables(root, uri, self._client)
        if uri.startswith(REMOTE):
            self._writer = Calls(self._client, self._models, key=KEY_TAG)
        self._experiments = Experiments(root, uri, self._client)
        self._curves: dict[str, list[Metric]] = {}  # run id -> values not yet written
        self._flushed: dict[str, float] = {}  # run id -> when they were last
        self._data: dict[str, DatasetInput] = {}  # run id -> what it used

    @classmethod
    def open(cls, root: Path, *, create: bool = True) -> Store:
        """The store of the project at `root`; it may have been moved there.

        Args:
            root: the folder that holds `mlflow.db`.
            create: make it if there is none.

        Raises:
            UserError: there is none and it is not to be made.
            SqueezelabError: it cannot be opened.
        """
        root = root.resolve()
        return cls(root, prepare(root, create=create))

    # --- writing ----------------------------------------------------------------------------------

    def begin(
        self,
        study: str,
        *,
        role: str,
        name: str,
        tags: Mapping[str, str],
        params: Mapping[str, str],
        parent: str | None = None,
    ) -> str:
        """Create a RUNNING run, and the study's experiment on first use.

        Args:
            role: one of `record.ROLES`.
            name: what the UI shows.
            tags: by names of `record.TAGS`; role and study are added.
            params: the fixed spec, flat.
            parent: the run this one is shown under.

        Returns:
            The run's id.

        Raises:
            SqueezelabError: unknown role or tag, or a value longer than MLflow keeps.
        """
        if role not in ROLES:
            raise SqueezelabError(
                f"There is no role called {role!r}.", todo=f"Known: {', '.join(ROLES)}."
            )
        all_tags = prefixed({**tags, "role": role, "study": study})
        if parent:
            all_tags[PARENT_TAG] = parent
        check_length("parameter", params, limit=PARAM_LIMIT)
        check_length("run's", {"name": name}, limit=NAME_LIMIT)
        all_tags[KEY_TAG] = digest_of([all_tags.get(PREFIX + part, "") for part in KEY])
        experiment = self.experiment(study)
        beginning = Beginning(experiment, name, all_tags, params)
        run = self._writer.begin(beginning)
        self._files.remember(run)
        self._models.expect(run.info.run_id, beginning)
        return str(run.info.run_id)

    def log_dataset(
        self, run_id: str, *, name: str, digest: str, source: str, profile: Mapping[str, object]
    ) -> None:
        """State which data a run used, as an MLflow dataset input: its end is written with it.

        Args:
            digest: MLflow keeps 36 characters; of a longer one the first 36, and the whole in the
                profile.
            source: where the data came from.
            profile: facts of the data, as numbers of samples.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag

        facts = json.dumps({"digest": digest, **profile}, sort_keys=True)
        data = Dataset(
            name,
            digest[:DATASET_DIGEST_LIMIT],
            source_type="local",
            source=json.dumps({"source": source}),
            profile=facts,
        )
        tags = [InputTag("mlflow.data.context", "training")]
        self._data[run_id] = DatasetInput(data, tags)

    def curve(self, run_id: str, epoch: int, values: Mapping[str, float]) -> None:
        """Values of one epoch, written as `epoch/<name>` by `finish` at the latest, or every 10 s.

        Args:
            epoch: becomes the step.
        """
        named = {f"{EPOCH_PREFIX}{name}": value for name, value in values.items()}
        self._curves.setdefault(run_id, []).extend(metrics_of(named, step=epoch))
        now = time.monotonic()
        if now - self._flushed.setdefault(run_id, now) >= FLUSH_SECONDS:
            self._client.log(run_id, metrics=self._curves.pop(run_id))
            self._flushed[run_id] = now

    def finish(self, run_id: str, record: Record) -> None:
        """Write all that a trial yielded; the status is set as the very last step."""
        artifacts = dict(record.artifacts)
        values = {**record.metrics, **record.times}
        if record.metrics and not record.reason:
            finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
            artifacts[METRICS_JSON] = json.dumps(finite, indent=1, sort_keys=True).encode()
        if record.reason:
            artifacts[ERROR_TXT] = (record.error or record.reason).encode()
        about_the_net = {"tensors": record.tensors, "metrics": record.versions}
        self._files.put(run_id, artifacts, about_the_net=about_the_net)
        file = record.artifacts.get(MODEL_TFLITE)
        model = None
        if file is not None:
            model = self._models.about(run_id, size=len(file), sha256=sha256_of(file))
        later = metric_versions.as_text(record.versions)
        tags = {"reason": record.reason, metric_versions.TAG: later, "node": record.node}
        self._end(run_id, record.status, values=values, tags=tags, model=model)

    def add(self, run_id: str, values: Mapping[str, float]) -> None:
        """Further final metrics of a run that has ended."""
        self._client.log(run_id, metrics=self._models.metrics(run_id, values))

    def close(self, run_id: str, status: Status, *, reason: str = "") -> None:
        """End a run that yields no record, as KILLED."""
        if status == "KILLED":
            # it may have come as far as that
            self._models.remove(run_id)
        self._end(run_id, status, values={}, tags={"reason": reason})

    def resume(self, run_id: str) -> None:
        """Set a parent run RUNNING again."""
        self._client.update_run(run_id, status="RUNNING")

    def tag(self, run_id: str, **tags: str) -> None:
        """Set tags, by names of `record.TAGS`."""
        self._client.log(run_id, tags=prefixed(tags))

    def put(self, run_id: str, artifacts: Mapping[str, bytes]) -> None:
        """Write further artifacts, then the manifest anew.

        Args:
            artifacts: file name -> content.
        """
        self._files.put(run_id, artifacts)

    def remove(self, run_id: str, names: Collection[str], *, why: str) -> None:
        """Remove artifacts that are no longer wanted.

        The manifest keeps their lines and says why.
        """
        if MODEL_TFLITE in names and self._files.has(run_id, MODEL_TFLITE):
            self._models.remove(run_id)
        self._files.remove(run_id, names, why=why)

    def set_ui_tags(
        self, study: str, tags: Mapping[str, str], *, run_id: str | None = None
    ) -> None:
        """Set tags that the MLflow UI itself reads, on the study's experiment or on one run.

        Args:
            tags: by their names without the prefix `mlflow.`.
        """
        experiment = self.experiment(study)
        for name, value in tags.items():
            if run_id is None:
                self._client.set_experiment_tag(experiment, f"{UI_PREFIX}{name}", value)
            else:
                self._client.set_tag(run_id, f"{UI_PREFIX}{name}", value)

    # --- reading ----------------------------------------------------------------------------------

    def runs(self, study: str, /, **tags: str) -> list[Run]:
        """All runs of a study whose tags equal these, whatever their status, by start time.

        Args:
            tags: by names of `record.TAGS`.
        """
        experiment = self._experiments.find(study)
        if experiment is None:
            return []
        stored: list[Any] | None = self._bulk.runs(experiment, tags)
        if stored is None:
            stored = self._searched(experiment, tags)
        for run in stored:
            self._files.remember(run)
        # MLflow was not asked for values with quotes, so all tags are compared again.
        runs = [run for run in map(as_run, stored) if tags.items() <= run.tags.items()]
        return sorted(runs, key=lambda run: (run.start_ms, run.run_id))

    def run(self, run_id: str) -> Run:
        """One run.

        Raises:
            UnknownName: there is none of this id.
        """
        try:
            # MLflow has what is not there among the active runs, or says that there is none
            stored: Any = self._bulk.run(run_id) or self._client.get_run(run_id)
        except SqueezelabError as error:
            if error_code(error) not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            raise UnknownName("run", run_id, (), todo=IDS) from error
        self._files.remember(stored)
        return as_run(stored)

    def steps(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """A metric that was logged step by step: (step, value), in ascending order."""
        points: dict[int, float] = {}
        # as it was called before there were sections, too
        for name in dict.fromkeys((metric, stored_metric(metric))):
            for entry in self._client.get_metric_history(run_id, name):
                points[entry.step] = entry.value
        return sorted(points.items())

    def studies(self) -> list[str]:
        """Names of the studies that have an experiment, sorted."""
        search = partial(self._client.search_experiments, max_results=RUNS_PER_PAGE)
        return sorted(
            experiment.name for experiment in pages(search) if f"{PREFIX}study" in experiment.tags
        )

    def ui_tags(self, study: str, *, run_id: str | None = None) -> dict[str, str]:
        """The tags that the MLflow UI itself reads, by their names without the prefix `mlflow.`."""
        if run_id is None:
            tags = self._client.get_experiment(self.experiment(study)).tags
        else:
            tags = self._client.get_run(run_id).data.tags
        return without_prefix(tags, UI_PREFIX)

    def experiment(self, study: str) -> str:
        """The id of a study's experiment, which is created on first use.

        Raises:
            SqueezelabError: the name cannot be that of a file.
            UserError: the experiment was deleted in the MLflow UI.
        """
        return self._experiments.find_or_create(study)

    def artifact(self, run_id: str, name: str) -> bytes:
        """The content of an artifact, checked against the manifest.

        Raises:
            UnknownName: the run has none of this name.
            SqueezelabError: the file is missing or is not what was written; the message names it.
        """
        return self._files.get(run_id, name)

    def data(self, run_id: str) -> dict[str, Any]:
        """The facts of the data that a run used, as `log_dataset` was given them.

        Empty if it was not.
        """
        inputs = self._client.get_run(run_id).inputs
        datasets = inputs.dataset_inputs if inputs else []
        profile = datasets[0].dataset.profile if datasets else None
        return dict(json.loads(profile)) if profile else {}

    def verify(self, run_id: str, *, digests: bool) -> tuple[list[str], int]:
        """What of a run's files is not as it was written; see `RunFiles.verify`."""
        return self._files.verify(run_id, digests=digests)

    def has_manifest(self, run_id: str) -> bool:
        """Whether the run's artifacts were written to the end."""
        return self._files.has_manifest(run_id)

    def models(self, study: str) -> dict[str, list[str]]:
        """The runs that have models, with the ids of these; see `models.Models`."""
        experiment = self._experiments.find(study)
        return self._models.of_experiment(experiment) if experiment else {}

    def complete(self, run: Run) -> bool:
        """Whether the run counts.

        FINISHED or FAILED, and written to the end, which its manifest shows.
        """
        return run.status in ("FINISHED", "FAILED") and self.has_manifest(run.run_id)

    # --- inside -----------------------------------------------------------------------------------

    def _searched(self, experiment: str, tags: Mapping[str, str]) -> list[Any]:
        """The runs through MLflow, page by page."""
        search = partial(
            self._client.search_runs,
            [experiment],
            filter_string=search_filter(tags),
            max_results=RUNS_PER_PAGE,
            order_by=["attributes.start_time ASC"],
        )
        stored = list(pages(search))
        self._bulk.asked_elsewhere(len(stored))
        return stored

    def _end(
        self,
        run_id: str,
        status: Status,
        *,
        values: Mapping[str, float],
        tags: Mapping[str, str],
        model: Model | None = None,
    ) -> None:
        metrics = [*self._curves.pop(run_id, []), *metrics_of(values, step=0)]
        stated = {name: value for name, value in tags.items() if value}
        end = End(status, metrics, prefixed(stated), model, data=self._data.pop(run_id, None))
        if made := self._writer.end(run_id, end):
            self._models.remember(run_id, made)
        self._flushed.pop(run_id, None)
