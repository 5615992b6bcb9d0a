"""What the MLflow UI is told of a study, on a real store, and that this MLflow still listens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies_support import never_killed

from framework import Choice, Float, Int, Study, Train, use
from framework.contracts import Catalog
from framework.planning.plan import Plan
from framework.planning.resolve import resolve
from framework.results.record import Record
from framework.tracking.store import Store
from framework.tracking.ui import view
from framework.tracking.ui.names import run_name, tried
from framework.tracking.ui.notes import BEGIN, EARLIER_BEGIN, END, merged, write_note
from framework.tracking.ui.pages import addresses, children, run_page
from framework.tracking.ui.view import arrange

ROOT = Path(__file__).parents[2]
PRUNE = use("magnitude_prune", sparsity=Float(0.5, 0.98), epochs=Choice(2, 4, 8))
STUDY = resolve(
    Study(dataset=use("digits"), architecture=use("lenet5"), compress=[PRUNE]), Catalog()
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield Store.open(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A study of its own for every test."""
    return str(request.node.name)


def fixed(study: Study, **values: Any) -> Any:
    """The spec with these values, by the last word of their names."""
    return study.fix(lambda path, _domain: values[path.rpartition(".")[2].partition("=")[0]])


def add_run(
    store: Store,
    name: str,
    study: Study,
    *,
    role: str = "trial",
    generation: int = 0,
    **metrics: float,
) -> str:
    """A finished run of a study; a trial of the front."""
    tags = {
        "study_digest": study.digest,
        "generation": str(generation),
        "pareto": str(role == "trial").lower(),
    }
    run_id = store.begin(name, role=role, name=role, tags=tags, params={})
    store.finish(run_id, Record(metrics=metrics))
    return run_id


# --- names ----------------------------------------------------------------------------------------


def test_a_trial_is_named_by_what_differs() -> None:
    spec = fixed(STUDY, sparsity=0.8765, epochs=8)
    assert (
        run_name(STUDY, spec, role="trial", number=17)
        == "trial 017 · magnitude_prune · sparsity 0.876 · 8 epochs · seed 0"
    )
    again = replace(spec, seed=4)
    assert run_name(STUDY, again, role="replicate", number=17).endswith(" · 8 epochs · seed 4")
    assert run_name(STUDY, spec.dense(), role="baseline") == "baseline · lenet5 · seed 0"
    control = replace(spec, compress=(use("identity", epochs=8),))
    assert run_name(STUDY, control, role="control") == "control · lenet5 · 8 epochs · seed 0"


def test_a_strategy_that_is_searched_is_named_with_its_own_values() -> None:
    study = replace(STUDY, compress=[Choice(None, PRUNE, use("identity", epochs=Int(1, 9)))])
    assert list(study.searched) == ["compress.0", "compress.0.sparsity", "compress.0.epochs"]
    pruned = fixed(study, **{"0": "magnitude_prune"}, sparsity=0.5, epochs=4)
    assert (
        run_name(study, pruned, role="trial", number=3)
        == "trial 003 · magnitude_prune · sparsity 0.5 · 4 epochs · seed 0"
    )
    idle = fixed(study, **{"0": "identity"}, epochs=2)
    assert (
        run_name(study, idle, role="trial", number=4) == "trial 004 · identity · 2 epochs · seed 0"
    )


def test_alternatives_of_one_strategy_are_named_by_their_labels() -> None:
    half = use("ptq", label="half", format="float16")
    study = replace(STUDY, compress=[Choice(None, half, use("ptq", label="whole", format="int8"))])
    spec = fixed(study, **{"0": "whole"})
    assert run_name(study, spec, role="trial", number=3) == "trial 003 · whole · seed 0"
    assert tried(study, spec) == "whole"
    assert tried(study, fixed(study, **{"0": "none"})) == "none"


def test_equal_words_are_told_apart() -> None:
    again = use("identity", epochs=Int(1, 9))
    study = replace(
        STUDY,
        architecture=Choice(use("lenet5"), use("lenet_300_100")),
        compress=[PRUNE, again],
        train=Train(learning_rate=Float(1e-4, 1e-2)),
    )
    spec = study.fix(
        lambda path, domain: (
            {"architecture": "lenet5", "compress.1.epochs": 9}.get(path) or first(domain)
        )
    )
    said = "learning_rate 0.0001 · sparsity 0.5 · 0.epochs 2 · 1.epochs 9"
    assert (
        run_name(study, spec, role="trial", number=0)
        == f"trial 000 · lenet5 · magnitude_prune+identity · {said} · seed 0"
    )


def first(domain: Any) -> Any:
    return domain.options[0] if isinstance(domain, Choice) else domain.low


def test_no_name_is_longer_than_mlflow_keeps() -> None:
    study = replace(STUDY, compress=[PRUNE] * 40)
    named = run_name(study, study.fix(lambda _path, domain: first(domain)), role="trial", number=1)
    assert len(named) == 250
    assert named.endswith("…")


# --- notes ----------------------------------------------------------------------------------------

TEXTS = st.text(alphabet="ab |\n<!->", max_size=60)


@given(before=TEXTS, after=TEXTS, first=TEXTS, second=TEXTS)
def test_what_a_person_wrote_stays(before: str, after: str, first: str, second: str) -> None:
    above = f"{before}\n" if before else ""
    theirs = f"{above}{merged('', first, title='**Q?**', limit=8000)}{after}"
    renewed = merged(theirs, second, title="**Why?**", limit=8000)
    assert renewed == f"{above}{merged('', second, title='**Why?**', limit=8000)}{after}"
    assert merged(renewed, second, title="**Why?**", limit=8000) == renewed


def test_a_note_begins_with_the_question_and_one_without_marks_is_a_persons() -> None:
    assert (
        merged("Ask Ann first.", "table", title="**Q?**", limit=8000)
        == f"**Q?**\n\n{BEGIN}\n\ntable\n\n{END}\n\nAsk Ann first."
    )


def test_a_note_of_an_earlier_version_is_renewed() -> None:
    old = f"Mine.\n\n{EARLIER_BEGIN}\n\nlinks\n\n**Q?**\n\n{END}\n\nYours."
    renewed = merged(old, "table", title="**Q?**", limit=8000)
    assert renewed == f"Mine.\n\n**Q?**\n\n{BEGIN}\n\ntable\n\n{END}\n\nYours."
    assert merged(renewed, "table", title="**Q?**", limit=8000) == renewed


def test_notes_are_cut_at_a_lines_end_and_the_persons_part_is_kept(store: Store, name: str) -> None:
    run_id = add_run(store, name, STUDY, role="study")
    long = "\n".join(f"| {index:06d} | a line of a table |" for index in range(3000))
    store.set_ui_tags(name, {"note.content": "Mine."})
    for of, limit in ((None, 20_000), (run_id, 8000)):
        write_note(store, name, long, title="**Q?**", run_id=of)
        note = store.ui_tags(name, run_id=of)["note.content"]
        assert limit - 100 < len(note) <= limit
        ours = note.partition(BEGIN)[2].partition(END)[0].strip()
        head, _, tail = ours.rpartition("\n\n")
        assert tail == "(shortened)"
        assert long.startswith(head + "\n")
    assert store.ui_tags(name)["note.content"].endswith(f"{END}\n\nMine.")


# --- the experiment's page ------------------------------------------------------------------------


def test_the_primary_metric_is_the_first_objective(store: Store, name: str) -> None:
    study = replace(STUDY, objectives={"params_nonzero": "min", "val_accuracy": "max"})
    arrange(store, Plan(name, "", (), study), 0)
    tags = store.ui_tags(name)
    assert tags["experiment.primaryMetric.name"] == "params_nonzero"
    assert tags["experiment.primaryMetric.greaterIsBetter"] == "False"
    assert tags["experimentKind"] == "custom_model_development"


def test_the_saved_view_finds_this_studys_runs_best_first(store: Store, name: str) -> None:
    from mlflow import MlflowClient

    other = replace(STUDY, seed=1)
    add_run(store, name, STUDY, role="study")
    add_run(store, name, other, val_accuracy=1.0)
    add_run(store, name, STUDY, generation=0, val_accuracy=1.0)
    wanted = [
        add_run(store, name, STUDY, generation=1, val_accuracy=value) for value in (0.8, 0.9, 0.7)
    ]
    arrange(store, Plan(name, "", (), STUDY), 1)
    saved = json.loads(store.ui_tags(name)["sharedViewState.front"])
    assert saved["name"] == "Front"
    state = json.loads(saved["state"])
    order = f"{state['orderByKey']} {'ASC' if state['orderByAsc'] else 'DESC'}"
    found = MlflowClient(store.uri).search_runs(
        [store.experiment(name)], filter_string=state["searchFilter"], order_by=[order]
    )
    assert [run.info.run_id for run in found] == [wanted[1], wanted[0], wanted[2]]
    assert {
        "metrics.`val_accuracy`",
        "params.`compress.0.sparsity`",
        "tags.`squeezelab.pareto`",
    } <= {*state["selectedColumns"]}
    assert state["columnOrder"][2:5] == [
        "metrics.`val_accuracy`",
        "metrics.`params_nonzero`",
        "tags.`squeezelab.strategy`",
    ]
    scatter, paths = state["compareRunCharts"]
    assert (scatter["xaxis"]["key"], scatter["yaxis"]["key"]) == ("params_nonzero", "val_accuracy")
    assert paths["selectedParams"] == ["compress.0.sparsity", "compress.0.epochs"]
    assert {chart["metricSectionId"] for chart in (scatter, paths)} == {
        state["compareRunSections"][0]["uuid"]
    }


def test_the_view_of_a_regression_shows_its_own_quality() -> None:
    study = replace(STUDY, objectives={"params_nonzero": "min"})
    saved = view._view(study, 0, "regression")
    assert "metrics.`r2_drop`" in saved["selectedColumns"]
    assert not [name for name in saved["selectedColumns"] if "accuracy" in name]
    scatter = saved["compareRunCharts"][0]
    assert (scatter["xaxis"]["key"], scatter["yaxis"]["key"]) == ("params_nonzero", "val_r2")


def test_the_chart_of_paths_has_what_every_trial_has() -> None:
    nets = Choice(use("lenet5"), use("lenet_300_100", label="flat", units_1=Choice(20, 30)))
    paths = view._charts(replace(STUDY, architecture=nets), "classes")[1]
    assert paths["selectedParams"] == ["architecture", "compress.0.sparsity", "compress.0.epochs"]
    either = replace(STUDY, compress=[Choice(None, PRUNE)])
    # better few lines than none
    assert view._charts(either, "classes")[1]["selectedParams"] == list(either.searched)


def test_an_alternative_is_named_by_its_label() -> None:
    nets = Choice(use("lenet5"), use("lenet_300_100", label="flat"))
    spec = replace(STUDY, architecture=nets).fix(
        lambda path, _domain: {"architecture": "flat", "compress.0.sparsity": 0.9}.get(path, 4)
    )
    study = replace(STUDY, architecture=nets)
    assert run_name(study, spec, role="trial", number=3).startswith("trial 003 · flat · ")
    assert run_name(study, spec.dense(), role="baseline") == "baseline · flat · seed 0"


def test_this_mlflow_knows_what_the_view_is_made_of() -> None:
    import mlflow

    scripts = (Path(mlflow.__file__).parent / "server" / "js" / "build" / "static" / "js").glob(
        "*.js"
    )
    text = "\n".join(path.read_text("utf-8") for path in scripts)
    charts = view._charts(STUDY, "classes")
    keys = [*view._view(STUDY, 0, "classes"), *(key for chart in charts for key in chart)]
    words = {
        "mlflow.sharedViewState.",
        "viewStateShareKey",
        "compareRunsMode",
        "createdAt",
        "machine_learning",
    }
    words |= {
        "custom_model_development",
        "mlflow.experimentKind",
        '"SCATTER"',
        '"PARALLEL"',
        "SHOW_ALL",
        "runDateAndNestInfo",
        *keys,
    }
    assert sorted(word for word in words if word not in text) == []


# --- addresses ------------------------------------------------------------------------------------


def test_addresses_grow_with_what_there_is_to_see(store: Store, name: str) -> None:
    add_run(store, name, STUDY, role="study")
    assert list(addresses(store, name)) == ["runs", "models"]
    arrange(store, Plan(name, "", (), STUDY), 0)
    add_run(store, name, STUDY, val_accuracy=0.9)
    assert list(addresses(store, name)) == ["runs", "chart", "models"]
    add_run(store, name, STUDY, val_accuracy=0.9)
    pages = addresses(store, name)
    assert list(pages) == ["runs", "chart", "compare", "models"]
    experiment = store.experiment(name)
    for page in ("runs", "chart"):
        path, _, query = pages[page].partition("?")
        assert path == f"#/experiments/{experiment}/runs"
        assert parse_qs(query)["viewStateShareKey"] == ["front"]
    assert all("workflowType=machine_learning" in page for page in pages.values())


def test_a_studys_own_run_leads_to_its_runs(store: Store, name: str) -> None:
    from mlflow import MlflowClient

    parent = add_run(store, name, STUDY, role="study")
    child = store.begin(name, role="trial", name="t", tags={}, params={}, parent=parent)
    page = parse_qs(children(store, name, parent).partition("?")[2])
    found = MlflowClient(store.uri).search_runs(
        [store.experiment(name)], filter_string=page["searchFilter"][0]
    )
    assert [run.info.run_id for run in found] == [child]
    where = f"#/experiments/{store.experiment(name)}/runs/{child}?workflowType=machine_learning"
    assert run_page(store, store.run(child)) == where


def test_the_front_of_the_last_study_is_compared_best_first(store: Store, name: str) -> None:
    add_run(store, name, STUDY, role="study")
    add_run(store, name, STUDY, val_accuracy=0.99)
    add_run(store, name, STUDY, role="study", generation=1)
    ids = [
        add_run(store, name, STUDY, generation=1, val_accuracy=value) for value in (0.7, 0.9, 0.8)
    ]
    add_run(store, name, STUDY, role="control", generation=1, val_accuracy=0.99)
    arrange(store, Plan(name, "", (), STUDY), 1)
    path, _, query = addresses(store, name)["compare"].partition("?")
    asked = parse_qs(query)
    assert path == "#/compare-runs"
    assert json.loads(asked["runs"][0]) == [ids[1], ids[2], ids[0]]
    assert json.loads(asked["experiments"][0]) == [store.experiment(name)]


# --- pictures -------------------------------------------------------------------------------------


def screenshots(
    root: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    named = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    named |= {"PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "docs.screenshots", *arguments]
    return subprocess.run(
        command, cwd=root, env=named, capture_output=True, text=True, check=False, timeout=500
    )


@pytest.fixture
def finished(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project with a finished study, and a folder for its pictures."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = tmp_path / "lab"
    shutil.copytree(never_killed(tmp_path_factory.getbasetemp(), 5).root, root)
    (root / "docs" / "images").mkdir(parents=True)
    return root


def test_pictures_are_refused_with_the_way_out(finished: Path) -> None:
    done = screenshots(finished, "tiny", PATH="/nowhere")
    assert done.returncode == 2
    assert "There is no Chromium or Chrome" in done.stderr
    assert "apt install chromium" in done.stderr
    done = screenshots(finished, "tinny")
    assert done.returncode == 2
    assert "squeezelab study tinny" in done.stderr  # here is no Makefile
    assert list((finished / "docs" / "images").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
def test_pictures_are_taken(finished: Path) -> None:
    done = screenshots(finished, "tiny")
    assert done.returncode == 0, done.stderr
    images = sorted((finished / "docs" / "images").iterdir())
    names = ("chart", "compare", "experiment", "experiments", "models", "run")
    assert [path.name for path in images] == [f"ui_{name}.png" for name in names]
    assert all(
        path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 50_000 for path in images
    )
