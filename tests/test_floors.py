"""The floors of the house: who imports whom, which library stands behind which door, and what stays
small.

import-linter's contracts are in pyproject.toml. Here they are run, shown to bite, and completed by
what only a running interpreter can tell: that the light modules load no heavy library.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
FRAMEWORK = ROOT / "framework"
HEAVY = {
    "tensorflow",
    "tf_keras",
    "keras",
    "tensorflow_model_optimization",
    "tensorflow_datasets",
    "ai_edge_litert",
    "mlflow",
}
HEAVY |= {"optuna", "ray", "sklearn"}
PLUGINS = ("datasets", "architectures", "strategies", "metrics")
PACKAGES = (FRAMEWORK, ROOT / "docs", ROOT / "benchmarks")
MOST_LINES = 400
LONGEST_CHAIN = 9
MOST_MODULES = 16  # of a folder without plug-ins


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter's verdict on the `framework` in this folder, by the house's contracts."""
    code = (
        "import sys; from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(no_cache=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def loaded_by(statements: str) -> set[str]:
    """Names of the top-level packages that a fresh interpreter holds after these statements."""
    code = (
        f"{statements}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name "
        f"in sys.modules}})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


# --- import-linter --------------------------------------------------------------------------------


def test_floors_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert "BROKEN" not in done.stdout


BREACHES = {
    "errors.py": "from framework import study",
    "study/spec.py": "import numpy",
    "contracts/plugins.py": "import mlflow, optuna, tensorflow, pandas, typer, sklearn, ray",
    "results/record.py": "import moocore",
    "tracking/database.py": "from framework import nn",
    "report/frame.py": "from framework import strategies",
    "nn/tflite/latency.py": "from framework.nn.training import fit",
    "datasets/_sources/splits.py": "from framework.datasets._prepare import text",
    "datasets/_sources/cache.py": "from framework.datasets._sources import arrays",
}
BROKEN_BY_THEM = {
    "A module imports only from floors below its own",
    "The wings of nn stand on its core, and none on another",
    "A data set prepares what a source has read, and no source knows a data set",
    "Sources of samples stand on one cache and one rule of splits",
    "Values are plain Python",
    "Reports know neither nets, plug-ins nor the runner",
    "The store knows neither nets nor plug-ins",
    "MLflow only in the store",
    "Optuna only in the study loop",
    "Ray only in the engine",
    "moocore only in fronts",
    "typer and rich only in the command line and its progress",
    "Data libraries only in the data sets",
    "Libraries of tables and figures only in reports, pandas in table",
    "TensorFlow and its family only in nn",
}


def test_every_contract_bites(tmp_path: Path) -> None:
    shutil.copytree(FRAMEWORK, tmp_path / "framework", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line in BREACHES.items():
        path = tmp_path / "framework" / file
        path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")
    done = lint(tmp_path)
    assert done.returncode == 1
    verdicts = re.findall(r"^(.+?) (BROKEN|KEPT)\b", done.stdout, re.MULTILINE)
    assert dict(verdicts) == dict.fromkeys(BROKEN_BY_THEM, "BROKEN")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("framework", cache_dir=None)


def test_no_plugin_imports_another(graph: grimp.ImportGraph) -> None:
    for kind in PLUGINS:
        files = graph.find_children(f"framework.{kind}")
        for file in files:
            shared = {
                name for name in graph.find_modules_directly_imported_by(file) if name in files
            }
            assert all(name.rpartition(".")[2].startswith("_") for name in shared), (
                f"{file} imports {shared}"
            )


def floors() -> list[list[str]]:
    """The folders and modules of each floor, top to bottom, as the linter has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "floors")
    return [[name.strip() for name in re.split("[|:]", layer)] for layer in layers]


def test_the_floors_are_the_folders() -> None:
    there = {
        path.name.removesuffix(".py")
        for path in FRAMEWORK.iterdir()
        if not path.name.startswith("__")
    }
    assert sorted(itertools.chain.from_iterable(floors())) == sorted(there)
    assert len(list(FRAMEWORK.glob("*.py"))) <= 4


def test_the_page_of_the_architecture_has_the_same_floors() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = page[page.index("| floor |") :].split("\n\n")[0].splitlines()[2:]
    assert [re.findall(r"`([a-z_]+)/?`", row.split("|")[1]) for row in table] == floors()


def test_no_import_goes_against_the_floors_also_where_it_is_lazy(graph: grimp.ImportGraph) -> None:
    level = {name: index for index, names in enumerate(floors()) for name in names}
    against = [
        f"{importer} -> {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if importer.count(".")
        and imported.count(".")
        and "templates" not in importer
        and "__main__" not in importer
        if level[importer.split(".")[1]] > level[imported.split(".")[1]]
    ]
    assert not against


def test_folders_stay_small() -> None:
    for package in PACKAGES:
        for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
            if folder.name not in PLUGINS:
                assert len(list(folder.glob("*.py"))) <= MOST_MODULES, folder


PROBE = """from framework import nn
from framework.nn import compression, tflite, training
from framework.tracking.client import Client

compression.masks.smallest("no array", 3)
compression.pruning.kernels(1, 2, 3)
nn.graph.build()
nn.compression.learned_step.levels_of(bits="two")
nn.masks.smallest
tflite.converter.to_tflite(b"no stage")
training.fit.fit(stage=None)
def wrong(client: Client) -> None:
    client.no_such_call()
    client.set_tag("a run and no tag")
"""


def test_a_wrong_call_through_a_door_is_a_type_error(tmp_path: Path) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(PROBE, "utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        str(probe),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    wrong = {int(line) for line in re.findall(r"probe\.py:(\d+): error", done.stdout)}
    assert wrong == {*range(5, 12), 13, 14}, done.stdout


# --- fresh interpreters ---------------------------------------------------------------------------


def test_values_need_nothing_but_python() -> None:
    before = loaded_by("import json")
    new = loaded_by("import framework, framework.study.overrides, framework.study.grid") - before
    assert "framework" in new
    assert new - {"framework"} <= set(sys.stdlib_module_names)


def test_every_plugin_loads_without_heavy_libraries() -> None:
    loaded = loaded_by(
        "from framework.contracts import Catalog\n"
        "catalog = Catalog()\n"
        "for kind in ('dataset', 'architecture', 'strategy', 'metric'):\n"
        "    for name in catalog.of(kind).names():\n"
        "        assert catalog.of(kind).get(name).plugin_version >= 1"
    )
    assert "framework" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    ("modules", "allowed"),
    [
        ("framework.contracts, framework.results.record, framework.results.fronts", set()),
        ("framework.cli", set()),
        ("framework.tracking.store", {"mlflow"}),
        ("framework.report", {"mlflow"}),
    ],
)
def test_light_modules_stay_light(modules: str, allowed: set[str]) -> None:
    assert not loaded_by(f"import {modules}") & (HEAVY - allowed)


def test_pages_are_made_without_heavy_libraries() -> None:
    loaded = loaded_by("import docs.pages")
    assert "docs" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("command", ["--help", "list", "check"])
def test_light_commands_load_no_net_and_no_store(command: str) -> None:
    loaded = loaded_by(
        f"import sys\nsys.argv = ['squeezelab', {command!r}]\n"
        "from framework.cli import main\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code"
    )
    assert "framework" in loaded
    assert not loaded & (HEAVY - {"optuna"})


# --- what is installed ----------------------------------------------------------------------------


def test_the_wheel_holds_the_package_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        folders = {name.partition("/")[0] for name in archive.namelist()}
    assert {name for name in folders if not name.endswith(".dist-info")} == {"framework"}


def test_an_extra_locks_what_the_base_has_not() -> None:
    listed: dict[str, set[str]] = {}
    for path in ROOT.glob("requirements*.lock"):
        listed[path.stem] = set(re.findall(r"^([\w.-]+)==", path.read_text("utf-8"), re.MULTILINE))
    base = listed.pop("requirements")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].keys() - {"dev"}  # which is in the base
    assert listed.keys() == {f"requirements-{name}" for name in extras}
    assert "ray" in listed["requirements-cluster"]
    assert not base & set().union(*listed.values())


# --- size -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    sorted(path for package in PACKAGES for path in package.rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES


# --- chains ---------------------------------------------------------------------------------------


def imports_at_once(path: Path) -> Iterator[ast.stmt]:
    """The import statements that run when a module is loaded."""
    pending = list(ast.parse(path.read_text("utf-8")).body)
    while pending:
        statement = pending.pop()
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.Try) or (
            isinstance(statement, ast.If) and "TYPE_CHECKING" not in ast.dump(statement.test)
        ):
            pending += statement.body


def loaded_with(path: Path, modules: set[str]) -> set[str]:
    """The modules of the package that a module imports at once."""
    names = set()
    for statement in imports_at_once(path):
        for alias in statement.names:
            module = getattr(statement, "module", None)
            full = f"{module}.{alias.name}" if module else alias.name
            names.add(full if full in modules else module)
    return names & modules


def test_chains_of_imports_are_short() -> None:
    """The most modules that are loaded one for another, from the first to the last."""
    files = {}
    for path in FRAMEWORK.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        files[".".join(parts).removesuffix(".__init__")] = path
    imports = {name: loaded_with(path, set(files)) - {name} for name, path in files.items()}
    lengths: dict[str, int] = {}
    for name in TopologicalSorter(imports).static_order():
        lengths[name] = 1 + max((lengths[other] for other in imports[name]), default=0)
    assert max(lengths.values()) <= LONGEST_CHAIN, max(lengths, key=lengths.get)
