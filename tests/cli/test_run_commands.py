"""diff, export and study --dry-run: real processes on their own project, wrong uses too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_support import listing, refused, squeezelab
from studies_support import Project, never_killed


@pytest.fixture
def finished(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project whose study `tiny` has run to its end, in a folder of its own."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(never_killed(tmp_path_factory.getbasetemp(), 5).root, tmp_path / "project")
    Project(tmp_path / "project").write_study("other", trials=9)
    Project(tmp_path / "project").store()  # follows its folder
    return tmp_path / "project"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project that has never run anything."""
    (tmp_path / "project" / "studies").mkdir(parents=True)
    Project(tmp_path / "project").write_study()
    return tmp_path / "project"


def test_diff(finished: Path) -> None:
    before = listing(finished)
    studies = squeezelab(finished, "diff", "tiny", "other")
    assert (studies.returncode, studies.stderr) == (0, "")
    assert studies.stdout.splitlines()[2].split() == ["trials", "5", "9"]
    runs = squeezelab(finished, "diff", "tiny:0", "tiny:1")
    assert runs.returncode == 0
    assert "compress.0.sparsity" in runs.stdout
    same = squeezelab(finished, "diff", "tiny", "tiny")
    assert "nothing differs" in same.stdout
    assert listing(finished) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tiny", "tiny:0"], "A study is compared with a study"),
        (["tiny:0", "tiny:77"], "tiny has no trial 77."),
        (["tiny:0", "abc"], "'abc' is no run."),
        (["tiny:0", "0123456"], "There is no run called '0123456'."),
        (["tiny"], "See: squeezelab diff --help"),
    ],
)
def test_a_mistake_in_diff(finished: Path, arguments: list[str], said: str) -> None:
    assert said in refused(finished, "diff", *arguments)


def test_export(finished: Path) -> None:
    done = squeezelab(finished, "export", "tiny:0", "model.tflite")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["model.tflite", "model.md"]
    assert (finished / "model.md").read_text("utf-8").startswith("# model.tflite\n")
    assert "model.tflite and model.md would be overwritten" in refused(
        finished, "export", "tiny:1", "model.tflite"
    )
    before = (finished / "model.tflite").read_bytes()
    assert squeezelab(finished, "export", "tiny:1", "model.tflite", "--force").returncode == 0
    assert (finished / "model.tflite").read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tiny:77", "a.tflite"], "tiny has no trial 77."),
        (["tiny", "a.tflite"], "'tiny' is no run."),
        (["tiny:0", "a.bin"], "ends in .tflite"),
        (["tiny:0", "gone/a.tflite"], "There is no such folder."),
        (["tiny:0"], "See: squeezelab export --help"),
        (["tiny:0", "a.tflite", "--set", "seed=9"], "tiny has no trial 0."),
    ],
)
def test_a_mistake_in_export(finished: Path, arguments: list[str], said: str) -> None:
    assert said in refused(finished, "export", *arguments)


def test_export_optuna(finished: Path) -> None:
    done = squeezelab(finished, "export-optuna", "tiny", "study.db")
    assert done.returncode == 0
    assert done.stdout == "study.db\n"
    assert "5 trials. optuna-dashboard sqlite:///study.db shows them." in done.stderr
    said = refused(finished, "export-optuna", "tiny", "study.db")
    assert "study.db would be overwritten" in said
    assert squeezelab(finished, "export-optuna", "tiny", "study.db", "--force").returncode == 0


def test_without_any_runs(empty: Path) -> None:
    assert "There are no runs yet." in refused(empty, "diff", "tiny:0", "tiny:1")
    assert "There are no runs yet." in refused(empty, "export", "tiny:0", "a.tflite")


def test_a_dry_run_of_a_study_with_trials_behind_it(finished: Path) -> None:
    before = listing(finished)
    done = squeezelab(
        finished, "study", "tiny", "--dry-run", "--set", "trials=50", "--set", "hours=2"
    )
    assert done.returncode == 0, done.stderr
    for words in (
        "train.epochs",
        "45 trials, 5 are done",
        "45 to 90, about",
        "ends after 2 h",
        "5 finished trials",
    ):
        assert words in done.stdout
    done = squeezelab(finished, "study", "tiny", "--dry-run", "--set", "trials=9", "--workers", "2")
    assert "no less in 2 workers" in done.stdout
    done = squeezelab(finished, "study", "tiny", "--dry-run")
    assert "0 trials, 5 are done" in done.stdout
    assert "nothing is left to run" in done.stdout
    assert listing(finished) == before


def test_a_dry_run_of_a_study_that_never_ran(empty: Path) -> None:
    done = squeezelab(empty, "study", "tiny", "--dry-run")
    assert done.returncode == 0, done.stderr
    for words in (
        "3 trials, 0 are done",
        "2 (1 to train, 0 ready)",
        "3 to 6, about",
        "short trials timed now",
    ):
        assert words in done.stdout
    assert "Timing a few short trials" in done.stderr
    assert {path.name for path in empty.iterdir()} == {"studies", ".cache"}
    assert not (empty / ".cache" / "baselines").exists()


def test_a_mistake_in_a_dry_run(empty: Path) -> None:
    told = refused(empty, "study", "tiny", "--dry-run", "--workers", "two")
    assert "WORKERS=two" in told
    assert "Did you mean 'tiny'?" in refused(empty, "study", "tinny", "--dry-run")
    assert "hours is a number above 0" in refused(
        empty, "study", "tiny", "--dry-run", "--set", "hours=soon"
    )
