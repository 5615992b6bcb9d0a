"""Numbers of different versions of a metric stand beside each other and are not ranked together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studies_support import Project, Watcher, new_project

from framework.contracts import metrics
from framework.results import metric_versions
from framework.results.metric_versions import as_text, newest, others, plugin_of, version_of
from framework.results.record import Run


def run(run_id: str, text: str = "") -> Run:
    return Run(run_id, run_id, "FINISHED", {metric_versions.TAG: text} if text else {}, {}, {})


def test_the_metric_behind_a_value() -> None:
    names = (
        "val_accuracy",
        "test_r2",
        "baseline.val_accuracy",
        "accuracy_drop",
        "r2_drop",
        "baseline.macs_dense",
    )
    assert [plugin_of(name) for name in names] == [
        "accuracy",
        "r2",
        "accuracy",
        "accuracy",
        "r2",
        "macs_dense",
    ]


def test_a_tag_names_those_above_one_and_is_read_again() -> None:
    text = as_text({"accuracy": 1, "size_sparse_bytes": 2, "macs_dense": 3})
    assert text == "macs_dense:3,size_sparse_bytes:2"
    assert [
        version_of(run("a", text), name)
        for name in ("val_accuracy", "size_sparse_bytes", "macs_dense")
    ] == [
        1,
        2,
        3,
    ]
    assert version_of(run("old"), "size_sparse_bytes") == 1


def test_the_latest_is_ranked_and_the_others_are_not() -> None:
    runs = [run("a", "accuracy:2"), run("b"), run("c", "accuracy:2,macs_dense:4")]
    wanted = newest(runs, ["val_accuracy"])
    assert wanted == {"val_accuracy": 2}
    assert [item.run_id for item in others(runs, wanted)] == ["b"]
    assert newest([], ["val_accuracy"]) == {"val_accuracy": 1}


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


def test_a_study_goes_on_under_a_new_version_and_ranks_by_it_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write_study(trials=2)
    project.study()
    monkeypatch.setattr(metrics.get("params_nonzero"), "plugin_version", 2)
    project.write_study(trials=3)
    observer = Watcher()
    project.study(observer=observer)
    assert any(
        said.startswith("2 trials were measured by other versions of a metric")
        for said in observer.said
    )
    trials = {item.number: item for item in project.runs("trial")}
    assert [trials[number].tags.get("pareto") for number in range(3)] == ["false", "false", "true"]
    assert trials[2].tags[metric_versions.TAG].split(",")[0] == "params_nonzero:2"
    manifest = json.loads(project.store().artifact(trials[2].run_id, "manifest.json"))
    assert (
        next(row for row in manifest if row["name"] == "model.tflite")["metrics"]["params_nonzero"]
        == 2
    )
    project.command("report", "tiny")
    assert "trial 0" not in capsys.readouterr().out
    page = (project.root / "reports" / "out" / "tiny" / "pareto.md").read_text()
    assert (
        "several versions of a metric, not to be compared: params_nonzero; 2 trials of earlier "
        "versions" in page
    )
