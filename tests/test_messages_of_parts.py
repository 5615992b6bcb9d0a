"""Messages of studies, plug-ins and reports that no other test meets: each is made, and its way out
is gone."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from framework import Choice, Study, use
from framework.cli import base
from framework.cli.project import _agreed
from framework.contracts import Catalog, DataInfo
from framework.contracts.project import no_runs
from framework.display import publish
from framework.errors import (
    DataUnavailable,
    InvalidStudy,
    MachineError,
    UnknownName,
    UserError,
)
from framework.maintenance.doctor.data import _data_set
from framework.maintenance.doctor.finding import guarded
from framework.planning import project
from framework.planning.resolve import resolve
from framework.report import Report

CATALOG = Catalog()
STUDY = 'STUDY = Study(dataset=use("digits"), architecture=use("lenet5"))\n'
HEAD = '"""How?"""\n\nfrom framework import Study, use\n\n'


def write(root: Path, text: str) -> None:
    (root / "studies").mkdir(exist_ok=True)
    (root / "studies" / "mine.py").write_text(text)


# --- study files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["", "STUDY = None\n"])
def test_a_file_that_sets_no_study_says_how_it_ends(tmp_path: Path, setting: str) -> None:
    write(tmp_path, HEAD + setting)
    with pytest.raises(InvalidStudy, match="sets no STUDY") as told:
        project.load_study(tmp_path, "mine")
    assert told.value.todo == "End it with STUDY = Study(...)."
    write(tmp_path, HEAD + STUDY)
    assert project.load_study(tmp_path, "mine")


def test_a_name_that_framework_does_not_have_is_told_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, HEAD.replace("use\n", "use, Choise\n") + STUDY)
    with pytest.raises(UnknownName, match="no name in framework called 'Choise'") as told:
        project.load_study(tmp_path, "mine")
    assert told.value.given == "Did you mean 'Choice'?"
    assert told.value.__notes__ == ["In studies/mine.py, line 3."]
    write(tmp_path, HEAD.replace("use\n", "use, Choice\n") + STUDY)
    assert project.load_study(tmp_path, "mine")


def test_a_file_that_cannot_be_read_says_whose_permission_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    write(tmp_path, HEAD + STUDY)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refused)
        with pytest.raises(InvalidStudy, match="cannot be read: Permission denied") as told:
            project.load_study(tmp_path, "mine")
    assert "chmod" in told.value.todo
    assert project.load_study(tmp_path, "mine")


# --- studies --------------------------------------------------------------------------------------


def test_a_file_of_a_net_is_not_searched_over(tmp_path: Path) -> None:
    paths = Choice("a.keras", "b.keras")
    study = Study(dataset=use("digits"), architecture=use("from_file", path=paths))
    with pytest.raises(InvalidStudy, match="path names one file") as told:
        resolve(study, CATALOG)
    # the way out, with nets that need no file
    assert "architecture=Choice(use(..., label='a'), use(..., label='b'))" in told.value.todo
    nets = Choice(use("lenet5", label="a"), use("lenet5", label="b"))
    assert resolve(Study(dataset=use("digits"), architecture=nets), CATALOG)


@pytest.mark.parametrize(
    ("dataset", "way_out"),
    [("csv", "target='diagnosis'"), ("digits", "Leave it out.")],
)
def test_a_label_of_a_data_set_is_its_target(tmp_path: Path, dataset: str, way_out: str) -> None:
    study = Study(dataset=use(dataset, label="diagnosis"), architecture=use("mlp"))
    with pytest.raises(InvalidStudy, match="a data set has no label=") as told:
        resolve(study, CATALOG)
    assert way_out in told.value.todo
    if dataset == "csv":
        rows = "".join(f"{row},{'ab'[row % 2]}\n" for row in range(40))
        (tmp_path / "t.csv").write_text(f"x,diagnosis\n{rows}")
        table = CATALOG.datasets.build("csv", {"path": "t.csv", "target": "diagnosis"})
        assert table.located(tmp_path).info.classes == 2
    else:
        assert resolve(Study(dataset=use("digits"), architecture=use("mlp")), CATALOG)


def test_a_run_is_named_where_there_is_no_store() -> None:
    with pytest.raises(InvalidStudy, match="no store to look for it in") as told:
        no_runs("lenet5_prune:3", "weights.npz")
    assert "lenet5_prune:3, for its weights.npz" in told.value.given


# --- data and nets --------------------------------------------------------------------------------


def test_a_picture_without_channels_is_told_and_one_with_them_is_read() -> None:
    net = CATALOG.architectures.build("lenet5", {})
    with pytest.raises(InvalidStudy, match="reads 'image' as height x width x channels") as told:
        net.input_shapes(DataInfo("classes", 10, {"image": (28, 28)}))
    assert "image[..., None]" in told.value.todo
    assert net.input_shapes(DataInfo("classes", 10, {"image": (28, 28, 1)}))


@pytest.mark.parametrize(
    ("inputs", "tokens"),
    [({"image": (8, 8, 1), "sequence": (4, 1)}, {}), ({"text": (9,)}, {"text": 20})],
)
def test_a_reconstruction_is_of_one_input_of_numbers(
    inputs: dict[str, tuple[int, ...]], tokens: dict[str, int]
) -> None:
    with pytest.raises(InvalidStudy, match="rebuilds the one input"):
        _ = DataInfo("reconstruction", 0, inputs, tokens).target
    assert DataInfo("reconstruction", 0, {"sequence": (4, 1)}).target == "sequence"


# --- what the machine refuses ---------------------------------------------------------------------


def full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device", "pareto.md")


def test_a_note_that_cannot_be_written_leaves_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Report([], "| table |", front=None)
    monkeypatch.setattr(publish, "run_report", lambda *_, **__: made)
    study = SimpleNamespace(digest="0", seeds=1, architecture=None, compress=(), sampler="grid")
    plan = SimpleNamespace(name="mine", study=study)
    outcome: Any = SimpleNamespace(plan=plan, generation=1)
    for refusal in (full, _out_of_memory):
        monkeypatch.setattr(publish, "publish", refusal)
        report = publish.conclude(None, outcome, root=tmp_path, out=tmp_path)  # type: ignore[arg-type]
        assert report.table == "| table |"
        assert report.refused is not None
        assert report.refused.todo


def _out_of_memory(*_: Any, **__: Any) -> Any:
    raise MachineError("The memory is used up.", todo="Close other programs.")


def test_doctor_goes_on_behind_what_the_machine_refuses(tmp_path: Path) -> None:
    def unavailable(*_: Any) -> None:
        raise DataUnavailable("No.", todo="Set path.")

    found = []
    for refusal in (full, unavailable):
        datasets = SimpleNamespace(
            build=lambda name, knobs, refusal=refusal: SimpleNamespace(check_available=refusal)
        )
        found.append(_data_set(tmp_path, "mine", SimpleNamespace(datasets=datasets)))  # type: ignore[arg-type]
    assert [finding.level for finding in found] == ["WRONG", "hint"]
    assert "disk is full" in found[0].text
    assert found[1].text == "not here. Set path."
    [finding] = guarded("cache", full)
    assert (finding.level, finding.what) == ("WRONG", "cache")
    assert "disk is full" in finding.text


# --- the command line -----------------------------------------------------------------------------


def test_a_folder_that_is_there_no_longer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    (tmp_path / "studies").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "cwd", gone)
        with pytest.raises(UserError, match="there no longer") as told:
            base.find_project()
    assert told.value.todo == "Change to a project: cd FOLDER."
    monkeypatch.chdir(tmp_path)
    assert base.find_project() == tmp_path


def test_an_output_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.print", full)
    monkeypatch.setattr(base.streams, "silence_stdout", lambda: None)
    with pytest.raises(MachineError, match="cannot be written: No space left") as told:
        base.tell("a table")
    assert "what stands behind >" in told.value.todo


def test_what_the_machine_refuses_anywhere_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(base, "app", full)
    for name in ("prepare", "silence_stdout"):
        monkeypatch.setattr(base.streams, name, lambda: None)
    monkeypatch.setattr(base.interrupt, "as_interrupts", lambda: None)
    monkeypatch.setattr(base.interrupt, "ignore", lambda: None)
    with pytest.raises(SystemExit) as ended:
        base.main()
    assert ended.value.code == 1
    shown = capsys.readouterr().err
    assert "disk is full" in shown
    assert "Traceback" not in shown


def test_nothing_is_deleted_where_nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UserError, match="Nothing was deleted") as told:
        _agreed("Delete it?", yes=False)
    assert "YES=1" in told.value.todo
    assert _agreed("Delete it?", yes=True)
