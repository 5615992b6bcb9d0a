"""The one door to MLflow: every run is written and read here.

Only this module, `database` and `deletion` import it.

The store is `mlflow.db` and `.artifacts/` under the root, or the server or database in
`MLFLOW_TRACKING_URI`.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.errors import SqueezelabError, UnknownName, UserError
from framework.results import metric_versions
from framework.results.record import (
    EPOCH_PREFIX,
    ERROR_TXT,
    PREFIX,
    ROLES,
    TAGS,
    Record,
    Run,
    Status,
)
from framework.system import paths
from framework.tracking.artifacts import RunFiles
from framework.tracking.database import (
    REMOTE,
    Client,
    address,
    error_code,
    hide_password,
    prepare,
    require,
    sqlite_file,
)

__all__ = ["Store", "hide_password", "ui_command"]

PARAM_LIMIT = 6000  # characters; MLflow cuts silently above
TAG_LIMIT = 8000
NAME_LIMIT = 250
EXPERIMENT_TAG_LIMIT = 20_000
DATASET_DIGEST_LIMIT = 36
METRICS_PER_BATCH, ITEMS_PER_BATCH, RUNS_PER_PAGE = 800, 100, 1000
FLUSH_SECONDS = 10.0
UI_PREFIX = "mlflow."
PARENT_TAG = "mlflow.parentRunId"


class Store:
    """All runs of a project. Open it with `Store.open`."""

    def __init__(self, root: Path, uri: str) -> None:
        self.root, self.uri = root, uri
        self._client: Any = Client(uri)
        self._files = RunFiles(root, self._client)
        self._experiments: dict[str, str] = {}  # study -> experiment id
        self._curves: dict[str, list[Any]] = {}  # run id -> values not yet written
        self._flushed: dict[str, float] = {}  # run id -> when they were last

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
        named = _prefixed({**tags, "role": role, "study": study}) | (
            {PARENT_TAG: parent} if parent else {}
        )
        _check_length("parameter", params, limit=PARAM_LIMIT)
        _check_length("run's", {"name": name}, limit=NAME_LIMIT)
        run = self._client.create_run(self.experiment(study), tags=named, run_name=name)
        self._files.remember(run)
        self._batch(run.info.run_id, params=params)
        return str(run.info.run_id)

    def log_dataset(
        self, run_id: str, *, name: str, digest: str, source: str, profile: Mapping[str, object]
    ) -> None:
        """State which data a run used, as an MLflow dataset input.

        Args:
            digest: MLflow keeps 36 characters; of a longer one the first 36, and the whole in the
                profile.
            source: where the data came from.
            profile: facts of the data, as numbers of samples.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag

        facts = json.dumps({"digest": digest, **profile}, sort_keys=True)
        where = json.dumps({"source": source})
        data = Dataset(
            name, digest[:DATASET_DIGEST_LIMIT], source_type="local", source=where, profile=facts
        )
        self._client.log_inputs(
            run_id, [DatasetInput(data, tags=[InputTag("mlflow.data.context", "training")])]
        )

    def curve(self, run_id: str, epoch: int, values: Mapping[str, float]) -> None:
        """Values of one epoch, written as `epoch.<name>` by `finish` at the latest, or every 10 s.

        Args:
            epoch: becomes the step.
        """
        named = {f"{EPOCH_PREFIX}{name}": value for name, value in values.items()}
        self._curves.setdefault(run_id, []).extend(_metrics(named, step=epoch))
        now = time.monotonic()
        if now - self._flushed.setdefault(run_id, now) >= FLUSH_SECONDS:
            self._batch(run_id, metrics=self._curves.pop(run_id))
            self._flushed[run_id] = now

    def finish(self, run_id: str, record: Record) -> None:
        """Write all that a trial yielded; the status is set as the very last step."""
        artifacts = dict(record.artifacts)
        if record.reason:
            artifacts[ERROR_TXT] = (record.error or record.reason).encode()
        about_the_net = {"tensors": record.tensors, "metrics": record.versions}
        self._files.put(run_id, artifacts, about_the_net=about_the_net)
        final = _metrics({**record.metrics, **record.times}, step=0)
        later = metric_versions.as_text(record.versions)
        tags = {"reason": record.reason} | ({metric_versions.TAG: later} if later else {})
        self._end(run_id, record.status, metrics=final, tags=tags)

    def close(self, run_id: str, status: Status, *, reason: str = "") -> None:
        """End a run that yields no record, as KILLED."""
        self._end(run_id, status, metrics=[], tags={"reason": reason})

    def resume(self, run_id: str) -> None:
        """Set a parent run RUNNING again."""
        self._client.update_run(run_id, status="RUNNING")

    def tag(self, run_id: str, **tags: str) -> None:
        """Set tags, by names of `record.TAGS`."""
        self._batch(run_id, tags=_prefixed(tags))

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
        experiment = self._experiment(study)
        if experiment is None:
            return []
        found: list[Any] = []
        token: str | None = ""
        while token is not None:
            page = self._client.search_runs(
                [experiment],
                filter_string=_filter(tags),
                max_results=RUNS_PER_PAGE,
                order_by=["attributes.start_time ASC"],
                page_token=token or None,
            )
            found += page
            token = page.token or None
        for run in found:
            self._files.remember(run)
        runs = [run for run in map(_run, found) if tags.items() <= run.tags.items()]
        return sorted(runs, key=lambda run: (run.start_ms, run.run_id))

    def run(self, run_id: str) -> Run:
        """One run.

        Raises:
            UnknownName: there is none of this id.
        """
        try:
            found = self._client.get_run(run_id)
        except SqueezelabError as error:
            if error_code(error) not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            raise UnknownName(
                "run", run_id, (), todo="Its id stands on the run's page: make ui."
            ) from error
        self._files.remember(found)
        return _run(found)

    def studies(self) -> list[str]:
        """Names of the studies that have an experiment, sorted."""
        names: list[str] = []
        token: str | None = ""
        while token is not None:
            page = self._client.search_experiments(
                max_results=RUNS_PER_PAGE, page_token=token or None
            )
            names += [experiment.name for experiment in page if f"{PREFIX}study" in experiment.tags]
            token = page.token or None
        return sorted(names)

    def ui_tags(self, study: str, *, run_id: str | None = None) -> dict[str, str]:
        """The tags that the MLflow UI itself reads, by their names without the prefix `mlflow.`."""
        if run_id is None:
            tags = self._client.get_experiment(self.experiment(study)).tags
        else:
            tags = self._client.get_run(run_id).data.tags
        return {
            name.removeprefix(UI_PREFIX): value
            for name, value in tags.items()
            if name.startswith(UI_PREFIX)
        }

    def experiment(self, study: str) -> str:
        """The id of a study's experiment, which is created on first use."""
        known = self._experiment(study)
        if known is not None:
            return known
        if Path(study).name != study or not study.strip("."):
            raise SqueezelabError(
                "A study's name is the name of a file.", given=f"Given: {study!r}."
            )
        # A server keeps artifacts where it likes.
        location = (
            None if self.uri.startswith(REMOTE) else (paths.artifacts(self.root) / study).as_uri()
        )
        try:
            made = self._client.create_experiment(
                study, artifact_location=location, tags=_prefixed({"study": study})
            )
        except SqueezelabError as error:
            if error_code(error) != "RESOURCE_ALREADY_EXISTS":
                raise
            made = self._experiment(study)  # another process was faster
            if made is None:
                raise _deleted(study) from error
        return self._experiments.setdefault(study, made)

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
        inputs = self._client.get_run(run_id).inputs.dataset_inputs
        return dict(json.loads(inputs[0].dataset.profile)) if inputs else {}

    def has_manifest(self, run_id: str) -> bool:
        """Whether the run's artifacts were written to the end."""
        return self._files.has_manifest(run_id)

    def complete(self, run: Run) -> bool:
        """Whether the run counts.

        FINISHED or FAILED, and written to the end, which its manifest shows.
        """
        return run.status in ("FINISHED", "FAILED") and self.has_manifest(run.run_id)

    # --- inside -----------------------------------------------------------------------------------

    def _experiment(self, study: str) -> str | None:
        if study not in self._experiments:
            found = self._client.get_experiment_by_name(study)
            if found is None or found.lifecycle_stage != "active":
                return None
            self._experiments[study] = found.experiment_id
        return self._experiments[study]

    def _end(
        self, run_id: str, status: Status, *, metrics: list[Any], tags: Mapping[str, str]
    ) -> None:
        curves = self._curves.pop(run_id, [])
        said = {name: value for name, value in tags.items() if value}
        self._batch(run_id, metrics=curves + metrics, tags=_prefixed(said))
        self._flushed.pop(run_id, None)
        self._client.set_terminated(run_id, status=status)

    def _batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[Any] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """One call for as much as MLflow takes at once."""
        from mlflow.entities import Param, RunTag

        named = [Param(name, value) for name, value in (params or {}).items()]
        tagged = [RunTag(name, value) for name, value in (tags or {}).items()]
        calls = max(
            -(-len(metrics) // METRICS_PER_BATCH),
            -(-max(len(named), len(tagged)) // ITEMS_PER_BATCH),
        )
        for call in range(calls):
            some = slice(call * METRICS_PER_BATCH, (call + 1) * METRICS_PER_BATCH)
            few = slice(call * ITEMS_PER_BATCH, (call + 1) * ITEMS_PER_BATCH)
            self._client.log_batch(
                run_id, metrics=metrics[some], params=named[few], tags=tagged[few]
            )


def ui_command(root: Path, *, port: int) -> list[str]:
    """The command that starts the MLflow UI on this store, for this machine only, host checks on.

    Args:
        root: the folder that holds `mlflow.db`.
        port: 1 to 65535.

    Raises:
        UserError: there is no store yet, or a server shows its own.
    """
    root = root.resolve()
    uri = address(root)
    file = sqlite_file(uri)
    if file is not None:
        require(file)
    if uri.startswith(REMOTE):
        raise UserError(
            "The runs are on a server, which shows them itself.", todo=f"Open {hide_password(uri)}."
        )
    # Through the environment: the arguments of a process, a password among them, are open to
    # everyone on the machine.
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri
    # seven processes more, for language models
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    artifacts = [
        "--default-artifact-root",
        (paths.artifacts(root)).as_uri(),
        "--no-serve-artifacts",
    ]
    return [sys.executable, "-m", "mlflow", "server", *where, *artifacts]


def _deleted(study: str) -> UserError:
    return UserError(
        f"The experiment {study!r} was deleted in the MLflow UI and still holds its name.",
        todo=f"Restore it with `.venv/bin/mlflow experiments restore`, or forget it for good: make "
        f"forget NAME={study}",
    )


def _prefixed(tags: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(tags) - set(TAGS))
    if unknown:
        raise SqueezelabError(
            f"There is no tag called {', '.join(unknown)}.", todo=f"Known: {', '.join(TAGS)}."
        )
    _check_length("tag", tags, limit=TAG_LIMIT)
    return {f"{PREFIX}{name}": value for name, value in tags.items()}


def _check_length(kind: str, values: Mapping[str, str], *, limit: int) -> None:
    for name, value in values.items():
        if len(value) > limit:
            raise SqueezelabError(
                f"The {kind} {name} is longer than the {limit} characters MLflow keeps.",
                given=f"Given: {len(value)} characters, {value[:60]!r}...",
                todo="Put what is long into an artifact.",
            )


def _metrics(values: Mapping[str, float], *, step: int) -> list[Any]:
    """Values that are not finite are left out: MLflow would hand them back as other numbers."""
    from mlflow.entities import Metric

    now = time.time_ns() // 1_000_000
    return [
        Metric(name, float(value), now, step)
        for name, value in values.items()
        if math.isfinite(value)
    ]


def _filter(tags: Mapping[str, str]) -> str:
    """What MLflow can look for; values with quotes are left to the caller."""
    plain = {name: value for name, value in tags.items() if not set(value) & set("'\"`\\")}
    return " AND ".join(f"tags.`{PREFIX}{name}` = '{value}'" for name, value in plain.items())


def _run(run: Any) -> Run:
    info, data = run.info, run.data
    return Run(
        run_id=info.run_id,
        name=info.run_name or "",
        status=info.status,
        tags={
            name.removeprefix(PREFIX): value
            for name, value in data.tags.items()
            if name.startswith(PREFIX)
        },
        params=dict(data.params),
        metrics={
            name: value for name, value in data.metrics.items() if not name.startswith(EPOCH_PREFIX)
        },
        start_ms=info.start_time or 0,
        # MLflow keeps the old one of a run begun again
        end_ms=0 if info.status == "RUNNING" else info.end_time or 0,
    )
