"""The whole report: its files, the same bytes every time, clear words where there is nothing to
show."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_runs import (
    ROOT,
    FakeStore,
    baseline,
    control,
    parent,
    study_json,
    study_of_thirty,
    trial,
)

from framework.errors import InvalidValue, UnknownName, UserError
from framework.report import kind_names, run_report
from framework.report.tables.fit import head_lines
from framework.report.tables.table import Head

NAME = "squeezenet_prune"
PACKAGED = ["ablation", "appendix", "compare", "confirm", "ledger", "pareto", "setup"]
FILES = {f"pareto.{kind}" for kind in ("md", "csv", "tex", "pdf", "svg", "png")}
MACHINE = {"speed.md", "timing.csv", "provenance.json", "report.html"}
FILES |= {"trials.csv", "glossary.md", "pareto_points.csv", *MACHINE}
FIXED = sorted(FILES - MACHINE)


def report(runs, out, **head):
    return run_report(FakeStore(runs, study_json(**head)), NAME, root=ROOT, out=out)


def results(path):
    """All of a file, of the page what the specs determine."""
    return path.read_bytes().split(b"## Where and when")[0]


def fresh_report(out, hash_seed):
    home = out.parent / "home"
    home.mkdir(exist_ok=True)
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "PYTHONHASHSEED": str(hash_seed),
    }
    script = Path(__file__).with_name("synthetic_runs.py")
    done = subprocess.run(
        [sys.executable, script, out], env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert list(home.iterdir()) == []
    return done.stdout


@pytest.fixture(scope="module")
def thirty(tmp_path_factory):
    out = tmp_path_factory.mktemp("thirty") / "out"
    return report(study_of_thirty(), out), out


def test_the_files_are_there_and_nothing_else(thirty):
    found, out = thirty
    assert {path.name for path in out.iterdir()} == FILES == {path.name for path in found.paths}
    assert all(path.parent == out and path.stat().st_size > 100 for path in found.paths)


def test_two_fresh_processes_write_the_same_bytes_quietly_and_not_into_the_home_folder(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert fresh_report(first, 1) == fresh_report(second, 2)
    for name in sorted(FILES):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_another_machine_another_day_and_killed_attempts_change_no_table(thirty, tmp_path):
    def elsewhere(run):
        times = {name: value * 7 for name, value in run.metrics.items() if "seconds" in name}
        tags = {**run.tags, "host": "other", "git": "fff", "attempt": "1"}
        return replace(
            run, metrics={**run.metrics, **times}, tags=tags, start_ms=run.start_ms + 10**9
        )

    runs = [elsewhere(run) for run in study_of_thirty()]
    runs = [
        *runs,
        trial(3, 0.1, 10, status="KILLED", attempt="0"),
        replace(control(), run_id="cut", status="KILLED"),
    ]
    report(runs, tmp_path)
    for name in FIXED:
        assert results(tmp_path / name) == results(thirty[1] / name), name
    assert (tmp_path / "timing.csv").read_bytes() != (thirty[1] / "timing.csv").read_bytes()


def test_the_page_begins_with_what_a_reader_must_know(thirty):
    page = (thirty[1] / "pareto.md").read_text()
    head, after = page.split("| net ", 1)
    for said in ("digits is a toy", "How sparse can SqueezeNet get", "n = 1 seed"):
        assert said in head
    for said in (
        "sparsity = 0.5 to 0.98",
        "Trials: 30 (29 finished, 1 failed: diverged, 1 of the finished break a constraint)",
        "Baseline: 98.80 %",
        "[glossary.md](glossary.md)",
        "- **Not met.** Mean and sample standard deviation over seeds, with n: n = 1 seed",
        "- Met. The baseline is better than guessing.",
        "- Code: revision abc.",
        "- Machine: box.",
    ):
        assert said in after
    assert "Overrides" not in page


def test_overrides_of_what_is_run_are_named(tmp_path):
    report([parent(), trial(0)], tmp_path, overrides=["dataset=mnist", "trials=50"])
    assert "- Overrides: dataset=mnist\n" in (tmp_path / "pareto.md").read_text()


def test_no_table_of_results_holds_a_time_a_host_or_a_run(thirty):
    for name in ("pareto.md", "pareto.csv", "pareto.tex", "trials.csv", "pareto.svg"):
        text = results(thirty[1] / name).decode()
        assert not [
            word for word in ("fit_seconds", "98765", "box", "run23a0", "1970") if word in text
        ], name


def test_every_row_leads_back_to_its_run(thirty):
    found, out = thirty
    origin = json.loads((out / "provenance.json").read_text())
    assert origin["baselines"][0]["run_id"] == "dense"
    assert origin["controls"][0]["run_id"] == "same"
    for number in found.front["trial"]:
        assert origin["trials"][str(number)]["run_id"] == f"run{number}a0"
    assert origin["trials"]["7"]["seconds"] == 10.0
    assert origin["trials"]["0"]["start"] == "1970-01-01T00:00:04.000+00:00"


def test_the_csv_holds_the_exact_numbers_of_the_front(thirty):
    found, out = thirty
    with (out / "pareto.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["row"] == "front"]
    assert len(rows) == len(found.front) >= 5
    assert [float(row["val_accuracy"]) for row in rows] == list(found.front["val_accuracy"])


def test_the_table_for_the_terminal_has_every_point_and_fits(thirty):
    found, _ = thirty
    lines = found.table.splitlines()
    lost = int(lines[-1].split()[0]) if "more than 10 points below" in lines[-1] else 0
    assert len(lines) - 2 * bool(lost) == 4 + len(found.front) - lost
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([], "No trial has finished"),
        ([trial(0, status="FAILED", reason="timeout")], "No trial has finished"),
        (
            [trial(0, extra={"constraint_violation": 1.0})],
            "No finished trial meets the constraints",
        ),
    ],
)
@pytest.mark.parametrize("dense", [[], [baseline(), control()]])
def test_a_study_without_a_front_says_so_in_every_table(trials, said, dense, tmp_path):
    found = report([parent(), *dense, *trials], tmp_path)
    assert said in (tmp_path / "pareto.md").read_text()
    assert "No trial is on the front." in (tmp_path / "pareto.tex").read_text()
    assert len(found.front) == 0
    assert {path.name for path in tmp_path.iterdir()} == FILES


def test_one_trial_makes_a_report(tmp_path):
    found = report([parent(), baseline(), control(), trial(0, 0.97, 19_063)], tmp_path)
    assert list(found.front["trial"]) == [0]
    assert "10.0x" in found.table


def test_a_nasty_question_override_and_tag_do_no_harm(tmp_path):
    nasty = "=cmd|x <script>alert(1)</script> | `a` ${\\input{x}}$ & 100% [l](javascript:1)"
    runs = [parent(), baseline(), trial(0, strategy=nasty), trial(1, 0.5, 10, strategy="b")]
    runs.append(trial(2, status="FAILED", reason=nasty))
    report(runs, tmp_path, question=nasty, overrides=[nasty])
    page, paper = (tmp_path / "pareto.md").read_text(), (tmp_path / "pareto.tex").read_text()
    assert "<script" not in page
    assert "](javascript" not in page.replace("\\]", "")
    for block in page.split("\n\n"):
        table = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in table}) <= 1
    assert "\\input" not in paper
    assert paper.count("textbackslash{}input") == 1
    with (tmp_path / "trials.csv").open(newline="") as file:
        assert [row["reason"] for row in csv.DictReader(file)] == ["", "", f"'{nasty}"]


def test_a_head_parts_no_word_that_there_is_room_for():
    head = Head(name="speedup", text="theoretical speed-up", number=True)
    assert head_lines(head, ["1.00x", "2.40x"]) == ["theoretical", "speed-up", "(\u00d7)"]
    unending = Head(name="x", text="a" * 300, number=True)
    assert max(map(len, head_lines(unending, ["1"]))) <= 14


def test_the_caption_states_n_and_what_the_columns_mean(thirty):
    paper = (thirty[1] / "pareto.tex").read_text()
    caption = next(line for line in paper.splitlines() if line.startswith(r"\caption"))
    assert "n = 1 seed, so there is no $\\pm$" in caption
    assert "classifies rightly; of the validation split" in (thirty[1] / "glossary.md").read_text()
    assert r"\label{tab:squeezenet_prune}" in paper


def test_reports_are_the_files_of_the_project(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "count.py").write_text(
        "def build(runs, out):\n"
        "    (out / 'count.txt').write_text(str(len(runs.trials)))\n"
        "    return [out / 'count.txt']\n"
    )
    (tmp_path / "reports" / "empty.py").write_text('"""Nothing."""\n')
    (tmp_path / "reports" / "_part.py").write_text("")
    assert kind_names(tmp_path) == sorted([*PACKAGED, "count", "empty"])
    store = FakeStore([parent(), trial(0), trial(1)])
    found = run_report(store, NAME, root=tmp_path, out=tmp_path / "out", kind="count")
    assert found.paths == [tmp_path / "out" / "count.txt"]
    assert found.paths[0].read_text() == "2"
    with pytest.raises(UnknownName, match="Did you mean 'count'"):
        run_report(store, NAME, root=tmp_path, out=tmp_path / "none", kind="counts")
    with pytest.raises(InvalidValue, match="build"):
        run_report(store, NAME, root=tmp_path, out=tmp_path / "none", kind="empty")
    with pytest.raises(UserError):
        run_report(FakeStore(), NAME, root=tmp_path, out=tmp_path / "none", kind="count")
    assert not (tmp_path / "none").exists()


def test_without_files_of_its_own_a_project_has_the_report_of_the_package(tmp_path):
    assert kind_names(tmp_path) == PACKAGED
    found = run_report(FakeStore([parent(), trial(0)]), NAME, root=tmp_path, out=tmp_path / "out")
    assert {path.name for path in found.paths} >= {
        "pareto.md",
        "pareto.csv",
        "pareto.tex",
        "pareto.pdf",
        "speed.md",
    }


def test_a_file_of_the_project_goes_before_the_report_of_the_package(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "pareto.py").write_text("def build(runs, out):\n    return []\n")
    assert (
        run_report(FakeStore([parent(), trial(0)]), NAME, root=tmp_path, out=tmp_path / "out").paths
        == []
    )


def test_a_report_that_fails_leaves_the_earlier_files_alone(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "half.py").write_text(
        "def build(runs, out):\n    (out / 'a.txt').write_text('new')\n    raise "
        "RuntimeError('broken')\n"
    )
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_text("old")
    with pytest.raises(
        InvalidValue, match=r"half.py fails: RuntimeError: broken\nIn .*half.py, line 3"
    ):
        run_report(FakeStore([parent(), trial(0)]), NAME, root=tmp_path, out=out, kind="half")
    assert [path.read_text() for path in out.iterdir()] == ["old"]


def test_importing_the_report_loads_no_tensorflow_no_mlflow_and_no_matplotlib():
    code = (
        "import sys, framework.report;"
        "print([name for name in ('tensorflow', 'mlflow', 'matplotlib', 'optuna') if name in "
        "sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_files_that_cannot_be_written_leave_the_table(tmp_path):
    runs = [parent(), baseline(), control(), trial(0, 0.98, 90_000)]
    (tmp_path / "out").write_text("a file where the folder belongs")
    made = report(runs, tmp_path / "out")
    assert "trial 0" in made.table
    assert made.refused.todo
    # the way out
    (tmp_path / "out").unlink()
    assert not report(runs, tmp_path / "out").refused
