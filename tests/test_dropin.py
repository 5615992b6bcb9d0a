"""One file adds a plug-in: listed, used in a study, covered by the contract suite, with no other
edit.

The files are those printed in CONTRIBUTING.md, so what this page promises is what is tested here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from studies_support import FILE, prepared

ROOT = Path(__file__).parents[1]
EXAMPLE = re.compile(r"`plugins/(\w+)\.py`:\n\n```python\n(.*?)```", re.DOTALL)
FOLDERS = {"@strategy(": "strategies", "@architecture(": "architectures"}
STUDY = FILE.format(
    question="Do the files that were dropped in work?",
    parts='architecture=use("tiny_conv", filters=4), train=Train(epochs=1, warmup_epochs=0, '
    "batch_size=32), "
    'compress=[Choice(use("lot_prune", epochs=1), use("threshold_prune", epochs=1, '
    "threshold=Float(0.01, 0.1)))], trials=2",
)
NAMES = {"tiny_conv", "lot_prune", "threshold_prune"}


def examples() -> dict[tuple[str, str], str]:
    """(folder, name) -> the file, as the page prints it."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    found = {}
    for name, code in EXAMPLE.findall(text):
        folder = next(folder for decorator, folder in FOLDERS.items() if decorator in code)
        found[folder, name] = code
    return found


def run(folder: Path, *arguments: str, path: list[Path]) -> str:
    """stdout of a fresh interpreter that looks for packages in `path` first."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def listed(text: str) -> set[str]:
    return {
        line.split()[0] for line in text.splitlines() if line.startswith("  ") and line[2] != " "
    }


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A project with a study that uses the examples."""
    root = tmp_path / "project"
    shutil.copytree(prepared(tmp_path_factory.getbasetemp()), root)
    (root / "studies" / "tiny.py").write_text(STUDY, "utf-8")
    return root


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a copy of the package, the examples dropped in."""
    folder = tmp_path / "package"
    shutil.copytree(
        ROOT / "framework", folder / "framework", ignore=shutil.ignore_patterns("__pycache__")
    )
    for (kind, name), code in examples().items():
        (folder / "framework" / kind / f"{name}.py").write_text(code, "utf-8")
    return folder


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """A folder with another distribution, whose entry points name the examples."""
    folder = tmp_path / "distribution"
    described = folder / "others-1.0.dist-info"
    (folder / "others").mkdir(parents=True)
    described.mkdir()
    points = []
    for (kind, name), code in examples().items():
        (folder / "others" / f"our_{name}.py").write_text(code, "utf-8")
        points.append(f"[squeezelab.{kind}]\n{name} = others.our_{name}\n")
    (folder / "others" / "__init__.py").write_text("", "utf-8")
    (described / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: others\nVersion: 1.0\n", "utf-8"
    )
    (described / "entry_points.txt").write_text(merged(points), "utf-8")
    return folder


@pytest.fixture
def plugins(project: Path) -> Path:
    """The examples in the folder of the project itself, where the pages put them.

    The package is as it is.
    """
    (project / "plugins").mkdir()
    for (_, name), code in examples().items():
        (project / "plugins" / f"{name}.py").write_text(code, "utf-8")
    return ROOT


def merged(points: list[str]) -> str:
    """Entry points with each group named once."""
    groups: dict[str, list[str]] = {}
    for point in points:
        head, line = point.strip().split("\n")
        groups.setdefault(head, []).append(line)
    return "\n".join("\n".join([head, *lines]) for head, lines in groups.items())


def test_the_pages_print_what_is_tested() -> None:
    assert {name for _, name in examples()} == NAMES
    assert not any((ROOT / "framework" / kind / f"{name}.py").exists() for kind, name in examples())


@pytest.mark.parametrize("way", ["plugins", "package", "distribution"])
def test_dropped_in_it_is_listed_and_works_in_a_study(
    project: Path, way: str, request: pytest.FixtureRequest
) -> None:
    dropped: Path = request.getfixturevalue(way)
    path = [dropped, ROOT] if way == "distribution" else [dropped]
    assert listed(run(project, "-m", "framework", "list", path=path)) >= NAMES
    assert run(project, "-m", "framework", "check", "tiny", path=path).startswith("ok     tiny")
    assert "(architecture)" in run(project, "-m", "framework", "show", "tiny_conv", path=path)
    table = run(project, "-m", "framework", "study", "tiny", path=path)
    assert "threshold_prune" in table
    assert "dense" in table


def test_one_line_covers_it_by_the_contract_suite(
    project: Path, distribution: Path, tmp_path: Path
) -> None:
    """Those of an installed distribution too; those of the package are not tried again."""
    tests = tmp_path / "elsewhere" / "test_ours.py"
    tests.parent.mkdir()
    tests.write_text("from framework.testing import *\n", "utf-8")
    path = [distribution, ROOT]
    collected = run(tests.parent, "-m", "pytest", "--collect-only", "-q", path=path)
    for name in NAMES:
        assert len([line for line in collected.splitlines() if name in line]) >= 3, name
    assert "[strategy magnitude_prune]" not in collected


def test_the_example_of_the_readme_keeps_the_contract(project: Path, plugins: Path) -> None:
    (project / "test_ours.py").write_text("from framework.testing import *\n", "utf-8")
    wanted = ["-k", "threshold_prune and not lenet5", "-p", "no:cacheprovider"]
    report = run(project, "-m", "pytest", "-q", *wanted, path=[plugins])
    assert " passed" in report


def test_two_files_of_one_name_are_both_named(project: Path, distribution: Path) -> None:
    theirs = distribution / "others" / "our_threshold_prune.py"
    theirs.write_text(
        theirs.read_text("utf-8").replace('"threshold_prune"', '"magnitude_prune"'), "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "framework", "list"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [distribution, ROOT]))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Two files register the strategy 'magnitude_prune'.",
        "framework.strategies.magnitude_prune and others.our_threshold_prune.",
        "Give one of them another name.",
    ]


def test_a_plugin_that_does_not_load_is_seen(project: Path, package: Path) -> None:
    (package / "framework" / "strategies" / "broken.py").write_text(
        '"""Broken."""\nimport no_such_library\n', "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "framework", "list"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "no_such_library" in done.stderr
