"""What several tests of running share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from studies_support import Project, never_killed

TRIALS = 5  # as in test_study_process: the study is run once for all


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """A finished study of five trials in a folder of its own."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(never_killed(tmp_path_factory.getbasetemp(), TRIALS).root, tmp_path / "project")
    return Project(tmp_path / "project")
