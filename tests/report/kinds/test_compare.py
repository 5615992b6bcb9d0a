"""Methods side by side, from a real store: what is in the tables, and that they are the same."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from command_support import squeezelab
from compared_runs import CATALOG, OVER, SPARSITIES, Written, compared, study_of
from mlflow import MlflowClient

from framework.errors import UnknownName, UserError
from framework.report.compare.comparison import compare
from framework.report.compare.figure import figure_of
from framework.tracking.store import Store

MACHINE = {"compare_budgets.csv", "compare_provenance.json", "compare_report.html"}
FILES = {f"compare.{kind}" for kind in ("md", "csv", "tex", "html", "pdf", "svg", "png")}
FILES |= {"compare_verdicts.csv", "compare_attained.csv", "glossary.md"} | MACHINE


def table(out: Path, name: str = "compare.csv") -> pd.DataFrame:
    return pd.read_csv(out / name)


def test_the_files_are_there_and_nothing_else(root: Path, tmp_path: Path) -> None:
    report = compared(root, tmp_path, over=OVER)
    assert {path.name for path in report.paths} == FILES
    assert {path.name for path in tmp_path.iterdir()} == FILES


def test_one_row_for_one_configuration_with_method_and_setting(root: Path) -> None:
    frame = table(root / "out")
    assert len(frame) == 2 + 2 * len(SPARSITIES)
    assert frame["configuration"].is_unique
    methods = frame[frame["row"] == "method"]
    assert not methods.duplicated(["method", "sparsity"]).any()
    assert set(methods["method"]) == {"magnitude_prune", "random_prune"}
    assert set(methods["sparsity"]) == set(SPARSITIES)
    assert not [name for name in frame.columns if name.startswith("test_")]


def test_what_failed_and_what_collapsed_is_flagged(root: Path) -> None:
    frame = table(root / "out").set_index(["method", "sparsity"])
    failed = frame.loc["magnitude_prune", 0.8]
    assert failed["seeds"] == "0 2 3 4"
    assert failed["flags"] == "a seed failed: 1"
    assert not failed["front"]
    mixed = frame.loc["random_prune", 0.95]
    assert mixed["flags"] == "seeds disagree"
    assert pd.isna(mixed["val_accuracy_low"])
    assert frame.loc["magnitude_prune", 0.5]["front"]


def test_what_lies_below_the_axis_makes_no_room_above_it(root: Path) -> None:
    (side,) = compare(Store.open(root, create=False), ["prune"], catalog=CATALOG).sides
    tops = [row.quality.mean + (row.quality.deviation or 0) for row in side.rows if row.quality]
    floor, top = figure_of([side], CATALOG).axes[0].get_ylim()
    assert floor > 100 * min(row.quality.mean for row in side.rows if row.quality)
    assert 0 < top - 100 * max(tops) < 0.1 * (top - floor)


def test_the_page_says_the_verdict_in_words(root: Path) -> None:
    page = (root / "out" / "compare.md").read_text("utf-8")
    assert "magnitude_prune is better than random_prune: it has" in page
    assert "over 2 settings and 4 seeds, 1 left out where seeds disagree" in page
    assert "| method | sparsity=0.5 | sparsity=0.8 | sparsity=0.95 |" in page
    assert "digits and lenet5 are toys" in page
    assert "not reached" in page


def test_the_page_asks_of_all_studies_together_what_an_honest_result_contains(
    root: Path, tmp_path: Path
) -> None:
    """Seeds count whichever study they are of, and a method that another study has run."""
    compared(root, tmp_path, "one two three other_net")
    page = (tmp_path / "compare.md").read_text("utf-8")
    asked = page.partition("## What an honest result contains")[2]
    assert "- Met. The methods compared include magnitude and random pruning." in asked
    assert "**Not met.** The data are more than a toy: one, three, two: digits and lenet5" in asked
    assert "5 of 13 configurations have one seed or none" in asked
    compared(root, tmp_path, "one two three")
    page = (tmp_path / "compare.md").read_text("utf-8")
    assert "- Met. Mean and sample standard deviation over seeds, with n." in page


def test_the_page_says_which_trials_of_which_study_are_gone(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("out"))
    store = Store.open(copy)
    (gone,) = (run for run in store.runs("two", role="trial") if run.number == 3)
    MlflowClient(store.uri).delete_run(gone.run_id)
    compared(copy, tmp_path, "one two")
    page = (tmp_path / "compare.md").read_text("utf-8")
    assert "**Study two: trial 3 is deleted: the store has no run of this number.**" in page


def test_the_best_of_a_setting_is_bold_in_each_form(root: Path) -> None:
    out = root / "out"
    best = table(out).query("best")
    assert list(best["method"]) == ["magnitude_prune"] * len(SPARSITIES)
    text = f"{100 * best['val_accuracy'].iloc[0]:.2f} "
    assert f"| **{text}" in (out / "compare.md").read_text("utf-8")
    assert rf"\bfseries {text.strip()}{{" in (out / "compare.tex").read_text("utf-8")
    assert f"<b>{text}" in (out / "compare.html").read_text("utf-8")


def test_same_runs_same_bytes_in_whatever_order_they_came(root: Path, tmp_path: Path) -> None:
    """The later seed first, and the first one once more in a second generation."""
    written, study = Written(tmp_path), study_of()
    written.study("few", replace(study, seed=1))
    written.study("few", study)
    written.study("few", study, generation=1)
    compared(root, tmp_path / "first", "few", over=OVER)
    compared(tmp_path, tmp_path / "second", "few", over=OVER)
    for name in sorted(FILES - MACHINE):
        first, second = (tmp_path / folder / name for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), name


def test_a_copied_store_needs_no_study_file(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("out"))
    assert not (copy / "studies").exists()
    compared(copy, tmp_path / "out", over=OVER)
    for name in sorted(FILES):
        assert (root / "out" / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name


def test_the_command_compares_what_a_store_has(root: Path, tmp_path: Path) -> None:
    """As `make report NAME="one two" KIND=compare`, in a project without a study file."""
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("out"))
    (copy / "studies").mkdir()
    command = ("report", "one two three", "--kind", "compare", "--over", OVER)
    done = squeezelab(copy, *command)
    assert done.returncode == 0, done.stderr
    assert "| magnitude_prune " in done.stdout
    out = copy / "reports" / "out" / "one+two+three"
    assert {path.name for path in out.iterdir()} == FILES
    assert "| method | sparsity=0.5 |" in (out / "compare.md").read_text("utf-8")


def test_replicates_are_tied_together_over_studies(root: Path, tmp_path: Path) -> None:
    report = compared(root, tmp_path, "one two three other_net")
    frame = table(tmp_path)
    assert list(frame["net"].unique()) == ["lenet5 on digits", "lenet_300_100 on digits"]
    assert set(frame[frame["net"] == "lenet5 on digits"]["seeds"].astype(str)) == {"0 1 2"}
    origin = json.loads((tmp_path / "compare_provenance.json").read_text())
    digest = frame["configuration"][0]
    assert [run["study"] for run in origin[digest].values()] == ["one", "two", "three"]
    # one method has nobody to be compared with
    assert list(table(tmp_path, "compare_verdicts.csv")["net"]) == ["lenet5 on digits"]
    assert set(report.front["net"]) == set(frame["net"])


def test_what_its_study_does_not_allow_is_on_no_front(root: Path, tmp_path: Path) -> None:
    compared(root, tmp_path, "limited", over=OVER)
    frame = table(tmp_path).set_index(["method", "sparsity"])
    beyond = frame.loc[[("magnitude_prune", 0.95), ("random_prune", 0.8), ("random_prune", 0.95)]]
    assert set(beyond["flags"]) == {"accuracy_drop above 0.02"}
    assert not beyond["front"].any()
    assert frame.loc["magnitude_prune", 0.8]["front"]
    # of three settings one is left, which is no front that reaches far
    page = (tmp_path / "compare.md").read_text("utf-8")
    (line,) = [one for one in page.splitlines() if one.startswith("| random_prune | 3 |")]
    attained = table(tmp_path, "compare_attained.csv")
    assert set(attained[attained["method"] == "random_prune"]["attained_by"]) != set()
    assert "not reached" in line


def test_one_seed_has_means_and_no_verdict(root: Path, tmp_path: Path) -> None:
    report = compared(root, tmp_path, "one")
    assert "no verdict, fewer than 3 seeds" in report.table
    assert "±" not in report.table
    assert table(tmp_path, "compare_verdicts.csv")["verdict"][0] == "no verdict"


def test_nets_that_are_trained_otherwise_stand_apart(root: Path, tmp_path: Path) -> None:
    compared(root, tmp_path, "one long")
    nets = list(table(tmp_path)["net"].unique())
    assert nets == ["lenet5 on digits (train.epochs=10)", "lenet5 on digits (train.epochs=20)"]


def test_other_budgets_are_marked(root: Path, tmp_path: Path) -> None:
    compared(root, tmp_path, "budgets")
    frame = table(tmp_path)
    marked = frame[frame["flags"].fillna("").str.contains("other budget")]
    assert list(marked["epochs_spent"]) == ["10 + 8"]
    # two numbers vary, so that both are settings
    settings = frame[["sparsity", "epochs"]].dropna().to_numpy().tolist()
    assert settings == [[0.5, 4], [0.8, 4], [0.95, 4], [0.8, 8]]
    page = (tmp_path / "compare.md").read_text("utf-8")
    assert "| magnitude_prune | 8 | 0.8 |" in page
    assert "| 10 + 8 |" in page


def test_a_method_whose_settings_share_no_seed_has_a_front_too(root: Path, tmp_path: Path) -> None:
    """As two searches under two seeds leave it."""
    compared(root, tmp_path, "apart")
    page = (tmp_path / "compare.md").read_text("utf-8")
    (line,) = [one for one in page.splitlines() if one.startswith("| magnitude_prune | 0 |")]
    assert "(" not in line
    assert table(tmp_path, "compare_attained.csv").empty


def test_a_knob_that_nothing_varies_cannot_be_the_columns(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no setting that varies called 'sparsit'") as told:
        compared(root, tmp_path, over="sparsit")
    assert told.value.given == "Did you mean 'sparsity'?"
    assert compared(root, tmp_path, over="sparsity").paths


def test_studies_without_a_run_say_so(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to compare") as told:
        compared(root, tmp_path, "empty")
    assert told.value.todo == "Run one of them: make study NAME=empty"
    assert len(compared(root, tmp_path, "empty one").front)


def test_an_unknown_study_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no runs of study 'prun'"):
        compared(root, tmp_path, "prune prun")
