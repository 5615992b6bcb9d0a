"""The examples of CONTRIBUTING.md, dropped in as one file each: found, checked and used with no
other edit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"`(plugins/\w+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)
EXAMPLES = ["plugins/tiny_conv.py", "plugins/lot_prune.py", "plugins/threshold_prune.py"]
USE_THEM = """
from framework import Choice, Study, use
from pathlib import Path
from framework.planning.own_plugins import catalog_of
from framework.planning.resolve import resolve
catalog = catalog_of(Path.cwd())
study = Study(
    dataset=use("digits"),
    architecture=use("tiny_conv", filters=8),
    compress=[use("lot_prune", sparsity=Choice(0.5, 0.9)), use("magnitude_prune")],
)
resolved = resolve(study, catalog)
print(resolved.architecture.version, resolved.compress[0].knobs["epochs"])
print(catalog.strategies.get("lot_prune").source())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the package with the examples beside it."""
    shutil.copytree(
        ROOT / "framework", tmp_path / "framework", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "plugins").mkdir()
    examples = EXAMPLE.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert [path for path, _ in examples] == EXAMPLES
    for path, code in examples:
        assert not (ROOT / path).exists()
        (tmp_path / path).write_text(code, "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_examples_work_with_no_other_edit(project: Path) -> None:
    assert (
        run(project, "-c", USE_THEM)
        == "1 4\nBlalock et al. 2020, arXiv:2003.03033 (random pruning as a control).\n"
    )


def test_examples_are_in_the_house_style(project: Path) -> None:
    run(project, "-m", "ruff", "check", *EXAMPLES)
    run(project, "-m", "ruff", "format", "--check", *EXAMPLES)
