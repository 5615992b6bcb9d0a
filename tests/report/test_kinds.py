"""The kinds of one study: what each says, the same bytes, and what is not as it should be."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from shipped_runs import MemoryStore, store_of

from framework.contracts import Catalog
from framework.errors import UnknownName
from framework.report import Choices, collect, kind_names, run_report
from framework.report.facts.citations import ARXIV, CITATION
from framework.report.facts.outcomes import outcomes
from framework.report.facts.titles import TITLES
from framework.report.pareto import axes_of, ruined
from framework.report.tables.fit import Layout

NAME = "prune_vs_random"
HOSTILE = "=cmd|x <script>alert(1)</script> \\input{/etc/passwd} 100%_&# \u202egnp " + "a" * 300
WRITTEN = ["ablation", "appendix", "compare", "ledger", "pareto", "setup"]


def made(store: MemoryStore, out: Path, kind: str = "all", **choices: object) -> str:
    chosen = Choices(**choices)  # type: ignore[arg-type]
    return run_report(store, NAME, root=out, out=out, kind=kind, choices=chosen).table


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kinds") / "out"
    made(store_of(NAME), out)
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_kinds_write_their_page_their_table_and_what_words_mean(out: Path) -> None:
    # nothing of it is confirmed, which the terminal is told
    assert kind_names(out) == sorted([*WRITTEN, "confirm"])
    for kind in WRITTEN:
        page = (out / f"{kind}.md").read_text("utf-8")
        assert page.startswith(f"# {NAME}: ")
        assert "[glossary.md](glossary.md)" in page
        assert r"\begin{threeparttable}" in (out / f"{kind}.tex").read_text("utf-8")
    assert "- **control**: the identity strategy" in (out / "glossary.md").read_text("utf-8")


def test_the_same_runs_are_the_same_bytes(out: Path, tmp_path: Path) -> None:
    told = made(store_of(NAME), tmp_path / "again")
    assert "Without confirm: Nothing of prune_vs_random is confirmed." in told
    for path in filter(Path.is_file, out.iterdir()):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_ruined_nets_are_counted_and_not_listed_but_in_the_csv(tmp_path: Path) -> None:
    store = store_of("squeezenet_prune")
    runs = collect(store, "squeezenet_prune")
    lost = [run.number for run in ruined(runs)]
    assert lost
    made_of = run_report(store, "squeezenet_prune", root=tmp_path, out=tmp_path)
    page = (tmp_path / "pareto.md").read_text("utf-8")
    paper = (tmp_path / "pareto.tex").read_text("utf-8")
    sentence = f"{len(lost)} more nets on the front, more than 10 points below the control"
    for text in (made_of.table, page, paper):
        assert sentence in text
        assert not [number for number in lost if f"trial {number} " in text.split("ledger")[0]]
    listed = {row["trial"] for row in rows(tmp_path / "pareto.csv")}
    assert {str(number) for number in lost} <= listed
    # where all of them are, they are the result
    control = [replace(run, metrics={**run.metrics, "val_accuracy": 9.0}) for run in runs.controls]
    assert ruined(replace(runs, controls=control)) == []


def test_every_trial_has_its_cause(out: Path) -> None:
    table = {row["number"]: row["outcome"] for row in rows(out / "appendix.csv")}
    assert len(table) == 10
    assert table["2"] == "failed: 2 of 2 seeds: diverged"
    assert "on the front" in table.values()
    dominated = [text for text in table.values() if text.startswith("dominated by trial ")]
    assert dominated
    page = (out / "appendix.md").read_text("utf-8")
    assert all(text in page for text in table.values())


def test_an_ablation_is_of_what_differs_in_one_knob_alone(out: Path, tmp_path: Path) -> None:
    table = rows(out / "ablation.csv")
    assert {row["knob"] for row in table} >= {"compress.0.sparsity"}
    groups: dict[tuple[str, str], set[str]] = {}
    for row in table:
        groups.setdefault((row["knob"], row["group"]), set()).add(row["value"])
    assert all(len(values) > 1 for values in groups.values())
    made(store_of(NAME), tmp_path, "ablation", over="sparsity")
    assert {row["knob"] for row in rows(tmp_path / "ablation.csv")} == {"compress.0.sparsity"}
    with pytest.raises(UnknownName, match="knob that varies called 'width'"):
        made(store_of(NAME), tmp_path, "ablation", over="width")


def test_columns_that_some_kinds_have_are_taken_by_those(tmp_path: Path) -> None:
    layout = Layout(["params_nonzero_ratio"])
    made(store_of(NAME), tmp_path, layout=layout)
    ratio = "non-zero"
    assert ratio in (tmp_path / "pareto.tex").read_text("utf-8")
    assert "val." in (tmp_path / "ablation.tex").read_text("utf-8")
    with pytest.raises(UnknownName, match="column called 'nothing'"):
        made(store_of(NAME), tmp_path, layout=Layout(["nothing"]))


def test_a_report_that_imports_the_old_name_still_works(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    text = "from framework.report.standard import build\n\n__all__ = ['build']\n"
    (tmp_path / "reports" / "mine.py").write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    run_report(store_of(NAME, trials=2), NAME, root=tmp_path, out=out, kind="mine")
    assert (out / "pareto.md").exists()


def test_where_nothing_differs_in_one_knob_alone_the_page_says_the_way_out(tmp_path: Path) -> None:
    made(store_of(NAME, trials=1), tmp_path, "ablation")
    page = (tmp_path / "ablation.md").read_text("utf-8")
    assert "No two finished trials differ in one knob alone" in page
    assert "\\begin" not in (tmp_path / "ablation.tex").read_text("utf-8")


def test_the_set_up_has_every_setting_the_machine_and_what_to_cite(out: Path) -> None:
    page = (out / "setup.md").read_text("utf-8")
    for said in (
        "We compress lenet5 on digits",
        "| training | augment |",
        "Samples: 4000 train",
        "Code: revision abc.",
        "Time: ",
        "tensorflow 2.21.0",
    ):
        assert said in page
    entries = (out / "setup.bib").read_text("utf-8")
    assert "eprint = {1710.01878}" in entries
    assert "author = {Zhu and Gupta}" in entries
    assert "title = {{To prune, or not to prune: exploring the" in entries
    assert entries.count("@misc{") == entries.count("\n}\n")


def test_whatever_a_plug_in_of_the_package_cites_has_its_title() -> None:
    catalog = Catalog()
    for registry in (catalog.datasets, catalog.architectures, catalog.strategies):
        for name in registry.names():
            for authors, year, said in CITATION.findall(registry.get(name).source()):
                number = ARXIV.search(said)
                assert (number[1] if number else f"{authors} {year}") in TITLES, name


def test_the_ledger_has_every_line_with_its_ratio(out: Path) -> None:
    (first, *_) = rows(out / "ledger.csv")
    lines = [name for name in first if f"{name}_ratio" in first]
    assert len(lines) >= 8
    for row in rows(out / "ledger.csv"):
        for line in lines:
            if row["row"] == "front":
                assert float(row[f"{line}_ratio"]) == pytest.approx(
                    float(first[line]) / float(row[line]), rel=1e-3
                )


def test_curves_and_the_hypervolume_have_their_data_beside_them(out: Path) -> None:
    volumes = [float(row["hypervolume"]) for row in rows(out / "hypervolume.csv")]
    assert volumes == sorted(volumes)
    assert {row["row"] for row in rows(out / "curves.csv")} == {"baseline", "control", "front"}
    points = rows(out / "pareto_points.csv")
    assert {row["group"] for row in points} >= {"front", "baseline", "control"}
    for stem in ("curves", "hypervolume", "ablation", "pareto"):
        assert all((out / f"{stem}.{kind}").exists() for kind in ("pdf", "svg", "png"))


def test_a_curve_of_several_seeds_is_their_mean(out: Path) -> None:
    """Of the real runs of the store, seed by seed."""
    store = store_of(NAME)
    asked = f"epoch.{collect(store, NAME).quality}"
    dense = [run for run in store.runs(NAME, role="baseline") if run.status == "FINISHED"]
    by_seed = [dict(store.steps(run.run_id, asked)) for run in dense]
    drawn = [row for row in rows(out / "curves.csv") if row["row"] == "baseline"]
    assert len(dense) == 2
    assert by_seed[0] != by_seed[1]
    for row in drawn:
        epoch = int(row["epoch"])
        mean = fmean(curve[epoch] for curve in by_seed)
        assert float(row["val_accuracy"]) == pytest.approx(mean)


def test_a_drop_of_several_seeds_has_its_spread(out: Path) -> None:
    front = [row for row in rows(out / "pareto.csv") if row["row"] == "front"]
    assert front
    for row in front:
        assert float(row["accuracy_drop_sd"]) >= 0.0
    assert re.search(
        r"\\| +-?\d+\.\d+ ± \d+\.\d+ +\\| +-?\d+\.\d+ ± ", (out / "pareto.md").read_text("utf-8")
    )


def test_importance_is_drawn_from_what_the_study_noted(tmp_path: Path) -> None:
    store = store_of(NAME)
    noted = b'[{"branch": "", "objective": "val_accuracy", "trials": 9, "importances": {"a.b": 1}}]'
    store.files[store.held[0].run_id, "importance.json"] = noted
    made(store, tmp_path, "appendix")
    (row,) = rows(tmp_path / "importance.csv")
    assert (row["knob"], float(row["importance"])) == ("a.b", 1.0)
    assert (tmp_path / "importance.pdf").exists()


def test_axes_can_be_chosen_and_the_page_says_which_they_are(tmp_path: Path) -> None:
    axes = ("size_tflite_bytes", "val_accuracy")
    made(store_of(NAME), tmp_path, "pareto", axes=axes)
    assert "val_accuracy against size_tflite_bytes alone" in (tmp_path / "pareto.md").read_text()
    assert list(rows(tmp_path / "pareto_points.csv")[0])[3:] == list(axes)
    runs = replace(collect(store_of(NAME), NAME), choices=Choices(axes=("nothing", "val_accuracy")))
    with pytest.raises(UnknownName, match="axis called 'nothing'"):
        axes_of(runs)


def test_deleted_unfinished_incomplete_and_edited_runs_are_told(tmp_path: Path) -> None:
    store = store_of(NAME, seeds=1)
    trials = {run.number: run for run in store.held if run.tags["role"] == "trial"}
    store.held.remove(trials[3])
    killed = replace(trials[4], status="KILLED", metrics={})
    store.held[store.held.index(trials[4])] = killed
    store.without_manifest.add(trials[5].run_id)
    wrong = b'{"val_accuracy": 0.123}'
    store.files[trials[6].run_id, "metrics.json"] = wrong
    made(store, tmp_path)
    page = (tmp_path / "pareto.md").read_text("utf-8")
    for said in (
        "**Trial 3 is deleted: the store has no run of this number.**",
        "**Trial 4 is unfinished: it runs, or was killed and waits to be run again.**",
        "**Trial 5 is incomplete: FINISHED without its manifest, so it does not count.**",
        "**The store was edited: of trial 6, val_accuracy was measured 0.1230 and is 0.9",
        "- **Not met.** Every trial has a result or a reason: trial 4 is unfinished",
    ):
        assert said in page
    causes = outcomes(collect(store, NAME))
    assert [causes[number].split(":")[0] for number in (3, 4, 5)] == [
        "deleted",
        "unfinished",
        "incomplete",
    ]
    # several in a row are told as one
    store.held = [run for run in store.held if run.number not in (6, 7, 8) or run.number < 0]
    made(store, tmp_path, "appendix")
    assert "Trials 3, 6 to 8 are deleted" in (tmp_path / "appendix.md").read_text("utf-8")


def test_hostile_names_tags_and_questions_change_nothing_in_any_form(tmp_path: Path) -> None:
    store = store_of(NAME, seeds=1)
    for place, run in enumerate(store.held):
        tags = {**run.tags, "host": HOSTILE, "git": HOSTILE}
        if "reason" in tags:
            tags["reason"] = HOSTILE
        store.held[place] = replace(run, tags=tags)
    made(store, tmp_path)
    for path in tmp_path.iterdir():
        if path.suffix in (".md", ".tex", ".csv", ".html", ".bib"):
            text = path.read_text("utf-8")
            assert "\u202e" not in text, path.name
            if path.suffix in (".md", ".html"):
                assert "<script>alert" not in text, path.name
            if path.suffix in (".tex", ".bib"):
                assert "\\input" not in text, path.name
        if path.suffix == ".csv":
            cells = [cell for row in rows(path) for cell in row.values()]
            assert not [cell for cell in cells if (cell or "").startswith("=")], path.name
