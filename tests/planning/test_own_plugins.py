"""Plug-ins of a project: found from its folder, held apart from other projects, told when their
code has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from studies_support import Project, Watcher, new_project

from framework import Study, use
from framework.contracts import Catalog
from framework.errors import DuplicateName, InvalidValue, SqueezelabError
from framework.planning.own_plugins import catalog_of, plugin_files

STRATEGY = '''"""Half of each kernel goes."""

from dataclasses import dataclass

import numpy as np

from framework.contracts import Mask, Strategy, knob, strategy
from framework.nn import compression


@strategy("half_prune", version=VERSION)
@dataclass(frozen=True, kw_only=True)
class HalfPrune(Strategy):
    """Zero a share of each kernel, whatever its values.

    Source: written for this test.
    """

    keeps = frozenset({"sparsity"})
    gives = frozenset({"sparsity"})
    share: float = knob(0.5, low=0.0, high=0.9, doc="share that goes")

    def apply(self, stage, job):
        """At once, without training."""
        weights, masks = dict(stage.weights), []
        for key, shape in compression.pruning.kernels(stage).items():
            zeros = (np.arange(weights[key].size) < weights[key].size * self.share).reshape(shape)
            weights[key] = np.where(zeros, 0, weights[key]).astype(np.float32)
            masks.append(Mask(key, zeros))
        asked = {mask.weight: int(mask.zeros.sum()) for mask in masks}
        return stage.with_weights(weights).asking(asked, keeps=tuple(masks))
'''
METRIC = '''"""How many tensors."""

from dataclasses import dataclass

from framework.contracts import Metric, metric


@metric("tensors", version=1)
@dataclass(frozen=True, kw_only=True)
class Tensors(Metric):
    """Tensors of the exported file that hold weights.

    Source: written for this test.
    """

    def measure(self, exported):
        """Counted in the file."""
        return float(len(exported.weights))
'''
STUDY = {"compress": '[use("half_prune", share=Float(0.2, 0.8))]', "trials": 2}


def write(root: Path, name: str, text: str) -> None:
    (root / "plugins").mkdir(exist_ok=True)
    (root / "plugins" / f"{name}.py").write_text(text, "utf-8")


def half(version: int = 1) -> str:
    return STRATEGY.replace("VERSION", str(version))


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Project:
    made = new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")
    write(made.root, "half_prune", half())
    write(made.root, "tensors", METRIC)
    made.write_study(**STUDY)
    return made


def test_a_strategy_and_a_metric_of_ones_own_run_and_are_tabulated(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.command("list")
    listed = capsys.readouterr().out
    assert "half_prune" in listed
    assert "tensors" in listed
    project.command("study", "tiny")
    runs = project.runs("trial")
    assert [run.metrics["tensors"] for run in runs] == [6.0, 6.0]  # three layers
    files = dict(pair.split("=") for pair in runs[0].tags["plugin_files"].split())
    assert set(files) == {"half_prune", "tensors"}
    table = (project.root / "reports" / "out" / "tiny" / "trials.csv").read_text("utf-8")
    assert "compress.0.share" in table
    assert "tensors" in table.splitlines()[0]


def test_code_that_changes_under_its_version_is_warned_of(project: Project) -> None:
    project.study()
    assert not [
        line for line in _said(project, "trials=3") if "WARNING" in line and "plugins/" in line
    ]
    write(project.root, "half_prune", half() + "\n# another line\n")
    (line,) = [line for line in _said(project, "trials=4") if "plugins/half_prune.py" in line]
    assert "has changed since 3 of these runs, under the same version" in line


def test_a_new_version_is_a_study_of_its_own(project: Project) -> None:
    project.study()
    write(project.root, "half_prune", half(version=2))
    said = _said(project)
    assert not [line for line in said if "plugins/half_prune.py" in line]
    assert len({run.tags["study_digest"] for run in project.runs("trial")}) == 2


def test_two_projects_of_one_process_do_not_see_each_other(tmp_path: Path) -> None:
    for name, version in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, "half_prune", half(version))
    one, two = (catalog_of(tmp_path / name).strategies.get("half_prune") for name in ("one", "two"))
    assert (one.plugin_version, two.plugin_version) == (1, 2)
    assert "half_prune" not in Catalog().strategies.names()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("broken", "import no_such_library\n", r"plugins/broken\.py does not load"),
        ("broken", "def f(:\n", r"plugins/broken\.py does not load"),
        ("nothing", "X = 1\n", r"plugins/nothing\.py files no plug-in"),
        ("other", STRATEGY.replace("VERSION", "1"), "registered under the name of its file"),
        ("half_prune", STRATEGY.replace("VERSION", "0"), "starts at 1"),
    ],
)
def test_what_does_not_load_says_so(tmp_path: Path, name: str, text: str, said: str) -> None:
    write(tmp_path, name, text)
    with pytest.raises(InvalidValue, match=said):
        catalog_of(tmp_path)
    assert "half_prune" not in Catalog().strategies.names()


def test_where_a_file_stops_is_said(tmp_path: Path) -> None:
    write(tmp_path, "broken", '"""Doc."""\n\nimport no_such_library\n')
    with pytest.raises(InvalidValue) as caught:
        catalog_of(tmp_path)
    assert "line 3" in caught.value.given


def test_a_name_of_the_package_is_taken(tmp_path: Path) -> None:
    write(tmp_path, "magnitude_prune", half().replace('"half_prune"', '"magnitude_prune"'))
    with pytest.raises(DuplicateName, match="Two files register the strategy 'magnitude_prune'"):
        catalog_of(tmp_path)


def test_a_name_that_the_package_has_in_another_kind_is_ones_own(tmp_path: Path) -> None:
    """`rmse` is a metric of the package, and may be a strategy of the project."""
    (tmp_path / "plugins").mkdir()
    text = STRATEGY.replace("VERSION", "1").replace('"half_prune"', '"rmse"')
    (tmp_path / "plugins" / "rmse.py").write_text(text, "utf-8")
    catalog = catalog_of(tmp_path)
    study = Study(dataset=use("digits"), architecture=use("lenet_300_100"), compress=[use("rmse")])
    (tag,) = plugin_files(study, catalog, tmp_path).values()
    assert tag.startswith("rmse=")


def test_a_file_that_begins_with_an_underscore_is_nobodys(tmp_path: Path) -> None:
    write(tmp_path, "_notes", "raise SystemError\n")
    assert catalog_of(tmp_path) == Catalog()


def test_the_command_line_says_it_in_a_few_lines(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project.root, "broken", "import no_such_library\n")
    assert (
        project.exit_code("check") == SqueezelabError.exit_code or project.exit_code("check") == 2
    )
    said = capsys.readouterr().err
    assert "plugins/broken.py does not load." in said
    assert "Traceback" not in said


def _said(project: Project, *settings: str) -> list[str]:
    watcher = Watcher()
    project.study("tiny", *settings, observer=watcher)
    return watcher.said
