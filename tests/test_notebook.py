"""Studies from Python: scripts and notebooks as processes of their own, and what they leave in the
UI."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from studies_support import SECONDS, Project, new_project

import framework
from framework import Study
from framework.errors import InvalidValue, UnknownName, UserError
from framework.notebook import Result
from framework.report.run_table import COLUMNS
from framework.study.spec import spec_from_json

SCRIPT = """
import sys
import framework
from framework import Choice, Float, Study, Train, use

if "notebook" in sys.argv:
    import types
    sys.modules["ipykernel"] = types.ModuleType("ipykernel")
assert not {"tensorflow", "mlflow", "pandas", "optuna", "numpy", "rich"} & set(sys.modules)
STUDY = Study(
    dataset=use("digits"),
    architecture=use("lenet_300_100", units_1=32, units_2=16),
    train=Train(epochs=2, warmup_epochs=0, batch_size=32, learning_rate=0.003),
    compress=[use("magnitude_prune", sparsity=Float(0.3, 0.95), epochs=Choice(1, 2))],
    trials=3,
)
result = framework.run(STUDY, name="look", trials=int(sys.argv[1]))
print("DIGEST", result.digest)
print(result)
if "notebook" not in sys.argv:
    framework.run("filed", settings=["train.epochs=1"])
"""


class Rows(HTMLParser):
    """The cells of every table row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.images: list[str] = []
        self._is_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        self._is_cell = self._is_cell or tag in ("td", "th")
        if tag == "img":
            self.images.append(dict(attrs)["src"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = self._is_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._is_cell:
            self.rows[-1].append(data)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str, str]:
    """A project in which a script has run a study, and what it wrote to stdout and stderr."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        project = new_project(
            tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("from_python") / "lab"
        )
        project.write_study("filed", trials=1)
        process = project.python(SCRIPT, "3")
        out, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    return project, out, said


@pytest.fixture
def project(ran: tuple[Project, str, str], monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(ran[0].root)
    return ran[0]


@pytest.fixture
def result(project: Project) -> Result:
    return framework.load("look")


# --- a script -------------------------------------------------------------------------------------


def test_a_script_runs_a_value_and_prints_its_front(
    ran: tuple[Project, str, str], result: Result
) -> None:
    _, out, said = ran
    assert result.digest in out
    assert re.search(
        rf"^look \(digest {result.digest[:8]}\): 3 trials, \d on the front$", out, re.MULTILINE
    )
    assert "| baseline" in out
    assert "trial 2 (3 of 3)" in said
    assert repr(result) in out
    assert not (ran[0].root / "studies" / "look.py").exists()


def test_the_same_value_goes_on_and_a_notebook_sees_plain_lines(project: Project) -> None:
    process = project.python(SCRIPT, "4", "notebook")
    out, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    assert said == ""
    assert "3 of 4 trials are done; 1 to go." in out
    assert "trial 3 (4 of 4)" in out
    assert not set(out) & {"\x1b", "\r"}
    assert list(trials_of(framework.load("look"))["trial"]) == [0, 1, 2, 3]


# --- what is loaded -------------------------------------------------------------------------------


def trials_of(result: Result) -> pd.DataFrame:
    runs = result.runs
    return runs[runs["role"] == "trial"].reset_index(drop=True)


def test_every_run_is_a_row_with_dtypes(project: Project, result: Result) -> None:
    runs = result.runs
    assert list(runs.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert {"baseline", "control", "trial"} == set(runs["role"])
    kinds = {name: str(runs[name].dtype) for name in runs.columns}
    assert {name: kinds[name] for name in ("study", "trial", "seed", "front", "started")} == {
        "study": "string",
        "trial": "Int64",
        "seed": "Int64",
        "front": "boolean",
        "started": "datetime64[us, UTC]",
    }
    assert (kinds["val_accuracy"], kinds["params_nonzero"]) == ("float64", "Int64")
    assert (kinds["compress.0.sparsity"], kinds["latency_us_p50"]) == ("float64", "float64")
    assert "object" not in kinds.values()
    trials = trials_of(result)
    assert trials["front"].sum() == len(result.front())
    # what no table of objects could do
    assert len(trials.nlargest(2, "val_accuracy")) == 2
    stored = {run.run_id: run for run in project.runs("trial", "look")}
    for _, row in trials.iterrows():
        run = stored[row["run_id"]]
        spec = json.loads(project.store().artifact(run.run_id, "spec.json"))
        assert row["configuration"] == spec_from_json(spec).configuration
        assert (row["trial"], row["val_accuracy"]) == (run.number, run.metrics["val_accuracy"])
        assert row["compress.0.sparsity"] == spec["compress"][0]["knobs"]["sparsity"]


def test_the_front_is_a_frame_of_its_own(result: Result) -> None:
    front = result.front()
    assert (str(front["trial"].dtype), str(front["size_dense_bytes"].dtype)) == ("Int64", "Int64")
    assert list(front["params_nonzero"]) == sorted(front["params_nonzero"], reverse=True)
    trials = trials_of(result).set_index("trial")
    assert list(front["run_id"]) == list(trials.loc[list(front["trial"]), "run_id"])
    front["trial"] = -1
    assert set(result.front()["trial"]) <= set(trials.index)


def test_methods_are_compared_with_their_spread(result: Result) -> None:
    table = result.compare()
    assert {"method", "val_accuracy", "val_accuracy_sd", "configuration"} <= set(table.columns)
    assert str(table["val_accuracy"].dtype) == "float64"
    assert len(table) >= 5


@pytest.fixture
def both(project: Project) -> Iterator[Result]:
    """Two studies, of which one was run with overrides: without its file it is the one meant."""
    file = project.root / "studies" / "filed.py"
    aside = file.rename(project.root / "filed.py")
    yield framework.load("look", "filed")
    aside.rename(file)


def test_several_studies_are_one_table_one_figure_and_one_best(
    both: Result, result: Result
) -> None:
    runs, front = both.runs, both.front()
    assert list(dict.fromkeys(runs["study"])) == ["look", "filed"]
    assert len(runs) == len(result.runs) + len(framework.load("filed").runs)
    assert list(dict.fromkeys(front["study"])) == ["look", "filed"]
    assert set(both.compare()["net"]) == {
        "lenet_300_100 on digits (train.epochs=1)",
        "lenet_300_100 on digits (train.epochs=2)",
    }
    best = both.best(drop=1.0)
    assert best["params_nonzero"] == front["params_nonzero"].min()
    assert both.plot().files[".png"].startswith(b"\x89PNG")
    # a table for each net, with its head
    assert len(Rows(both._repr_html_()).rows) > 8
    assert "look (digest" in repr(both)
    assert "filed (digest" in repr(both)
    with pytest.raises(UserError, match="Several studies have a trial of this number"):
        both.model(0)
    with pytest.raises(UserError, match="No net of look or filed loses -1 or less"):
        both.best(drop=-1.0)


def test_studies_that_differ_in_what_small_means_have_no_best_together(
    both: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = iter(["params_nonzero", "size_tflite_bytes"])
    monkeypatch.setattr(Result, "_axes", lambda *_: types.SimpleNamespace(size=next(axes)))
    with pytest.raises(UserError, match="differ in what makes a net small"):
        both.best()


def test_data_are_the_open_splits(project: Project) -> None:
    data = framework.data("digits")
    assert (data.info.task, data.info.classes) == ("classes", 10)
    assert data.train.inputs["image"].shape[1:] == (8, 8, 1)
    resized = framework.data("digits", shapes={"image": (28, 28, 1)})
    assert resized.train.inputs["image"].shape[1:] == (28, 28, 1)
    assert len(data.train) > len(data.validation) > 0
    assert len(data.calibration) > 0
    assert not hasattr(data, "test")
    with pytest.raises(UnknownName, match="digit"):
        framework.data("digitz")


def test_a_notebook_shows_table_and_figure(result: Result) -> None:
    page = Rows(result._repr_html_())
    lines = [line for line in result.table.splitlines() if line.startswith("|")]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert page.rows == [table[0], *table[2:]]
    assert len(page.images) == 1
    assert page.images[0].startswith("data:image/png;base64,iVBOR")


def test_the_figure_is_kept_in_the_form_asked_for(result: Result, tmp_path: Path) -> None:
    starts = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}
    for suffix, start in starts.items():
        assert result.plot().save(tmp_path / f"front{suffix}").read_bytes().startswith(start)
    with pytest.raises(UnknownName, match=r"form of a figure called '\.jpg'"):
        result.plot().save(tmp_path / "front.jpg")


def test_best_is_the_smallest_that_loses_no_more(result: Result) -> None:
    front = result.front()
    for drop in (0.0, 0.02, 0.1, 1.0):
        kept = front[front["accuracy_drop"] <= drop + 1e-12]
        if len(kept):
            assert result.best(drop=drop)["params_nonzero"] == min(kept["params_nonzero"])
    assert result.best(drop=1.0)["params_nonzero"] == min(front["params_nonzero"])
    with pytest.raises(UserError, match="No net on the front of look loses -1 or less"):
        result.best(drop=-1.0)


def test_best_of_several_costs_has_to_be_told_which(
    result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framework.report import StudyRuns

    three = {"val_accuracy": "max", "size_tflite_bytes": "min", "params_nonzero": "min"}
    monkeypatch.setattr(StudyRuns, "objectives", three)
    with pytest.raises(InvalidValue, match="several objectives") as told:
        result.best(drop=1.0)
    # the way out, and the other one that is given
    by = re.findall(r'best\(by="(.*)"\)', told.value.todo)[0]
    assert by == "size_tflite_bytes"
    for cost in (by, "params_nonzero"):
        assert result.best(drop=1.0, by=cost)[cost] == min(result.front()[cost])
    with pytest.raises(UnknownName, match="no objective that is a cost called 'val_accuracy'"):
        result.best(by="val_accuracy")


def test_a_model_is_the_trials_file(project: Project, result: Result) -> None:
    number = result.best(drop=1.0)["trial"]
    run = next(run for run in project.runs("trial", "look") if run.number == number)
    assert result.model(number) == project.store().artifact(run.run_id, "model.tflite")
    with pytest.raises(UserError, match="look has no finished trial 99"):
        result.model(99)


def test_a_digest_finds_a_study_again(result: Result) -> None:
    assert framework.load("look", digest=result.digest[:8]) == result
    with pytest.raises(UserError, match="no runs of study 'look' with digest 0000"):
        framework.load("look", digest="0000")


def test_a_study_file_is_loaded_by_its_overrides(project: Project) -> None:
    done = framework.load("filed", settings=["train.epochs=1"])
    assert len(trials_of(done)) == 1
    assert (project.root / "reports" / "out" / f"filed@{done.digest[:8]}" / "pareto.md").exists()
    with pytest.raises(UserError, match="The store holds no runs of study 'filed'"):
        framework.load("filed")


def test_loading_writes_nothing(project: Project, result: Result) -> None:
    before = {path: path.stat().st_mtime_ns for path in (project.root / "reports").rglob("*.*")}
    repr(framework.load("look"))
    assert {
        path: path.stat().st_mtime_ns for path in (project.root / "reports").rglob("*.*")
    } == before


# --- mistakes -------------------------------------------------------------------------------------


def test_mistakes_are_told(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(dataset=framework.use("digits"), architecture=framework.use("lenet_300_100"))
    with pytest.raises(UnknownName, match=r"no study called 'lok'\.\nDid you mean 'look'"):
        framework.load("lok")
    with pytest.raises(UnknownName, match="no study called 'tinny'"):
        framework.run("tinny")
    with pytest.raises(InvalidValue, match=r"studies/tiny\.py has this name"):
        framework.run(study, name="tiny")
    with pytest.raises(InvalidValue, match="has a name already"):
        framework.run("tiny", name="other")
    with pytest.raises(InvalidValue, match="What is run is a Study"):
        framework.run(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="Overrides go with"):
        framework.load("look", settings=["trials=3"])
    with pytest.raises(InvalidValue, match="What is loaded has a name"):
        framework.load()
    with pytest.raises(InvalidValue, match="those of one study"):
        framework.load("look", "filed", digest="0000")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="This is no project"):
        framework.load("look")


# --- in the UI ------------------------------------------------------------------------------------


def test_the_ui_prints_its_addresses_and_serves_the_notes_figure(project: Project) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = project.start("ui", "--port", str(port))
    try:
        fetch(f"http://127.0.0.1:{port}/health", until=time.monotonic() + SECONDS)
        note = project.store().ui_tags("look")["note.content"]
        assert f'framework.load("look", digest="{framework.load("look").digest[:8]}")' in note
        image = re.search(r"!\[pareto\]\((get-artifact\?[^)]+)\)", note)
        assert image is not None
        kind, picture = fetch(f"http://127.0.0.1:{port}/{image[1]}")
        assert kind == "image/svg+xml"
        assert picture.startswith(b"<?xml")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetch(
                f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get?experiment_id=1",
                host="elsewhere.example",
            )
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=SECONDS)
    for page, path in framework_addresses(project).items():
        assert re.search(
            rf"^    {page} +http://127\.0\.0\.1:{port}/{re.escape(path)}$", said, re.MULTILINE
        )


def framework_addresses(project: Project) -> dict[str, str]:
    from framework.tracking.ui.pages import addresses

    pages = addresses(project.store(), "look")
    assert {"runs", "chart"} <= set(pages)
    return pages


def fetch(url: str, *, host: str = "", until: float = 0.0) -> tuple[str, bytes]:
    """Content type and content; tried again until then."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.headers["content-type"], answer.read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.25)


def test_the_parent_run_has_the_report_as_artifacts(project: Project, result: Result) -> None:
    parent = project.runs("study", "look", study_digest=result.digest)[-1]
    store = project.store()
    names = {item["name"] for item in json.loads(store.artifact(parent.run_id, "manifest.json"))}
    assert {
        "report/pareto.png",
        "report/pareto.svg",
        "report/pareto.pdf",
        "report/pareto.md",
    } <= names
    note = store.ui_tags("look", run_id=parent.run_id)["note.content"]
    assert note.count("squeezelab: end") == 1
    assert note.startswith("Study look\n")


def test_the_parent_run_says_what_the_front_is_and_leads_to_it(
    project: Project, result: Result
) -> None:
    parent = project.runs("study", "look", study_digest=result.digest)[-1]
    front = result.front()
    assert parent.metrics["front_size"] == len(front)
    assert parent.metrics["best.val_accuracy"] == front["val_accuracy"].max()
    assert parent.metrics["best.params_nonzero"] == front["params_nonzero"].min()
    assert parent.metrics["hypervolume"] > 0
    note = project.store().ui_tags("look", run_id=parent.run_id)["note.content"]
    trials = {run.number: run.run_id for run in project.runs("trial", "look")}
    shown = [number for number in front["trial"] if f"| trial {number} " in result.table]
    assert shown
    # ruined nets are counted below the table
    for number in shown:
        assert f"[trial {number}](#/experiments/1/runs/{trials[number]}?" in note
