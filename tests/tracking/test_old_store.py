"""A store and a cache of version 0.1.0 as of 26 November 2026 open, report, go on, export.

What has changed is said.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from studies_support import Project, Watcher, integrity, new_project, running

from framework.contracts import Catalog
from framework.errors import UserError
from framework.maintenance.doctor import examine
from framework.planning.plan import plan
from framework.runner import reproduce

ARCHIVE = Path(__file__).with_name("old_store") / "project.tar.xz"
KEPT = {0: 0.164, 1: 0.16, 2: 0.164}  # val_accuracy as its table had it


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    made = new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")
    (made.root / "mlflow.db").unlink()
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(made.root, filter="data")
    return made


def test_its_tables_are_made_and_have_the_old_numbers(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.command("report", "kept")
    shown = capsys.readouterr().out
    assert "| trial 2  |        16.40 |" in shown
    found = {run.number: run.metrics["val_accuracy"] for run in project.runs("trial", "kept")}
    assert found == KEPT


def test_a_study_whose_plug_ins_are_the_same_goes_on_and_runs_nothing(project: Project) -> None:
    view = Watcher()
    outcome = project.study("kept", observer=view)
    assert (outcome.ran, outcome.done, outcome.generation) == (0, 3, 0)
    assert view.ran == []
    assert running(project.root) == []
    assert integrity(project.root) == "ok"


def test_a_study_one_of_whose_plug_ins_has_changed_says_so_and_begins_anew(
    project: Project,
) -> None:
    before = {run.run_id for run in project.runs("trial", "changed")}
    view = Watcher()
    outcome = project.study("changed", observer=view)
    assert (outcome.ran, outcome.done) == (3, 3)
    assert (
        "The study has changed since it was run; its earlier trials stay under their digest."
        in view.said
    )
    after = project.runs("trial", "changed")
    assert before < {run.run_id for run in after}
    assert len({run.tags["study_digest"] for run in after}) == 2


def test_a_trial_of_the_study_as_it_was_is_named(project: Project) -> None:
    (old,) = {run.tags["study_digest"] for run in project.runs("trial", "changed")}
    with pytest.raises(UserError) as refused:
        project.command("export", "changed:1", "model.tflite")
    named = "\n".join(refused.value.__notes__)
    assert f"Under digest {old[:8]} there is one: RUN=" in named
    # the way out
    project.command("export", named.rpartition("RUN=")[2].rstrip("."), "model.tflite")
    assert (project.root / "model.tflite").stat().st_size
    project.command("export", "kept:0", "kept.tflite")
    assert (project.root / "kept.tflite").stat().st_size


def test_a_run_is_made_again_or_refused(project: Project) -> None:
    (run,) = (run for run in project.runs("trial", "changed") if run.number == 2)
    with pytest.raises(UserError, match="other versions of plug-ins") as refused:
        reproduce.reproduce(project.root, run.run_id, settings=[], catalog=Catalog())
    assert "magnitude_prune: version 1 then, 2 now" in refused.value.given
    verdict = reproduce.reproduce(project.root, "kept:1", settings=[], catalog=Catalog())
    assert verdict.code in (reproduce.SAME, reproduce.CLOSE), verdict.lines
    assert any(
        "another version then" in line and "size_sparse_bytes" in line for line in verdict.lines
    )


def test_a_trial_can_be_confirmed_and_nothing_is_found_wrong(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.command("confirm", "kept", "--trial", "2")
    assert "test_accuracy" in capsys.readouterr().out
    wrong = [
        finding.text
        for finding in examine(project.root, Catalog(), deep=True)
        if finding.level == "WRONG"
    ]
    # what a report wrote was left out of the archive
    assert [text for text in wrong if ": report/" not in text] == []


def test_nothing_in_it_is_of_the_machine_that_made_it(project: Project) -> None:
    names = [tag for run in project.runs("trial", "kept") for tag in (run.tags["host"],)]
    assert set(names) == {"elsewhere"}
    old = plan(project.root, "kept", settings=[], catalog=Catalog()).study.digest
    described = json.loads(
        project.store().artifact(project.runs("study", "kept")[0].run_id, "study.json")
    )
    assert described["digest"] == old
