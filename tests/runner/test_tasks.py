"""A regression, a reconstruction and a decision between two classes, from the command line to the
card: small, and all the way."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from studies_support import Project, Watcher, new_project
from task_support import tasks  # noqa: F401  (a fixture)

from framework.results.record import MACHINE

pytestmark = pytest.mark.usefixtures("tasks")
PRUNE = 'use("magnitude_prune", sparsity=Float(0.3, 0.6), epochs=1)'
LSTM = 'use("lstm", units=4, embedding=4)'
OUT = {
    "pareto.md",
    "pareto.csv",
    "pareto.tex",
    "pareto.png",
    "pareto.pdf",
    "pareto.svg",
    "trials.csv",
    "speed.md",
}


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return new_project(tmp_path_factory.getbasetemp(), tmp_path / "project")


def reported(
    project: Project, dataset: str, capsys: pytest.CaptureFixture[str], **parts: object
) -> tuple[str, Path]:
    """What the terminal shows of a study of this data set, and the folder of its report."""
    project.write_study(trials=2, sampler='"random"', compress=f"[{PRUNE}]", **parts)
    project.command("study", "tiny", "--set", f"dataset={dataset}")
    (out,) = (project.root / "reports" / "out").glob("tiny@*")
    assert {path.name for path in out.iterdir()} >= OUT
    return capsys.readouterr().out, out


def card_of(project: Project, dataset: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The card of trial 0, after a look at the test split; the code on it runs."""
    settings = ("--set", f"dataset={dataset}")
    project.command("confirm", "tiny", "--trial", "0", *settings)
    project.command("export", "tiny:0", str(project.root / "net.tflite"), *settings)
    card = (project.root / "net.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)\n```", card, re.DOTALL)
    assert code
    done = subprocess.run(
        [sys.executable, "-c", code[1]],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    float(done.stdout)
    return f"{capsys.readouterr().out}{card}"


def test_a_regression_is_told_by_r2_everywhere(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = reported(
        project, "brightness", capsys, constraints='[AtMost("quality_drop", 50.0)]'
    )
    assert "| R2 |" in re.sub(" +", " ", table)
    page = (out / "pareto.md").read_text("utf-8")
    for words in (
        "# tiny: R2 against size",
        "regression of one number",
        "r2_drop at most 50",
        "val. RMSE",
        "Baseline: R2",
    ):
        assert words in page
    texts = [
        table,
        *(
            (out / name).read_text("utf-8")
            for name in ("pareto.md", "pareto.tex", "speed.md", "trials.csv")
        ),
    ]
    assert not [text for text in texts if "ccurac" in text]
    for run in (*project.runs("trial"), *project.runs("control")):
        assert run.metrics["r2_drop"] == run.metrics["baseline.val_r2"] - run.metrics["val_r2"]
        assert not {name for name in run.metrics if "accuracy" in name or "disagreement" in name}
    view = json.loads(json.loads(project.store().ui_tags("tiny")["sharedViewState.front"])["state"])
    assert {"metrics.`val_r2`", "metrics.`r2_drop`"} <= set(view["selectedColumns"])
    assert "metrics.`accuracy_drop`" not in view["selectedColumns"]
    card = card_of(project, "brightness", capsys)
    for words in (
        "test_r2 ",
        "test_rmse ",
        "RMSE, this net",
        "`image` holds a picture",
        "Answer: the number itself",
    ):
        assert words in card
    assert "ccuracy" not in card


def test_a_reconstruction_is_told_by_r2_mse_and_auc(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    net = 'use("autoencoder", units=12, depth=1, code=6)'
    parts = {"architecture": net, "compress": f'[{PRUNE}, use("ptq", format="int8")]'}
    constraint = '[AtLeast("val_auc", 0.0)]'
    project.write_study(trials=1, sampler='"random"', constraints=constraint, **parts)
    project.command("study", "tiny", "--set", "dataset=digits_anomaly")
    table = capsys.readouterr().out
    assert {"R2", "AUC"} <= set(re.sub(" +", " ", table).split(" "))
    (out,) = (project.root / "reports" / "out").glob("tiny@*")
    page = (out / "pareto.md").read_text("utf-8")
    for words in (
        "reconstruction of the input",
        "val. MSE",
        "val. AUC",
        "Baseline: R2",
        ", MSE 0.",
    ):
        assert words in page
    (run,) = project.runs("trial")
    assert 0 < run.metrics["val_auc"] < 1
    assert run.metrics["val_mse"] > 0
    assert run.metrics["r2_drop"] == run.metrics["baseline.val_r2"] - run.metrics["val_r2"]
    card = card_of(project, "digits_anomaly", capsys)
    for words in ("test_auc ", "test_mse ", "Answer: the input rebuilt", "# anomaly score"):
        assert words in card
    assert "ccuracy" not in card + page


def test_two_classes_are_decided_at_one_half(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write_study(architecture=LSTM, trials=2)
    project.command("study", "tiny", "--set", "dataset=one_word", "--dry-run")
    assert "short trials timed now" in capsys.readouterr().out
    table, out = reported(project, "one_word", capsys, architecture=LSTM)
    assert "| accuracy % |" in re.sub(" +", " ", table)
    assert "a decision between two classes" in (out / "pareto.md").read_text("utf-8")
    rows = list(csv.DictReader((out / "trials.csv").read_text("utf-8").splitlines()))
    assert all(0 <= float(row["val_accuracy"]) <= 1 and "r2_drop" not in row for row in rows)
    assert not set(rows[0]) & set(MACHINE)
    card = card_of(project, "one_word", capsys)
    for words in (
        "test_accuracy ",
        "8 token numbers, 0 to 11",
        '.vocabulary(root, "text")',
        "1 x 8, int32",
        "the probability of class 1; above 0.5",
    ):
        assert words in card
    assert "picture" not in card


# --- several architectures ------------------------------------------------------------------------


def test_each_architecture_has_its_baseline_and_its_control_whenever_it_comes(
    project: Project,
) -> None:
    nets = (
        'Choice(use("lenet5", filters_1=3, filters_2=3, units=8), use("lenet_300_100", '
        'label="flat", units_1=9))'
    )
    project.write_study(
        architecture=nets,
        sampler='"grid"',
        trials=2,
        compress='[use("magnitude_prune", sparsity=0.5, epochs=0)]',
        train="Train(epochs=1, warmup_epochs=0, batch_size=60)",
    )
    ran: list[list[tuple[str, str]]] = []
    for trials in (1, 2, 2):
        watcher = Watcher()
        project.study("tiny", f"trials={trials}", observer=watcher)
        ran.append([(event.what, event.net) for event in watcher.ended_runs])
    assert ran == [
        [("baseline", "lenet5"), ("control", "lenet5"), ("trial 0", "lenet5")],
        [("baseline", "flat"), ("control", "flat"), ("trial 1", "flat")],
        [],
    ]
    project.command("report", "tiny")
    rows: list[dict[str, Any]] = list(
        csv.DictReader(
            (project.root / "reports/out/tiny/pareto.csv").read_text("utf-8").splitlines()
        )
    )
    for net in ("lenet5", "flat"):
        baseline, control = (
            [row for row in rows if (row["row"], row["architecture"]) == (kind, net)]
            for kind in ("baseline", "control")
        )
        assert len(baseline) == len(control) == 1
        assert float(control[0]["params_total"]) == float(baseline[0]["params_total"])
    names = {run.name for run in project.store().runs("tiny")}
    assert {"baseline · flat · seed 0", "control · flat · 0 epochs · seed 0"} <= names
    assert any(name.startswith("trial 001 · flat") for name in names)
