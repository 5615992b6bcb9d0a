"""A study with something of the user's own is tried before it is accepted, by every command that
accepts studies; what is refused has a way out that works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from nets_support import CATALOG
from studies_support import Project, new_project

from framework import Choice, Float, Int, Study, Train, use
from framework.planning.resolve import resolve
from framework.runner.smoke import gate
from framework.runner.smoke.cover import covering_specs
from framework.system import paths

FAILING = '''"""For a test."""

from dataclasses import dataclass

from framework.contracts import Strategy, knob, strategy


@strategy("mine", version=1)
@dataclass(frozen=True, kw_only=True)
class Mine(Strategy):
    """Fails above a share.

    Source: a test.
    """

    keeps = frozenset({"sparsity"})

    share: float = knob(0.5, low=0.0, high=1.0, doc="above 0.7 it fails")

    def apply(self, stage, job):
        if self.share > 0.7:
            raise RuntimeError("the share is too large")
        return stage
'''
MINE = 'use("mine", share=Float(0.1, 0.9))'


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """A project whose smoke tests run in this process, which has TensorFlow already."""

    def here(work: Callable[..., None], *arguments: Any, **options: Any) -> Iterator[Any]:
        said: list[Any] = []
        work(said.append, *arguments)
        yield from said

    monkeypatch.setattr(gate, "messages", here)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


def failing(project: Project, compress: str = f"[{MINE}]") -> None:
    (project.root / "plugins").mkdir()
    (project.root / "plugins" / "mine.py").write_text(FAILING, "utf-8")
    project.write_study(compress=compress)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return "".join(capsys.readouterr())


# --- what is tried --------------------------------------------------------------------------------


def test_every_combination_and_both_ends_of_every_domain_are_tried() -> None:
    steps = (
        Choice(use("magnitude_prune", sparsity=Float(0.1, 0.9)), use("global_prune"), None),
        Choice(use("ptq", format=Choice("int8", "float16", "dynamic")), use("qat")),
    )
    study = Study(
        dataset=use("digits"),
        architecture=Choice(use("lenet5"), use("cnn", filters=Int(4, 9, step=2))),
        train=Train(epochs=7, optimizer=Choice("adam", "sgd"), batch_size=Choice(8, 16, 32)),
        compress=steps,
    )
    specs = covering_specs(resolve(study, CATALOG), CATALOG)
    seen = [(spec.architecture.name, spec.strategy) for spec in specs]
    chains = list(product(["magnitude_prune+", "global_prune+", ""], ["ptq", "qat"]))
    for net in ("lenet5", "cnn"):
        assert seen.index((net, "identity")) < 2  # before any compression
        assert {chain for of, chain in seen if of == net} >= {"".join(pair) for pair in chains}
    formats = {
        step.knobs["format"] for spec in specs for step in spec.compress if "ptq" in step.name
    }
    assert formats == {"int8", "float16", "dynamic"}
    assert {spec.train.batch_size for spec in specs} == {8, 32}
    assert {spec.train.optimizer for spec in specs} == {"adam", "sgd"}
    filters = {
        spec.architecture.knobs["filters"] for spec in specs if spec.architecture.name == "cnn"
    }
    assert filters == {4, 8}  # 9 is not in steps of 2 from 4
    assert len({spec.digest for spec in specs}) == len(specs)


def test_a_range_without_end_is_not_walked_through() -> None:
    study = Study(
        dataset=use("digits"),
        architecture=use("lenet5"),
        compress=(use("snip", epochs=Int(1, 1000), sparsity=Float(0.0, 0.99, step=1e-9)),),
    )
    assert len(covering_specs(resolve(study, CATALOG), CATALOG)) == 3


# --- what is refused, and the way out -------------------------------------------------------------


def test_all_commands_refuse_what_would_fail_later(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(project)
    for command in (["check", "tiny"], ["show", "tiny"], ["study", "tiny", "--dry-run"]):
        assert project.exit_code(*command) == 2
        told = said(capsys)
        assert "tiny would fail at: lenet_300_100 under mine." in told
        assert "RuntimeError: the share is too large" in told
        assert "Leave mine out of compress=" in told
        assert "Traceback" not in told
    assert project.runs("trial") == []


def test_the_step_at_fault_is_named_and_without_it_the_study_passes(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(project, f'[use("magnitude_prune", epochs=0), {MINE}]')
    assert project.exit_code("check", "tiny") == 2
    assert "Leave mine out of compress=" in said(capsys)
    project.write_study(compress='[use("magnitude_prune", epochs=0)]')
    assert project.exit_code("check", "tiny") == 0
    assert "ok     tiny" in said(capsys)


def test_what_passed_is_remembered_until_it_changes(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(project, '[use("mine", share=0.3)]')
    assert project.exit_code("check", "tiny") == 0
    assert "2 kinds of trials" in said(capsys)
    assert len(list(paths.tried(project.root).iterdir())) == 2
    assert project.exit_code("check", "tiny") == 0
    assert "Trying" not in said(capsys)
    # code of one's own decides too
    (project.root / "plugins" / "mine.py").write_text(FAILING.replace("0.7", "0.2"), "utf-8")
    assert project.exit_code("check", "tiny") == 2
    assert "the share is too large" in said(capsys)


def test_a_picture_that_cannot_be_read_is_met_before_the_study(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    for number in range(40):
        folder = project.root / "photos" / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (number, 9, 9)).save(folder / f"{number}.png")
    (project.root / "photos" / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    study = '"""Q?"""\nfrom framework import Study, Train, use\nSTUDY = Study({})\n'.format(
        'dataset=use("image_folder", path="photos"), architecture=use("lenet_300_100"), '
        "train=Train(epochs=1, warmup_epochs=0)"
    )
    (project.root / "studies" / "photos.py").write_text(study, "utf-8")
    assert project.exit_code("check", "photos") == 2
    told = said(capsys)
    assert "broken.png" in told
    assert "reading the data" in told
    (project.root / "photos" / "cat" / "broken.png").unlink()
    mended = CATALOG.datasets.build("image_folder", {"path": str(project.root / "photos")})
    mended.prepare(project.root)
    assert mended.state(project.root) == "cached"


# --- where nothing is tried -----------------------------------------------------------------------


def test_what_is_shipped_is_not_tried_and_nothing_is_written(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(project.root.rglob("*"))
    for command in ("check", "show"):
        assert project.exit_code(command, "tiny") == 0
    assert "Trying" not in said(capsys)
    assert sorted(project.root.rglob("*")) == before


def test_a_metric_of_ones_own_lets_no_other_study_be_tried(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.command("new", "metric", "my_metric")
    assert project.exit_code("check", "tiny") == 0
    assert "Trying" not in said(capsys)
    assert not paths.tried(project.root).exists()


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (
            ("silent", "300 s"),
            ("Nothing came of it within 300 s.", "The study itself has no such limit"),
        ),
        (("memory", "1.0 GB"), ("more memory than 1.0 GB", "batch_size")),
        (("crashed", "SIGSEGV"), ("ended with SIGSEGV", "Save the net or the data again")),
    ],
)
def test_a_child_that_did_not_end_is_a_refusal(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ended: tuple[str, str],
    words: tuple[str, str],
) -> None:
    def ends(*_: Any, **options: Any) -> Iterator[Any]:
        yield {"trying": "lenet_300_100 under mine"}
        options["waiting"](gate.WORD_SECONDS + 1)
        raise gate.ChildEnded(*ended)

    monkeypatch.setattr(gate, "messages", ends)
    failing(project)
    assert project.exit_code("check", "tiny") == 2
    told = said(capsys)
    assert "still at it: lenet_300_100 under mine" in told
    assert "tiny could not be tried: lenet_300_100 under mine." in told
    for text in words:
        assert text in told


def test_a_child_process_tries_it_for_real(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from framework.system import child

    monkeypatch.setattr(gate, "messages", child.messages)
    failing(project)
    assert project.exit_code("check", "tiny") == 2
    assert "RuntimeError: the share is too large" in said(capsys)
    # its control and the smaller share have passed
    assert len(list(paths.tried(project.root).iterdir())) == 2
