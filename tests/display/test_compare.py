"""Two studies or runs beside each other: what differs is shown, with the right numbers, and nothing
else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from nets_support import CATALOG
from scipy.stats import binomtest
from studies_support import Project, never_killed, new_project

from framework.display.answers import answers
from framework.display.compare import compare
from framework.errors import UserError
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.results.record import MODEL_TFLITE, SPEC_JSON, Record
from framework.study import Spec


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def project(base: Path, tmp_path: Path) -> Project:
    return new_project(base, tmp_path / "project")


def cells(text: str) -> dict[str, list[str]]:
    """The rows of all blocks: name -> cells."""
    rows = [line.split("  ") for line in text.splitlines() if line.startswith("  ")]
    return {
        row[0]: row[1:] for row in ([cell.strip() for cell in row if cell.strip()] for row in rows)
    }


def run_of(
    project: Project, *, params: dict[str, str], metrics: dict[str, float], **tags: str
) -> str:
    store = project.store()
    named = {
        "study_digest": "d" * 64,
        "generation": "0",
        "git": "abc",
        "dirty": "false",
        "host": "here",
    } | tags
    run_id = store.begin("mine", role="trial", name="trial", tags=named, params=params)
    store.finish(run_id, Record(metrics=metrics))
    return run_id


def test_numbers_with_difference_and_ratio(project: Project) -> None:
    first = run_of(
        project,
        params={"seed": "0", "compress.0.sparsity": "0.5", "old": "1"},
        metrics={
            "params_nonzero": 80_000,
            "val_accuracy": 0.75,
            "size_tflite_bytes": 10,
            "seconds": 2.0,
            "gone": 3,
        },
    )
    second = run_of(
        project,
        params={"seed": "0", "compress.0.sparsity": "0.9"},
        metrics={
            "params_nonzero": 20_000,
            "val_accuracy": 0.5,
            "size_tflite_bytes": 10,
            "seconds": 3.0,
            "zero": 0,
        },
        git="def",
    )
    text = compare(project.root, first, second)
    found = cells(text)
    assert found["params_nonzero"] == ["80,000", "20,000", "-60,000", "0.25"]
    assert found["val_accuracy"] == ["0.75", "0.5", "-0.25", "0.6667"]
    assert found["gone"] == ["3", "-"]
    assert found["zero"] == ["-", "0"]
    assert found["compress.0.sparsity"] == ["0.5", "0.9"]
    assert found["old"] == ["1", "-"]
    assert found["git"] == ["abc", "def"]
    assert not {"seed", "size_tflite_bytes", "host"} & set(found)
    assert (
        text.index("val_accuracy")
        < text.index("which depend on the machine")
        < text.index("seconds")
    )
    assert "Equal: " in text


def test_nothing_differs(project: Project) -> None:
    same = {"params": {"seed": "0"}, "metrics": {"val_accuracy": 0.5}}
    first, second = (run_of(project, **same) for _ in range(2))
    assert compare(project.root, first, second).startswith("Nothing differs")
    assert "one run" in compare(project.root, first, first[:8])


def test_trials_of_a_real_study(base: Path) -> None:
    done = never_killed(base, 5)
    found = cells(compare(done.root, "tiny:0", "tiny:1"))
    first, second = (
        next(run for run in done.runs("trial") if run.number == number) for number in (0, 1)
    )
    assert found["compress.0.sparsity"] == [
        run.params["compress.0.sparsity"] for run in (first, second)
    ]
    assert found["params_nonzero"][0] == f"{first.metrics['params_nonzero']:,.0f}"
    assert not any(
        name.startswith(("environment", "host", "git", "baseline.params")) for name in found
    )


def test_another_environment_is_told(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = new_project(base, tmp_path / "two")
    at_once = '[use("magnitude_prune", epochs=0, sparsity=Choice(0.3, 0.6))]'
    project.write_study(sampler='"grid"', trials=1, compress=at_once)
    project.study()
    monkeypatch.setattr("framework.runner.study_runs.fingerprint", lambda: {"tensorflow": "9.9"})
    project.study(fresh=True)
    runs = project.runs("trial")
    found = cells(compare(project.root, *(run.run_id for run in runs)))
    assert found["environment tensorflow"][1] == "9.9"
    assert found["generation"] == ["0", "1"]
    assert "val_accuracy" not in found


def test_two_studies(project: Project) -> None:
    project.write_study("first")
    project.write_study(
        "second",
        trials=9,
        objectives='{"val_accuracy": "max"}',
        constraints='[AtMost("accuracy_drop", 0.1)]',
        compress='[use("magnitude_prune", layers="erk", sparsity=0.5, epochs=Choice(1, 2))]',
    )
    found = cells(compare(project.root, "first", "second"))
    heads = [name for name in found if name.startswith("first ")]
    assert len(heads) == 1
    assert {name: row for name, row in found.items() if name not in heads} == {
        "trials": ["3", "9"],
        "compress.0.layers": ["one of uniform, erk", "erk"],
        "compress.0.sparsity": ["0.3 to 0.95", "0.5"],
        "objective params_nonzero": ["min", "-"],
        "constraint accuracy_drop": ["-", "AtMost 0.1"],
    }
    project.write_study("again")
    assert "nothing differs" in compare(project.root, "first", "again")


def test_a_study_and_a_run(base: Path) -> None:
    done = never_killed(base, 5)
    with pytest.raises(UserError, match="A study is compared with a study") as told:
        compare(done.root, "tiny", "tiny:0")
    assert "tiny:12" in told.value.todo


def test_the_files_of_two_trials_answer_the_same_samples(base: Path) -> None:
    done = never_killed(base, 5)
    first, second = done.runs("trial")[:2]
    said = answers(done.root, first.run_id, second.run_id)
    shares = [float(share) for share in re.findall(r"([\d.]+) % right", said)]
    measured = [round(100 * run.metrics["val_accuracy"], 2) for run in (first, second)]
    assert shares == measured
    samples = int(re.findall(r"on the ([\d,]+) samples", said)[0])
    only_first, only_second = map(int, re.findall(r"(\d+) of them the other has wrong", said))
    assert only_first - only_second == pytest.approx(
        samples * (first.metrics["val_accuracy"] - second.metrics["val_accuracy"])
    )
    p = binomtest(only_first, only_first + only_second).pvalue
    assert f"p = {p:.3g}." in said
    assert "p = 1." in answers(done.root, "tiny:0", "tiny:0")


def spec_of(project: Project, *settings: str) -> Spec:
    planned = plan(project.root, "tiny", settings=settings, catalog=CATALOG)
    return planned.study.fix(first_value).dense()


def logged(project: Project, spec: Spec, file: bytes = b"", *, reason: str = "") -> str:
    """A run with this spec and this file."""
    store = project.store()
    tags = {"spec_digest": spec.digest, "study_digest": "d" * 64, "generation": "0"}
    run_id = store.begin("mine", role="trial", name="trial", tags=tags, params=spec.parameters())
    files = {SPEC_JSON: json.dumps(spec.json()).encode(), MODEL_TFLITE: file}
    store.finish(run_id, Record(artifacts=files, reason=reason))
    return run_id


def test_what_cannot_be_counted_is_told(base: Path, project: Project) -> None:
    done = never_killed(base, 5).runs("trial")[0]
    file = never_killed(base, 5).store().artifact(done.run_id, MODEL_TFLITE)
    plain = logged(project, spec_of(project), file)
    spec = spec_of(project)
    other = logged(project, replace(spec, dataset=replace(spec.dataset, version=99)), file)
    failed = logged(project, spec_of(project), reason="diverged")
    numbers = logged(project, spec_of(project, "dataset=mackey_glass", "architecture=lstm"))
    with pytest.raises(UserError, match="Two files are compared on the same samples"):
        answers(project.root, plain, other)
    with pytest.raises(UserError, match="has no file that could answer"):
        answers(project.root, plain, failed)
    with pytest.raises(UserError, match="Only where answers are right or wrong"):
        answers(project.root, numbers, plain)
