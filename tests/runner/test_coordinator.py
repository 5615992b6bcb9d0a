"""The study loop in this process: what it runs, what it leaves out, what it writes, what it
survives."""

from __future__ import annotations

import json
import platform
import re
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studies_support import Project, Watcher, integrity, never_killed, new_project

from framework import contracts
from framework.contracts import Exported, Job, Metric, Stage, Strategy, knob
from framework.contracts.registry import Registry
from framework.errors import (
    NotDeployable,
    SqueezelabError,
    StudyLocked,
    StudyStopped,
    TrialDiverged,
)
from framework.planning.plan import plan
from framework.results.record import ERROR_TXT, MACHINE, MANIFEST_JSON, Run
from framework.runner.baseline import Lab
from framework.tracking import history
from framework.tracking.lease import sign
from framework.tracking.store import Store

AT_ONCE = 'use("magnitude_prune", epochs=0, sparsity=Choice(0.3, 0.98))'


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def project(base: Path, tmp_path: Path) -> Project:
    return new_project(base, tmp_path / "project")


def only_here(registry: Registry[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    registry.discover()
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> None:
    """A strategy that fails in every way there is."""
    only_here(contracts.strategies, monkeypatch)

    @contracts.strategies.register("flaky", version=1)
    @dataclass(frozen=True, kw_only=True)
    class Flaky(Strategy):
        """Fail as asked.  Source: this test."""

        how: str = knob(
            "fine", choices=("fine", "raises", "nan", "sleeps", "trains"), doc="in which way"
        )
        tries: int = knob(0, low=0, high=9, doc="nothing; something to search")

        def apply(self, stage: Stage, job: Job) -> Stage:
            if self.how == "raises":
                raise RuntimeError("the plug-in broke")
            if self.how == "nan":
                stage = stage.with_weights(
                    {key: np.full_like(value, np.nan) for key, value in stage.weights.items()}
                )
            if self.how == "sleeps":
                time.sleep(0.6)
            if self.how == "trains":
                stage = job.finetune(stage, 1000)
            return stage


def numbers(runs: list[Run], status: str = "FINISHED") -> list[int]:
    return sorted(run.number for run in runs if run.status == status)


# --- how much is run ------------------------------------------------------------------------------


def test_more_trials_go_on_fewer_run_nothing_and_fresh_begins_anew(project: Project) -> None:
    project.write_study(trials=2)
    first = Watcher()
    assert project.study(observer=first).ran == 2
    assert first.ran == ["baseline", "control", "trial 0", "trial 1"]
    assert project.study().ran == 0

    more = Watcher()
    assert project.study("tiny", "trials=4", observer=more).ran == 2
    assert more.ran == ["trial 2", "trial 3"]
    assert project.study("tiny", "trials=1").ran == 0
    old = project.runs("trial")
    assert numbers(old) == [0, 1, 2, 3]
    assert {run.tags["generation"] for run in old} == {"0"}

    anew = Watcher()
    outcome = project.study(fresh=True, observer=anew)
    assert (outcome.generation, outcome.ran) == (1, 2)
    assert anew.ran == first.ran
    assert project.runs("trial", generation="0") == old
    digests = {run.number: run.tags["spec_digest"] for run in old}
    assert all(
        run.tags["spec_digest"] == digests[run.number]
        for run in project.runs("trial", generation="1")
    )
    assert project.study("tiny", "trials=3").generation == 1
    assert numbers(project.runs("trial", generation="1")) == [0, 1, 2]
    assert {run.status for run in project.runs("study")} == {"FINISHED"}


def test_a_changed_study_says_so_and_keeps_its_earlier_trials(project: Project) -> None:
    grid = {"sampler": '"grid"', "compress": f"[{AT_ONCE}]"}
    project.write_study(**grid)
    project.study()
    project.write_study(**grid, seed=1)
    observer = Watcher()
    project.study(observer=observer)
    assert any("changed" in line for line in observer.said)
    assert len({run.tags["study_digest"] for run in project.runs("trial")}) == 2
    assert len(project.runs("trial")) == 4


def test_a_grid_ends_when_every_spec_is_done(project: Project) -> None:
    project.write_study(sampler='"grid"', compress=f"[{AT_ONCE}]", trials=10)
    assert project.study().ran == 2
    assert len({run.tags["spec_digest"] for run in project.runs("trial")}) == 2
    assert project.study("tiny", "trials=20").ran == 0


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_study_ends_with_a_sentence_when_there_is_no_other_spec(
    project: Project, sampler: str
) -> None:
    project.write_study(sampler=f'"{sampler}"', compress=f"[{AT_ONCE}]", trials=5)
    observer = Watcher()
    outcome = project.study(observer=observer)
    assert (outcome.ran, outcome.done, outcome.wanted) == (2, 2, 2)
    assert len({run.tags["spec_digest"] for run in project.runs("trial")}) == 2
    assert any("2 distinct of 5 trials asked for" in line for line in observer.said)
    assert [run.status for run in project.runs("study")] == ["FINISHED"]
    assert project.study("tiny", "trials=20").ran == 0


def test_a_study_whose_specs_cannot_be_counted_ends_when_nothing_new_is_found(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.runner.sampler.ENUMERABLE", 1)
    project.write_study(sampler='"random"', compress=f"[{AT_ONCE}]", trials=5)
    observer = Watcher()
    outcome = project.study(observer=observer)
    assert (outcome.ran, outcome.done, outcome.wanted) == (2, 2, 2)
    assert any("2 distinct of 5 trials asked for" in line for line in observer.said)
    assert project.study().ran == 0
    assert [run.status for run in project.runs("study")] == ["FINISHED"]


def test_what_an_earlier_version_has_done_twice_counts_once_among_what_was_found(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.runner.sampler.ENUMERABLE", 1)
    project.write_study(sampler='"random"', compress=f"[{AT_ONCE}]", trials=3)
    with monkeypatch.context() as earlier:
        # there were no redraws
        earlier.setattr("framework.runner.sampler.Sampler.seen", lambda sampler: set())
        assert project.study().ran == 3
    observer = Watcher()
    project.study("tiny", "trials=5", observer=observer)
    assert any("2 distinct of 5 trials asked for" in line for line in observer.said)


class Clock:
    """Time that a test moves on."""

    late = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.late

    def time(self) -> float:
        return time.time()


def test_hours_end_a_session_and_the_next_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("framework.runner.coordinator.time", clock)
    project.write_study(sampler='"grid"', compress=f"[{AT_ONCE}]", trials=2, hours=1)
    observer = Watcher(
        at_end=lambda event: setattr(clock, "late", 7200.0 if event.what == "trial 0" else 0.0)
    )
    outcome = project.study(observer=observer)
    assert (outcome.ran, outcome.out_of_time) == (1, True)
    outcome = project.study()
    assert (outcome.ran, outcome.out_of_time) == (1, False)
    assert numbers(project.runs("trial")) == [0, 1]
    assert [run.status for run in project.runs("study")] == ["FINISHED"]


# --- what fails -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("flaky")
def test_a_failing_trial_is_recorded_and_the_study_goes_on(project: Project) -> None:
    ways = {"raises": "exception", "nan": "diverged", "fine": ""}
    project.write_study(
        sampler='"grid"', compress='[use("flaky", how=Choice("raises", "nan", "fine"))]', trials=3
    )
    observer = Watcher()
    assert project.study(observer=observer).ran == 3
    found = {run.params["compress.0.how"]: run for run in project.runs("trial")}
    assert {how: run.tags.get("reason", "") for how, run in found.items()} == ways
    assert {how: run.status for how, run in found.items()} == {
        how: "FAILED" if reason else "FINISHED" for how, reason in ways.items()
    }
    errors = {
        how: project.store().artifact(found[how].run_id, ERROR_TXT).decode()
        for how in ("raises", "nan")
    }
    assert "Traceback" in errors["raises"]
    assert "RuntimeError: the plug-in broke" in errors["raises"]
    assert "TrialDiverged" in errors["nan"]
    assert {run.tags["pareto"] for run in found.values() if run.status == "FAILED"} == {"false"}
    assert [event.failed for event in observer.ended_runs if event.of] == [1, 2, 2]
    assert project.study().ran == 0


@pytest.mark.usefixtures("flaky")
def test_a_trial_longer_than_trial_seconds_fails_as_timeout(project: Project) -> None:
    compress = '[use("flaky", how=Choice("sleeps", "trains"))]'
    project.write_study(sampler='"grid"', compress=compress, trials=2, trial_seconds=0.5)
    with pytest.raises(StudyStopped, match="longer than trial_seconds"):
        project.study()
    assert [(run.status, run.tags["reason"]) for run in project.runs("trial")] == [
        ("FAILED", "timeout")
    ] * 2


@pytest.mark.usefixtures("flaky")
def test_three_failures_at_the_start_stop_the_study(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write_study(compress='[use("flaky", how="raises", tries=Int(0, 9))]', trials=5)
    with pytest.raises(StudyStopped, match="first 3 trials") as stopped:
        project.study()
    assert stopped.value.given == "RuntimeError: the plug-in broke"
    assert numbers(project.runs("trial"), "FAILED") == [0, 1, 2]
    assert [run.status for run in project.runs("study")] == ["FAILED"]
    with pytest.raises(StudyStopped, match="FRESH=1"):
        project.study()
    assert len(project.runs("trial")) == 3
    assert project.exit_code("study", "tiny", "--fresh") == 3
    assert "the plug-in broke" in capsys.readouterr().err
    assert len(project.runs("trial", generation="1")) == 3


@pytest.mark.usefixtures("flaky")
def test_a_study_all_of_whose_trials_failed_has_not_finished(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write_study(compress='[use("flaky", how="raises", tries=Int(0, 9))]', trials=2)
    with pytest.raises(StudyStopped, match="All 2 trials of tiny failed"):
        project.study()
    assert [run.status for run in project.runs("study")] == ["FAILED"]
    with pytest.raises(StudyStopped) as again:
        project.study()
    assert len(project.runs("trial")) == 2
    # what it says to do shows why
    project.command("show", re.findall("RUN=([0-9a-f]{32})", again.value.todo)[0])
    shown = capsys.readouterr().out
    assert "Traceback (most recent call last)" in shown
    assert "RuntimeError: the plug-in broke" in shown


def test_a_baseline_that_diverges_says_so_and_the_rate_it_names_trains(project: Project) -> None:
    def diverges(*_: object, **__: object) -> None:
        raise TrialDiverged("The loss is not finite in epoch 1.", given="loss = nan.")

    project.write_study(compress=f"[{AT_ONCE}]", trials=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lab, "train_dense", diverges)
        with pytest.raises(StudyStopped) as stopped:
            project.study()
    assert "baseline of tiny failed" in stopped.value.what
    assert stopped.value.given == "The loss is not finite in epoch 1.\nloss = nan."
    setting = re.findall('SET="(.*)"', stopped.value.todo)[0]
    assert setting == "train.learning_rate=0.0003"
    assert project.study("tiny", setting).done == 1


def test_a_baseline_that_cannot_be_made_says_why(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise NotDeployable("The converter refuses this net.", given="An op.", todo="Another net.")

    monkeypatch.setattr("framework.runner.measurement.measure", broken)
    project.write_study()
    with pytest.raises(StudyStopped) as stopped:
        project.study()
    assert stopped.value.given == "The converter refuses this net.\nAn op.\nAnother net."
    assert "learning_rate" not in stopped.value.todo


def test_an_objective_that_is_not_a_number_fails_its_trial(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_here(contracts.metrics, monkeypatch)

    @contracts.metrics.register("shaky", version=1)
    @dataclass(frozen=True, kw_only=True)
    class Shaky(Metric):
        """The share of zeros, if it is small.  Source: this test."""

        def measure(self, exported: Exported) -> float:
            kernels = [weight.values for weight in exported.weights if weight.role == "kernel"]
            zeros = float(np.mean([np.mean(values == 0) for values in kernels]))
            return zeros if zeros < 0.5 else float("nan")

    project.write_study(sampler='"grid"', compress=f"[{AT_ONCE}]", objectives={"shaky": "max"})
    project.study()
    assert [(run.status, run.tags.get("reason")) for run in project.runs("trial")] == [
        ("FINISHED", None), ("FAILED", "diverged"),
    ]  # fmt: skip
    assert project.study().ran == 0


def test_a_trial_whose_result_could_not_be_written_never_happened(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_study(sampler='"grid"', compress=f"[{AT_ONCE}]", trials=2)
    original = Store.finish

    def finish(self: Store, run_id: str, record: Any) -> None:
        if self.run(run_id).number == 1:
            raise SqueezelabError("No space left on the device.")
        original(self, run_id, record)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "finish", finish)
        with pytest.raises(SqueezelabError, match="No space left"):
            project.study()
    assert [(run.number, run.status) for run in project.runs("trial")] == [
        (0, "FINISHED"),
        (1, "KILLED"),
    ]
    assert [run.status for run in project.runs("study")] == ["FAILED"]
    assert project.study().ran == 1
    assert [(run.number, run.status, run.tags["attempt"]) for run in project.runs("trial")] == [
        (0, "FINISHED", "1"), (1, "KILLED", "1"), (1, "FINISHED", "2"),
    ]  # fmt: skip


# --- another host ---------------------------------------------------------------------------------


def begun_elsewhere(project: Project, *, lease: float) -> None:
    """What a coordinator of another host left in the store, in the middle of trial 0."""
    project.write_study(sampler='"grid"', compress=f"[{AT_ONCE}]", trials=2)
    digest = plan(project.root, "tiny", settings=[], catalog=contracts.Catalog()).study.digest
    tags = {"study_digest": digest, "generation": "0", "host": "elsewhere"}
    parent = project.store().begin(
        "tiny", role="study", name="study", tags=tags | {"lease": f"{lease:.0f}"}, params={}
    )
    trial = tags | {"trial": "000000", "attempt": "1"}
    project.store().begin(
        "tiny", role="trial", name="trial 0", tags=trial, params={}, parent=parent
    )


@pytest.mark.parametrize("ahead", [-5000, 5000])
def test_a_study_that_lives_on_another_host_is_left_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    # whatever its clock says, it gives a sign of life while this host looks on
    monkeypatch.setattr(history, "LOOK_SECONDS", 0.05)
    begun_elsewhere(project, lease=time.time() + ahead)
    (parent,) = project.runs("study")
    later = sign("elsewhere") | {"lease": f"{time.time() + ahead + 60:.0f}"}
    timer = threading.Timer(0.3, lambda: project.store().tag(parent.run_id, **later))
    timer.start()
    with pytest.raises(StudyLocked, match="elsewhere") as locked:
        project.study()
    timer.join()
    assert locked.value.exit_code == 75
    assert {run.status for run in project.store().runs("tiny")} == {"RUNNING"}


@pytest.mark.parametrize("ahead", [-100_000, -300, 5000])
def test_a_study_that_fell_silent_on_another_host_is_taken_over(
    project: Project, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr(history, "LOOK_SECONDS", 0.05)
    # one that has been silent for a day is not waited for
    monkeypatch.setattr(history, "LEASE_OVER_SECONDS", 0.2 if ahead > -90_000 else 1e9)
    begun_elsewhere(project, lease=time.time() + ahead)
    assert project.study().ran == 2
    parents = project.runs("study")
    assert [(run.status, run.tags["host"]) for run in parents] == [("FINISHED", platform.node())]
    assert float(parents[0].tags["lease"]) > time.time() - 300
    zeros = [run for run in project.runs("trial") if run.number == 0]
    assert [(run.status, run.tags["attempt"], run.tags.get("reason")) for run in zeros] == [
        ("KILLED", "1", "died"), ("FINISHED", "2", None),
    ]  # fmt: skip


# --- what is searched -----------------------------------------------------------------------------


def test_the_front_holds_only_what_meets_the_constraints(project: Project) -> None:
    limit = 0.2
    project.write_study(
        sampler='"grid"', compress=f"[{AT_ONCE}]", constraints=f'[AtMost("accuracy_drop", {limit})]'
    )
    observer = Watcher()
    project.study(observer=observer)
    gentle, harsh = project.runs("trial")
    assert gentle.metrics["constraint_violation"] == 0
    assert harsh.metrics["constraint_violation"] == pytest.approx(
        harsh.metrics["accuracy_drop"] - limit
    )
    assert harsh.metrics["constraint_violation"] > 0
    assert harsh.metrics["params_nonzero"] < gentle.metrics["params_nonzero"]
    assert (gentle.tags["pareto"], harsh.tags["pareto"]) == ("true", "false")
    first, second = [event for event in observer.ended_runs if event.of]
    assert (first.front, second.front) == (1, 1)
    # what hypervolume is comes once, before the trial that is the first to have one
    assert [text for text in observer.said if text.startswith("Hypervolume is")] == [
        "Hypervolume is what the front wins, and grows with each trial that improves it: "
        "val_accuracy above chance x halvings of params_nonzero below the dense net."
    ]
    assert first.is_on_front
    assert first.volume == first.gain > 0
    assert (second.is_on_front, second.volume) == (False, None)
    phases = [name for what, name in observer.phases if what == "trial 1"]
    assert phases == ["training", "exporting", "measured", "timing"]
    project.command("report", "tiny")
    assert b"trial 1" not in project.results()["pareto.md"]


def test_every_alternative_is_held_against_its_own_baseline(project: Project) -> None:
    project.write_study(
        architecture='Choice(use("lenet_300_100", label="small", units_1=32, units_2=16), '
        'use("lenet_300_100", label="wide", units_1=40, units_2=16))',
        train="Train(epochs=Choice(1, 2), warmup_epochs=0, batch_size=32, learning_rate=0.003)",
        compress='[Choice(None, use("magnitude_prune", epochs=0, sparsity=0.5))]',
        sampler='"grid"',
        trials=8,
    )
    assert project.study().ran == 8
    baselines = {run.run_id: run for run in project.runs("baseline")}
    assert len({run.tags["spec_digest"] for run in baselines.values()}) == len(baselines) == 4
    asked = ("architecture.units_1", "train.epochs")
    for run in project.runs("trial"):
        dense = baselines[run.tags["baseline"]]
        assert [run.params[name] for name in asked] == [dense.params[name] for name in asked]
        named = {
            name for name in run.metrics if name.startswith("baseline.") and name not in MACHINE
        }
        beside = {name.removeprefix("baseline."): run.metrics[name] for name in named}
        assert beside == {name: dense.metrics[name] for name in beside}
        assert {"val_accuracy", "params_nonzero", "size_tflite_bytes"} <= beside.keys()
        drop = dense.metrics["val_accuracy"] - run.metrics["val_accuracy"]
        assert run.metrics["accuracy_drop"] == pytest.approx(drop)
        left_out = run.tags["strategy"] == "none"
        assert ("compress.0" in run.params) is not left_out
        assert (run.metrics["params_nonzero"] == dense.metrics["params_nonzero"]) is left_out
    controls = [[run.params[name] for name in asked] for run in project.runs("control")]
    # one for each net, with the first value of all else
    assert controls == [["32", "1"], ["40", "1"]]


# --- what is in the store -------------------------------------------------------------------------


def test_the_names_of_a_trials_run(base: Path) -> None:
    done = never_killed(base, 5)
    for run in done.runs("trial"):
        assert set(run.tags) == {
            "role", "study", "dataset", "architecture", "strategy", "seed", "pareto", "git",
            "dirty", "host", "trial", "attempt", "generation", "study_digest", "spec_digest",
            "baseline", "metric_versions", "key",
        }  # fmt: skip
        assert set(run.params) == {
            "seed", "dataset", "architecture", "architecture.units_1", "architecture.units_2",
            "architecture.dropout", "compress.0", "compress.0.sparsity", "compress.0.layers",
            "compress.0.epochs", "compress.0.max_drop", "train.epochs", "train.batch_size",
            "train.optimizer", "train.learning_rate", "train.warmup_epochs", "train.decay",
            "train.weight_decay", "train.label_smoothing", "train.augment", "train.threads",
            "train.finetune_factor", "train.trained_factor",
        }  # fmt: skip
        sizes = {
            "val_accuracy", "val_disagreement", "params_total", "params_nonzero", "quantized_share",
            "macs_dense", "macs_effective", "size_dense_bytes", "size_sparse_bytes",
            "size_codebook_bytes", "size_entropy_bytes", "size_tflite_bytes",
            "size_tflite_compressed_bytes",
        }  # fmt: skip
        beside = {f"baseline.{name}" for name in sizes}
        times = {"seconds", "fit_seconds", "export_seconds", "measure_seconds", "latency_threads"}
        times.add("memory_bytes")
        timed = ("latency_us_p50", "baseline.latency_us_p50", "speedup_measured")
        times |= {f"{name}{end}" for name in timed for end in ("", "_low", "_high")}
        assert sizes | beside | times <= set(run.metrics)
        assert set(run.metrics) - sizes - beside - times == {
            "accuracy_drop", "speedup_theoretical", "sparsity_asked", "sparsity_reached",
            "touched_share",
        }  # fmt: skip
        assert artifact_names(done, run) == {
            "spec.json", "optuna.json", "model.tflite", "weights.npz", "layers.csv",
            "metrics.json",
        }  # fmt: skip
        assert run.tags["trial"] == f"{run.number:06d}"


def artifact_names(project: Project, run: Run) -> set[str]:
    return {
        line["name"] for line in json.loads(project.store().artifact(run.run_id, MANIFEST_JSON))
    }


def test_experiment_and_parent_say_what_was_found_and_how_to_go_on(base: Path) -> None:
    done = never_killed(base, 5)
    parent = done.runs("study")[0]
    with closing(sqlite3.connect(done.root / "mlflow.db")) as database:
        key = "mlflow.note.content"
        of_experiment = database.execute(
            "SELECT value FROM experiment_tags WHERE key = ?", (key,)
        ).fetchall()
        of_parent = database.execute(
            "SELECT value FROM tags WHERE key = ? AND run_uuid = ?", (key, parent.run_id)
        )
        notes = [*of_experiment, *of_parent.fetchall()]
    assert len(notes) == 2
    for (note,) in notes:
        assert "Does it run?" in note
        assert "| baseline" in note
        assert "| [trial" in note
        assert "squeezelab study tiny" in note
    assert {
        "study.json",
        "report/pareto.md",
        "report/pareto.csv",
        "report/pareto.svg",
    } <= artifact_names(done, parent)


def test_what_was_edited_in_the_store_is_told_and_does_not_stop_a_study(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(never_killed(base, 5).root, tmp_path / "edited")
    project = Project(tmp_path / "edited")
    by_number = {run.number: run.run_id for run in project.runs("trial")}
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database, database:
        for table in ("metrics", "latest_metrics"):
            edit = f"UPDATE {table} SET value = 0.999 WHERE key = 'val_accuracy' AND run_uuid = ?"
            database.execute(edit, (by_number[0],))
            gone = f"DELETE FROM {table} WHERE key = 'params_nonzero' AND run_uuid = ?"
            database.execute(gone, (by_number[1],))
    project.command("report", "tiny")
    page = (project.root / "reports" / "out" / "tiny" / "pareto.md").read_text()
    assert "The store was edited: of trial 0, val_accuracy was measured 0." in page
    assert "and is 0.9990 now" in page
    assert "| trial 0 (edited)" in capsys.readouterr().out
    assert "and is deleted" in page
    observer = Watcher()
    assert project.study("tiny", "trials=6", observer=observer).ran == 1
    assert any("1 trials have lost an objective" in line for line in observer.said)
    project.command("diff", "tiny:0", "tiny:1")
    capsys.readouterr()
    assert project.exit_code("doctor") == 1
    assert "WRONG  numbers: 2 runs have other numbers in the store" in capsys.readouterr().out


def test_a_moved_project_reports_resumes_and_opens_every_artifact(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(never_killed(base, 5).root, tmp_path / "before")
    before = Project(tmp_path / "before")
    before.study("tiny", "trials=6")
    (tmp_path / "elsewhere").mkdir()
    before.root.rename(tmp_path / "elsewhere" / "moved here")
    moved = Project(tmp_path / "elsewhere" / "moved here")
    monkeypatch.delattr(Lab, "train_dense")  # the cached baseline has moved too
    moved.command("report", "tiny")
    reported = moved.results()
    assert reported["trials.csv"].startswith(never_killed(base, 5).results()["trials.csv"])
    assert moved.study("tiny", "trials=7").ran == 1
    moved.command("report", "tiny")
    assert moved.results()["trials.csv"].startswith(reported["trials.csv"])
    runs = moved.store().runs("tiny")
    assert len(runs) == 1 + 1 + 1 + 7
    opened = [
        moved.store().artifact(run.run_id, name)
        for run in runs
        for name in artifact_names(moved, run)
    ]
    assert len(opened) > 5 * 9
    assert not before.root.exists()
    assert integrity(moved.root) == "ok"
