"""Where a run's files lie, by what MLflow has stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.system import paths
from framework.tracking.locations import place

RUN = "0" * 32


@pytest.mark.parametrize("study", ["plain", "two words", "naïve 100 %", "a%20b", "x#y?z"])
@pytest.mark.parametrize("name", ["plain", "two words", "Größe %41"])
@pytest.mark.parametrize("as_address", [True, False])
def test_under_the_project_whatever_its_folders_are_called(
    name: str, study: str, as_address: bool, tmp_path: Path
) -> None:
    root = tmp_path / name
    folder = paths.artifacts(root) / study / RUN / "artifacts"
    folder.mkdir(parents=True)
    assert place(folder.as_uri() if as_address else str(folder), root) == folder


def test_files_follow_a_moved_project_and_not_one_whose_name_begins_alike(tmp_path: Path) -> None:
    root, other = tmp_path / "lab", tmp_path / "lab2"
    stored = (paths.artifacts(other) / "study" / RUN / "artifacts").as_uri()
    assert place(stored, root) == paths.artifacts(root) / "study" / RUN / "artifacts"
    # left behind: they are read where they are
    (paths.artifacts(other) / "study" / RUN / "artifacts").mkdir(parents=True)
    assert place(stored, root) == paths.artifacts(other) / "study" / RUN / "artifacts"


def test_files_of_a_server_are_nowhere_here(tmp_path: Path) -> None:
    assert place(f"mlflow-artifacts:/1/{RUN}/artifacts", tmp_path) is None
