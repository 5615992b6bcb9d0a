"""What was confirmed, as a table: validation and test apart, the gap in words, looks counted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pandas as pd
import pytest
from compared_runs import CATALOG, Written, compared, study_of

from framework.errors import UserError
from framework.report import Report, run_report
from framework.report.confirm.confirmation import MOST, confirmation, evenly, front_numbers
from framework.results.record import Run
from framework.tracking.store import Store

SEEDS = (1000, 1001, 1002)
FILES = ("confirm.md", "confirm.csv", "confirm.tex")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with one trial collapsed, of which three trials are confirmed under three seeds."""
    root = tmp_path_factory.mktemp("confirmed")
    written, study = Written(root), study_of()
    written.study("prune", study)
    written.confirm("prune", study, SEEDS, trials=3)
    written.look("prune", study)
    written.study("other", study)
    return root


def confirmed(root: Path, out: Path, name: str = "prune") -> Report:
    store = Store.open(root, create=False)
    return run_report(store, name, root=root, out=out, kind="confirm")


def of_store(root: Path, metric: str, trial: int) -> list[float]:
    """A metric of the confirmed nets of a trial, straight from the runs."""
    runs = Store.open(root).runs("prune", role="confirm", trial=f"{trial:06d}")
    return [run.metrics[metric] for run in runs if "attempt" in run.tags]


def test_the_caption_of_the_front_says_what_both_splits_are_means_of(
    root: Path, tmp_path: Path
) -> None:
    run_report(Store.open(root, create=False), "prune", root=root, out=tmp_path)
    (caption,) = re.findall(r"\\caption\{.*", (tmp_path / "pareto.tex").read_text("utf-8"))
    assert "validation: n = 1 seed; test: mean $\\pm$ sample standard deviation" in caption
    assert "n = 3 seeds" in caption
    assert "no $\\pm$" not in caption


def test_every_number_is_that_of_the_runs(root: Path, tmp_path: Path) -> None:
    confirmed(root, tmp_path)
    frame = pd.read_csv(tmp_path / "confirm.csv")
    assert list(frame["row"]) == ["dense", "control", "method", "method", "method"]
    trials = frame[frame["row"] == "method"].set_index("trial")
    assert list(trials["params_nonzero"]) == sorted(trials["params_nonzero"], reverse=True)
    for number, row in trials.iterrows():
        validation = of_store(root, "val_accuracy", int(number))
        test = of_store(root, "test_accuracy", int(number))
        gaps = [one - other for one, other in zip(validation, test, strict=True)]
        for name, values in (("val_accuracy", validation), ("test_accuracy", test), ("gap", gaps)):
            assert row[name] == pytest.approx(fmean(values), abs=1e-12)
            assert row[f"{name}_sd"] == pytest.approx(stdev(values), abs=1e-12)
        assert row["seeds"] == "1000 1001 1002"
    assert not {"front", "best", "equal_to_best"} & set(frame.columns)
    # what is flagged has no interval of anything
    flagged = frame["flags"].notna()
    for name in ("val_accuracy_low", "test_accuracy_low", "gap_high"):
        assert list(frame[name].isna()) == list(flagged)


def test_the_page_says_the_gap_in_words_and_counts_looks(root: Path, tmp_path: Path) -> None:
    report = confirmed(root, tmp_path)
    page = (tmp_path / "confirm.md").read_text("utf-8")
    for text in (page, report.table):
        assert "dense: validation is 1.03 ± 0.06 points above test (n = 3)" in text
        assert "choosing by validation has added 0.50 points" in text
        # dense, control and three trials under three seeds, and one stored file
        assert "opened 16 times over the life of this study: 15 for the rows above, 1" in text
    assert "val. accuracy (%) | test accuracy (%) | gap (points)" in page
    assert "a gap beyond the spread of the seeds (95 % interval" in page
    assert "digits and lenet5 are toys" in page
    origins = json.loads((tmp_path / "confirm_provenance.json").read_text())
    assert sorted(len(runs) for runs in origins.values()) == [3] * 5


def test_same_runs_same_bytes_in_whatever_order_they_came(root: Path, tmp_path: Path) -> None:
    written, study = Written(tmp_path), study_of()
    written.study("prune", study)
    written.look("prune", study)
    for seed in reversed(SEEDS):
        written.confirm("prune", study, [seed], trials=3)
    confirmed(root, tmp_path / "first")
    confirmed(tmp_path, tmp_path / "second")
    for name in FILES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    written, study = Written(tmp_path), study_of()
    written.study("prune", study)
    written.confirm("prune", study, [1000], trials=1)
    confirmed(tmp_path, tmp_path / "out")
    page = (tmp_path / "out/confirm.md").read_text("utf-8")
    assert "above test (n = 1), of one seed, which tells no spread" in page
    assert "±" not in page.split("## How to read it")[0]


def test_compare_and_pareto_show_test_where_it_was_confirmed(root: Path, tmp_path: Path) -> None:
    compared(root, tmp_path / "compare")
    frame = pd.read_csv(tmp_path / "compare/compare.csv")
    assert frame["test_seeds"].notna().sum() == 5
    trial = frame[frame["test_accuracy"].notna() & (frame["row"] == "method")].iloc[0]
    means = [fmean(of_store(root, "test_accuracy", number)) for number in range(3)]
    assert any(trial["test_accuracy"] == pytest.approx(mean, abs=1e-12) for mean in means)
    assert "test accuracy (%) | n (test)" in (tmp_path / "compare/compare.md").read_text("utf-8")
    pareto(root, tmp_path / "pareto", "prune")
    shown = pd.read_csv(tmp_path / "pareto/pareto.csv").set_index("label")
    assert shown.loc["baseline", "test_seeds"] == len(SEEDS)
    best = next(name for name in shown.index if name in ("trial 0", "trial 1", "trial 2"))
    number = int(best.removeprefix("trial "))
    assert shown.loc[best, "test_accuracy"] == pytest.approx(means[number], abs=1e-12)
    spread = stdev(of_store(root, "test_accuracy", number))
    assert shown.loc[best, "test_accuracy_sd"] == pytest.approx(spread, abs=1e-12)
    page = (tmp_path / "pareto/pareto.md").read_text("utf-8")
    assert f"{100 * means[number]:.2f} ± {100 * spread:.2f}" in page.replace("*", "")


def test_without_a_confirmation_there_is_no_such_column(root: Path, tmp_path: Path) -> None:
    compared(root, tmp_path / "compare", "other")
    pareto(root, tmp_path / "pareto", "other")
    for file in ("compare/compare.csv", "pareto/pareto.csv"):
        head = (tmp_path / file).read_text("utf-8").partition("\n")[0]
        assert "test_" not in head


def pareto(root: Path, out: Path, name: str) -> Report:
    return run_report(Store.open(root, create=False), name, root=root, out=out)


def test_an_unchanged_configuration_is_confirmed_under_another_digest_too(tmp_path: Path) -> None:
    written, study = Written(tmp_path), study_of()
    fewer = study_of(methods=["magnitude_prune"])
    written.study("prune", study)
    written.confirm("prune", study, SEEDS, trials=1)
    written.study("prune", fewer)
    store = Store.open(tmp_path)
    shown = confirmation(store, "prune", catalog=CATALOG, digest=fewer.digest)
    assert [row.kind for side in shown.sides for row in side.rows] == ["dense", "control", "method"]
    other = replace(study, seed=7)
    written.study("elsewhere", other)
    with pytest.raises(UserError, match="Nothing of elsewhere is confirmed"):
        confirmation(store, "elsewhere", catalog=CATALOG)


def a_run(number: int) -> Run:
    return Run("", "", "FINISHED", {"trial": str(number)}, {}, {})


@pytest.mark.parametrize(
    ("count", "numbers"),
    [
        (1, [0]),
        (12, list(range(12))),
        (23, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22]),
        (100, [0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99]),
    ],
)
def test_a_long_front_is_confirmed_evenly(count: int, numbers: list[int]) -> None:
    assert [run.number for run in evenly(list(map(a_run, range(count))), MOST)] == numbers


def test_the_front_is_that_of_the_table(root: Path, tmp_path: Path) -> None:
    pareto(root, tmp_path, "prune")
    rows: Any = pd.read_csv(tmp_path / "pareto.csv").query("row == 'front'")
    study = study_of()
    options = {"digest": study.digest, "catalog": CATALOG}
    numbers, count = front_numbers(Store.open(root), "prune", **options)
    assert numbers == list(rows["trial"])
    assert count == len(numbers)
