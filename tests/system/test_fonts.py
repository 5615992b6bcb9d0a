"""Libraries write below the project, not under the home folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from framework.contracts import Catalog
from framework.runner.baseline import Lab
from framework.system import paths


def test_trials_keep_the_list_of_fonts_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", "")
    monkeypatch.delenv("MPLCONFIGDIR")
    Lab(tmp_path, Catalog())
    assert Path(os.environ["MPLCONFIGDIR"]) == paths.fonts(tmp_path)


def test_a_folder_that_the_user_has_named_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "mine"))
    Lab(tmp_path, Catalog())
    assert os.environ["MPLCONFIGDIR"] == str(tmp_path / "mine")
