"""`keep="front"`: the nets of beaten trials go, and nothing that a table shows goes with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studies_support import Project, Watcher, never_killed, new_project

from framework import contracts
from framework.errors import UserError
from framework.planning.plan import plan
from framework.results.record import MANIFEST_JSON, NET_FILES, Record, Run
from framework.runner.confirm.stored import confirm
from framework.tracking import locations
from framework.tracking.artifacts import RunFiles
from framework.tracking.lookup import Asked
from framework.tracking.store import Store

KEPT = {"spec.json", "optuna.json", "layers.csv", "metrics.json", "manifest.json"}
GRID = {
    "sampler": '"grid"',
    "compress": '[use("magnitude_prune", epochs=0, sparsity=Choice(0.98, 0.9, 0.3, 0.6))]',
    "objectives": '{"val_accuracy": "max"}',  # one net is the best, so all others are beaten
    "trials": 4,
}


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


def files(project: Project, run: Run) -> set[str]:
    """The names of the files that lie in a run's folder."""
    folder = project.root / ".artifacts" / "tiny" / run.run_id / "artifacts"
    return {path.name for path in folder.iterdir()}


def with_nets(project: Project) -> list[str]:
    """The names of the runs that have a net."""
    return sorted(
        path.parent.parent.name
        for path in project.root.glob(".artifacts/tiny/*/artifacts/model.tflite")
    )


def check_only_the_front_has_nets(project: Project) -> None:
    trials = project.runs("trial")
    front = [run for run in trials if run.tags["pareto"] == "true"]
    assert 0 < len(front) < len(trials)
    rest = [*project.runs("baseline"), *project.runs("control"), *front]
    assert with_nets(project) == sorted(run.run_id for run in rest)
    for run in trials:
        assert files(project, run) == KEPT | (set(NET_FILES) if run in front else set())
        assert project.store().complete(run)


def beaten(project: Project) -> Run:
    return next(run for run in project.runs("trial") if run.tags["pareto"] == "false")


def test_nets_of_beaten_trials_go_while_the_study_runs(project: Project) -> None:
    project.write_study(**GRID, keep='"front"')
    left: list[int] = []
    view = Watcher(
        at_end=lambda event: left.append(len(with_nets(project)) - 2) if event.of else None
    )
    assert project.study(observer=view).ran == 4
    assert left == [event.front for event in view.ended_runs if event.of]
    check_only_the_front_has_nets(project)
    assert project.study().ran == 0
    gone = beaten(project)
    lines = {
        line["name"]: line
        for line in json.loads(project.store().artifact(gone.run_id, MANIFEST_JSON))
    }
    assert {name for name, line in lines.items() if line.get("removed") == "keep=front"} == set(
        NET_FILES
    )
    assert all(len(line["sha256"]) == 64 and line["bytes"] > 0 for line in lines.values())
    with pytest.raises(UserError, match="removed to save disk") as told:
        project.store().artifact(gone.run_id, "model.tflite")
    assert "keep=all" in told.value.todo


def test_tables_are_the_same_bytes(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.write_study(trials=4, keep='"front"')
    project.command("study", "tiny")
    project.command("study", "tiny", "--set", "trials=5")
    whole = never_killed(tmp_path_factory.getbasetemp(), 5)
    assert project.results() == whole.results()


def test_a_finished_study_can_be_thinned_out(project: Project) -> None:
    project.write_study(**GRID)
    project.study()
    assert len(with_nets(project)) == 2 + 4
    assert project.study("tiny", "keep=front").ran == 0
    check_only_the_front_has_nets(project)
    assert project.study().ran == 0


def test_what_a_kill_left_half_removed_is_removed_the_next_time(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_study(**GRID, keep='"front"')

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFiles, "_delete", killed)
        with pytest.raises(KeyboardInterrupt):
            project.study()
    assert [run.status for run in project.runs("trial")] == ["FINISHED"] * 2
    assert project.study().ran == 2
    check_only_the_front_has_nets(project)


def test_a_removed_net_is_neither_confirmed_nor_counted_as_a_look(project: Project) -> None:
    project.write_study(**GRID, keep='"front"')
    project.study()
    catalog = contracts.Catalog()
    planned = plan(project.root, "tiny", settings=[], catalog=catalog)
    with pytest.raises(UserError, match="removed to save disk"):
        confirm(Asked.of(planned), project.root, number=beaten(project).number, catalog=catalog)
    assert project.runs("confirm") == []


@pytest.mark.parametrize("with_a_server", [False, True])
def test_only_what_is_named_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_a_server: bool
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = Store.open(tmp_path)
    if with_a_server:
        monkeypatch.setattr(locations, "place", lambda location, root: None)
    run_id = store.begin("mine", role="trial", name="trial 0", tags={}, params={})
    store.finish(run_id, Record(artifacts={"model.tflite": b"net", "spec.json": b"{}"}))
    for _ in range(2):
        store.remove(run_id, ["model.tflite", "never.there"], why="keep=front")
    left = tmp_path.glob(".artifacts/mine/*/artifacts/*.*")
    assert sorted(path.name for path in left) == ["manifest.json", "spec.json"]
    assert store.artifact(run_id, "spec.json") == b"{}"
    assert store.complete(store.run(run_id))
    store.put(run_id, {"model.tflite": b"again"})
    assert store.artifact(run_id, "model.tflite") == b"again"
