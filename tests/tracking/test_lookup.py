"""Runs by what a person types."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from studies_support import Project, never_killed

from framework.errors import InvalidValue, UnknownName, UserError
from framework.tracking.lookup import find_run


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return never_killed(tmp_path_factory.getbasetemp(), 5)


def test_a_trial_by_its_id_by_its_first_digits_and_by_its_number(project: Project) -> None:
    store = project.store()
    for run in project.runs("trial"):
        for text in (run.run_id, run.run_id[:8], f"tiny:{run.number}"):
            assert find_run(store, project.root, text) == run


def test_what_is_no_run(project: Project) -> None:
    store = project.store()
    for text, said in (
        ("tiny:9", "no trial 9"),
        ("tinny:1", "no study called 'tinny'"),
        ("tiny", "'tiny' is no run"),
        ("abc", "'abc' is no run"),
        ("", "'' is no run"),
        ("0" * 32, "no run called"),
        ("f" * 31, "no run called"),
    ):
        with pytest.raises(UserError, match=said):
            find_run(store, project.root, text)


def test_overrides_go_with_a_number_only(project: Project) -> None:
    run = project.runs("trial")[0]
    with pytest.raises(UserError, match="NAME:12 only"):
        find_run(project.store(), project.root, run.run_id, settings=["seed=1"])
    with pytest.raises(UserError, match="no trial 0"):
        find_run(project.store(), project.root, "tiny:0", settings=["seed=1"])


def test_a_trial_of_the_study_as_it_was_is_named(project: Project) -> None:
    store = project.store()
    first = next(run for run in project.runs("trial") if run.number == 0)
    with pytest.raises(UserError, match="no trial 0") as told:
        find_run(store, project.root, "tiny:0", settings=["seed=1"])
    notes = "\n".join(told.value.__notes__)
    assert (
        f"Under digest {first.tags['study_digest'][:8]} there is one: RUN={first.run_id}." in notes
    )
    assert find_run(store, project.root, first.run_id) == first
    with pytest.raises(UserError, match="no trial 9") as told:
        find_run(store, project.root, "tiny:9")
    assert not getattr(told.value, "__notes__", [])


def test_a_store_that_came_without_its_study_files_is_read(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(project.root, tmp_path / "came")
    came = Project(tmp_path / "came")
    (came.root / "studies" / "tiny.py").unlink()
    shutil.rmtree(came.root / "reports" / "out")
    came.command("report", "tiny")
    assert "| trial" in capsys.readouterr().out
    assert (came.root / "reports" / "out" / "tiny" / "pareto.md").is_file()
    came.command("show", "tiny:0")
    assert "val_accuracy" in capsys.readouterr().out
    came.command("doctor")
    assert "WRONG" not in capsys.readouterr().out
    with pytest.raises(InvalidValue, match=r"studies/tiny\.py is not there"):
        came.command("report", "tiny", "--set", "seed=1")
    with pytest.raises(UnknownName, match="no study called 'tinny'"):
        came.command("report", "tinny")


def test_several_runs_that_begin_alike(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    store = project.store()
    runs = store.runs("tiny")
    doubled = [*runs, *runs]
    monkeypatch.setattr(store, "runs", lambda *_, **__: doubled)
    with pytest.raises(UserError, match="2 runs begin with") as told:
        find_run(store, Path(project.root), runs[0].run_id[:6])
    assert runs[0].run_id in told.value.given
