"""A net handed out: the file as it was measured, and a card whose numbers and code are true."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from studies_support import Project, never_killed

from framework.contracts import Catalog, DataInfo
from framework.display.card_usage import input_text
from framework.display.model_card import export
from framework.errors import SqueezelabError, UserError
from framework.nn.tflite.signature import Port
from framework.planning.plan import plan
from framework.runner.confirm.stored import confirm
from framework.study import use
from framework.tracking.lookup import Asked


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(never_killed(tmp_path_factory.getbasetemp(), 5).root, tmp_path / "project")
    return Project(tmp_path / "project")


def rows(card: str) -> dict[str, list[str]]:
    """The rows of the card's tables by their first cell."""
    lines = [line.strip("| ").split(" | ") for line in card.splitlines() if line.startswith("| ")]
    return {cells[0]: cells[1:] for cells in lines}


def test_every_front_member_baseline_and_control(project: Project, tmp_path: Path) -> None:
    front = [run for run in project.runs("trial") if run.tags["pareto"] == "true"]
    assert front
    for number, run in enumerate([*front, *project.runs("baseline"), *project.runs("control")]):
        out = tmp_path / f"net {number}.tflite"
        paths = export(project.root, run.run_id, out)
        assert paths == [out, tmp_path / f"net {number}.md"]
        assert out.read_bytes() == project.store().artifact(run.run_id, "model.tflite")
        card = paths[1].read_text("utf-8")
        assert sha256(out.read_bytes()).hexdigest() in card
        assert run.run_id in card
        found = rows(card)
        assert found["validation"][:2] == ["250", f"{run.metrics['val_accuracy']:.4f}"]
        own, dense = (run.metrics[f"{prefix}params_nonzero"] for prefix in ("", "baseline."))
        assert found["params_nonzero"] == [f"{own:,.0f}", f"{dense:,.0f}", f"{dense / own:.2f}x"]
        assert "baseline" not in found
        assert ("Chosen among trials" in card) is (run.tags["role"] == "trial")
        for words in (
            "1200 samples",
            "float32",
            "0 to 9",
            "toy data set",
            "Never measured on the test split",
            "seed 0",
        ):
            assert words in card
        assert ("arXiv:1710.01878" in card) is (run.tags["role"] == "trial")
        assert re.search(r"Environment: tensorflow|Environment: .*tensorflow \d", card)


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("image", (1, 8, 8, 1), "a picture: height x width x channels"),
        ("left", (1, 8, 8, 3), "a picture"),
        ("audio", (1, 14, 40, 1), "a log-mel spectrogram: frames x bins x 1"),
        ("sequence", (1, 16, 1), "numbers: steps x features"),
        ("text", (1, 8), "a text: 8 token numbers, 0 to 26; 0 fills up short texts"),
        ("ages", (1, 4), "numbers, in the scale of the data set"),
    ],
)
def test_it_says_what_each_input_holds(name: str, shape: tuple[int, ...], words: str) -> None:
    port = Port(name, shape, "float32", 0.0, 0)
    info = DataInfo(task="binary", classes=2, inputs={name: shape[1:]}, tokens={"text": 27})
    assert words in input_text(port, use("some_data"), info)


def test_its_code_runs(project: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    _, card = export(project.root, "tiny:0", tmp_path / "elsewhere" / "mine.tflite")
    code = re.search(r"```python\n(.*?)\n```", card.read_text("utf-8"), re.DOTALL)
    assert code
    done = subprocess.run(
        [sys.executable, "-c", code[1]],
        cwd=card.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) in range(10)


def test_a_look_at_the_test_split_is_told(project: Project, tmp_path: Path) -> None:
    catalog = Catalog()
    planned = plan(project.root, "tiny", settings=[], catalog=catalog)
    for _ in range(2):
        lines = confirm(Asked.of(planned), project.root, number=1, catalog=catalog)
    _, card = export(project.root, "tiny:1", tmp_path / "a.tflite")
    text = card.read_text("utf-8")
    assert rows(text)["test"][1] == next(
        line.split()[1] for line in lines if line.startswith("test_accuracy")
    )
    assert "looked at 2 time(s)" in text
    assert "Never measured" not in text
    with pytest.raises(UserError, match="role confirm"):
        export(project.root, project.runs("confirm")[0].run_id, tmp_path / "b.tflite")


def test_what_has_no_file(project: Project, tmp_path: Path) -> None:
    parent, trial = project.runs("study")[0], project.runs("trial")[2]
    with pytest.raises(UserError, match="role study has no file"):
        export(project.root, parent.run_id, tmp_path / "a.tflite")
    project.store().close(trial.run_id, "FAILED", reason="diverged")
    with pytest.raises(UserError, match="did not finish") as told:
        export(project.root, trial.run_id, tmp_path / "a.tflite")
    assert "diverged" in told.value.given
    assert not list(tmp_path.glob("a.*"))


def test_a_damaged_file_is_not_handed_out(project: Project, tmp_path: Path) -> None:
    run = project.runs("trial")[0]
    file = project.root / ".artifacts" / "tiny" / run.run_id / "artifacts" / "model.tflite"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(SqueezelabError, match="damaged"):
        export(project.root, run.run_id, tmp_path / "a.tflite")
    assert not list(tmp_path.glob("a.*"))


def test_a_removed_file_says_how_to_have_it_back(project: Project, tmp_path: Path) -> None:
    project.study("tiny", "keep=front")
    beaten = [run for run in project.runs("trial") if run.tags["pareto"] == "false"]
    for run in beaten:
        with pytest.raises(UserError, match="removed to save disk") as told:
            export(project.root, run.run_id, tmp_path / "a.tflite")
        assert 'SET="keep=all" FRESH=1' in told.value.todo
    export(
        project.root,
        next(run for run in project.runs("trial") if run not in beaten).run_id,
        tmp_path / "b.tflite",
    )
    assert beaten


def test_nothing_is_overwritten_unless_it_is_allowed(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "a.tflite"
    (tmp_path / "a.md").write_text("mine", "utf-8")
    with pytest.raises(UserError, match=r"a\.md would be overwritten") as told:
        export(project.root, "tiny:0", out)
    assert "--force" in told.value.todo
    assert not out.exists()
    export(project.root, "tiny:0", out, force=True)
    assert (tmp_path / "a.md").read_text("utf-8").startswith("# a.tflite")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "a.md",
        "a.tflite",
    ]
    for wrong in (tmp_path / "a.md", tmp_path / "a", tmp_path / "gone" / "a.tflite", tmp_path):
        with pytest.raises(UserError):
            export(project.root, "tiny:0", wrong, force=True)
