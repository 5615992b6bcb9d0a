"""Every file and folder of a project is named in one module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from framework.system import paths

FRAMEWORK = Path(__file__).parents[2] / "framework"
NAMES = {
    ".cache",
    ".artifacts",
    "mlflow.db",
    "studies",
    "reports",
    "plugins",
    "sealed",
    "baselines",
}


def joined(tree: ast.AST) -> set[str]:
    """Texts that are put behind a `/`, as in `root / "studies"`."""
    divided = (
        node.right
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    )
    return {
        node.value
        for node in divided
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_other_module_names_a_folder_of_the_project() -> None:
    named = {
        f"{file.relative_to(FRAMEWORK)}: {name}"
        for file in FRAMEWORK.rglob("*.py")
        if file.name != "paths.py"
        for name in joined(ast.parse(file.read_text("utf-8"))) & NAMES
    }
    assert not named


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (paths.studies, "studies"),
        (paths.plugins, "plugins"),
        (paths.report_output, "reports/out"),
        (paths.store, "mlflow.db"),
        (paths.artifacts, ".artifacts"),
        (paths.prepared_data, ".cache/data"),
        (paths.sealed_data, ".cache/sealed"),
        (paths.baselines, ".cache/baselines"),
        (paths.tfds, ".cache/tfds"),
        (paths.locks, ".cache/locks"),
        (paths.store_workplace, ".cache/store"),
    ],
)
def test_where_things_lie_in_projects_of_today(place, name: str) -> None:  # type: ignore[no-untyped-def]
    assert place(Path("project")) == Path("project") / name
