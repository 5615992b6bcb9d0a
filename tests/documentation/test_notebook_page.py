"""The notebook of docs: every cell runs, and what it shows is what the store has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from studies_support import SECONDS, new_project

NOTEBOOK = Path(__file__).parents[2] / "docs" / "from-study-to-plot.ipynb"


def test_every_cell_runs_from_the_study_to_the_plot(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MPLBACKEND", "agg")
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")
    project = new_project(tmp_path_factory.getbasetemp(), tmp_path / "lab")
    process = project.python("\n\n".join(code))
    out, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    assert (project.root / "mine.pdf").read_bytes().startswith(b"%PDF")
    found = re.search(r"accuracy (\d\.\d{4}), in the table (\d\.\d{4})", out)
    assert found is not None
    assert found[1] == found[2]
