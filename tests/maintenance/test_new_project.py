"""A folder becomes a project, and what was in it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.errors import InvalidValue
from framework.maintenance.new_project import make_project, shipped_studies
from framework.planning.project import load_study, study_names

NAMES = {path.name for path in shipped_studies()}


def test_an_empty_folder_has_every_shipped_study_afterwards(tmp_path: Path) -> None:
    written = make_project(tmp_path / "new" / "lab")
    root = tmp_path / "new" / "lab"
    assert {path.name for path in written} == NAMES | {".gitignore"}
    assert "squeezenet_prune" in study_names(root)
    assert load_study(root, "squeezenet_prune").question.startswith("How sparse")
    for name in ("mlflow.db", ".artifacts", ".cache", "reports/out"):
        assert name in (root / ".gitignore").read_text()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "lenet5_prune.py").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine too")
    written = make_project(tmp_path)
    assert {path.name for path in written} == NAMES - {"lenet5_prune.py"}
    assert (tmp_path / "studies" / "lenet5_prune.py").read_text() == "mine"
    assert (tmp_path / ".gitignore").read_text() == "mine too"
    assert make_project(tmp_path) == []


@pytest.mark.parametrize("place", ["lab", "lab/studies"])
def test_a_file_where_the_folder_belongs_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("a file")
    with pytest.raises(InvalidValue, match=place):
        make_project(tmp_path / "lab")
    assert (tmp_path / place).read_text() == "a file"
