"""Every shipped study: a value and not a program, loaded without TensorFlow, right against the
plug-ins."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.planning.project import load_study, study_names
from framework.planning.resolve import largest_budget

ROOT = Path(__file__).parents[2]
NAMES = study_names(ROOT)
HEAVY = ("tensorflow", "tf_keras", "mlflow", "pandas", "optuna", "numpy")


def test_there_are_studies() -> None:
    assert {"squeezenet_prune", "lenet5_prune", "lenet_300_100_prune"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_value(name: str) -> None:
    tree = ast.parse((ROOT / "studies" / f"{name}.py").read_text("utf-8"))
    docstring, *imports, assignment = tree.body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(docstring.value, ast.Constant)
    assert all(isinstance(node, ast.ImportFrom) and node.module == "framework" for node in imports)
    assert isinstance(assignment, ast.Assign)
    calls = {
        node.func.id
        for node in ast.walk(assignment)
        if isinstance(node, ast.Call) and hasattr(node.func, "id")
    }
    assert calls <= {"Study", "Train", "use", "Choice", "Float", "Int", "AtMost", "AtLeast"}
    assert not any(
        isinstance(node, (ast.ListComp, ast.Lambda, ast.Attribute)) for node in ast.walk(assignment)
    )


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_asks_where_it_comes_from_and_what_it_costs(name: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / "studies" / f"{name}.py").read_text("utf-8"))) or ""
    assert text.splitlines()[0].endswith("?")
    assert "Cost:" in text
    assert any(year in text for year in map(str, range(1980, 2100))), "its source has a year"


@pytest.mark.parametrize("name", NAMES)
def test_it_resolves(name: str) -> None:
    study = plan(ROOT, name, settings=[], catalog=Catalog()).study
    assert all(part.version >= 1 for _, _, part in study.parts())
    assert len(study.objectives) >= 2
    assert largest_budget(study, Catalog()) >= 1


def reads_pictures(name: str) -> bool:
    """Whether every net of the study reads pictures and nothing else, and tells what they show."""
    parts = load_study(ROOT, name).study.parts()
    for kind, _, part in parts:
        if kind == "architecture":
            net = Catalog().architectures.get(part.name)
            info = Catalog().datasets.build(net.made_for, {}).info
            if set(info.inputs) != {"image"} or info.task != "classes":
                return False
    return True


@pytest.mark.parametrize("name", [name for name in NAMES if reads_pictures(name)])
def test_it_runs_on_mnist_too(name: str) -> None:
    study = plan(ROOT, name, settings=["dataset=mnist"], catalog=Catalog()).study
    assert study.dataset.name == "mnist"
    assert study.digest != plan(ROOT, name, settings=[], catalog=Catalog()).study.digest


def test_no_two_are_the_same_study() -> None:
    digests = [plan(ROOT, name, settings=[], catalog=Catalog()).study.digest for name in NAMES]
    assert len(set(digests)) == len(digests)


def test_files_load_without_any_heavy_library() -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom framework.planning.project import load_study\n"
    )
    code += f"for name in {NAMES!r}:\n    load_study(Path.cwd(), name)\n"
    code += f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr


def test_the_question_is_the_first_line() -> None:
    assert load_study(ROOT, "squeezenet_prune").question.startswith("How sparse can SqueezeNet get")
