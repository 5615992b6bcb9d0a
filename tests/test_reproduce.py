"""A run made again: the same bits, close in another environment, different, or refused with the way out."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from studies_support import Project, never_killed

from framework import record, reproduce
from framework.baseline import pack_weights, unpack_weights
from framework.contracts import Catalog
from framework.errors import UserError
from framework.record import Record, Run
from framework.reproduce import CLOSE, DIFFERENT, SAME, Verdict, compare

METRICS = {"val_accuracy": 0.9, "params_nonzero": 1000.0, "latency_us_p50": 5.0}
RUN = Run("a" * 32, "trial 0", "FINISHED", {"role": "trial", "study": "tiny"}, {}, METRICS)


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(never_killed(tmp_path_factory.getbasetemp(), 5).root, tmp_path / "project")
    return Project(tmp_path / "project")


def again(project: Project, text: str) -> Verdict:
    return reproduce.reproduce(project.root, text, settings=[], catalog=Catalog())


def test_trial_baseline_and_control_are_the_same_bits(project: Project) -> None:
    before = {run.run_id for role in record.ROLES for run in project.runs(role)}
    assert project.exit_code("reproduce", "tiny:0") in (None, SAME)
    for role in ("baseline", "control"):
        verdict = again(project, project.runs(role)[0].run_id)
        assert verdict.code == SAME, verdict.lines
    assert {run.run_id for role in record.ROLES for run in project.runs(role)} == before


def test_another_weight_in_the_store_is_different(project: Project) -> None:
    run = project.runs("trial")[0]
    store = project.store()
    weights = unpack_weights(store.artifact(run.run_id, record.WEIGHTS_NPZ))
    first = next(iter(weights))
    weights[first] = weights[first].copy()
    weights[first].flat[0] += 1e-6
    store.put(run.run_id, {record.WEIGHTS_NPZ: pack_weights(weights)})
    assert project.exit_code("reproduce", run.run_id) == DIFFERENT


def test_other_plugins_and_other_data_are_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run = project.runs("trial")[0]
    store = project.store()
    monkeypatch.setattr("framework.tracking.Store.data", lambda self, run_id: {"train_sha256": "0" * 64})
    with pytest.raises(UserError, match="The data are not those of the run: train"):
        again(project, run.run_id)
    spec = json.loads(store.artifact(run.run_id, record.SPEC_JSON))
    spec["compress"][0]["version"] += 1
    store.put(run.run_id, {record.SPEC_JSON: json.dumps(spec).encode()})
    with pytest.raises(UserError, match="other versions of plug-ins") as refused:
        again(project, run.run_id)
    assert "magnitude_prune: version" in refused.value.given
    assert run.tags["git"] in refused.value.todo


@pytest.mark.parametrize("change", [{"status": "FAILED"}, {"status": "KILLED"}, {"tags": {"role": "study"}}])
def test_what_left_no_net_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UserError):
        reproduce._check_role(replace(RUN, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metrics", "changed", "code"),
    [
        ({}, [], SAME),
        ({"latency_us_p50": 9.0}, [], SAME),
        ({"val_accuracy": 0.89}, [], DIFFERENT),
        ({"val_accuracy": 0.89}, ["cpu: a then, b now"], CLOSE),
        ({"val_accuracy": 0.87}, ["cpu: a then, b now"], DIFFERENT),
        ({"params_nonzero": 1009.0}, ["cpu: a then, b now"], CLOSE),
        ({"params_nonzero": 1011.0}, ["cpu: a then, b now"], DIFFERENT),
        ({"val_other": 0.5}, ["cpu: a then, b now"], DIFFERENT),
    ],
)
def test_the_verdict(metrics: dict[str, float], changed: list[str], code: int) -> None:
    made = Record(metrics=METRICS | metrics, artifacts={record.MODEL_TFLITE: b"net"})
    assert compare(RUN, {record.MODEL_TFLITE: b"net"}, made, changed=changed).code == code
