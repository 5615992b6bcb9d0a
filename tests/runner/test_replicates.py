"""Several seeds: every configuration under each, the search by the first alone."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies_support import WHERE, Project, Watcher, new_project, running

from framework.report import collect, run_report
from framework.results.record import MODEL_TFLITE, Run
from framework.results.replicates import averaged
from framework.runner.replicates import Replicates
from framework.study import Study, use
from framework.study.constraints import AtMost

FIELDS = {"compress": '[use("magnitude_prune", epochs=0, sparsity=Float(0.3, 0.98))]'}


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def project(base: Path, tmp_path: Path) -> Project:
    return new_project(base, tmp_path / "project")


def files(project: Project) -> dict[tuple[str, int, int], bytes]:
    """The file of every trial and replicate, each there once."""
    store, found = project.store(), {}
    for role in ("trial", "replicate"):
        for run in project.runs(role):
            if run.status == "FINISHED":
                assert (role, run.number, run.seed) not in found
                found[role, run.number, run.seed] = store.artifact(run.run_id, MODEL_TFLITE)
    return found


def report(project: Project, out: Path) -> dict[str, bytes]:
    """What the tables hold, by the names of their files."""
    made = run_report(project.store(), "tiny", root=project.root, out=out)
    wanted = ("pareto.csv", "pareto.md", "pareto.tex", "trials.csv")
    paths = [path for path in made.paths if path.name in wanted]
    # below its last head the page says where and when
    return {path.name: path.read_bytes().split(WHERE)[0] for path in paths}


def test_one_seed_then_three_is_three_at_once(base: Path, project: Project, tmp_path: Path) -> None:
    project.write_study(trials=2, **FIELDS)
    project.study()
    questions = files(project)
    # killed, as it were, in the middle of the further seeds
    stops = Watcher(at_end=stop_at("trial 0 seed 2"))
    with pytest.raises(KeyboardInterrupt):
        project.study("tiny", "seeds=3", observer=stops)
    told = Watcher()
    project.study("tiny", "seeds=3", observer=told)
    at_once = new_project(base, tmp_path / "at_once")
    at_once.write_study(trials=2, seeds=3, **FIELDS)
    at_once.study()
    assert files(project) == files(at_once)
    assert files(project).items() >= questions.items()
    assert len(files(project)) == 6
    assert [event.position for event in told.ended_runs if event.of] == [5, 6]
    assert report(project, tmp_path / "a") == report(at_once, tmp_path / "b")
    seeds = {
        role: sorted(run.seed for run in at_once.runs(role)) for role in ("baseline", "control")
    }
    assert seeds == {"baseline": [0, 1, 2], "control": [0, 1, 2]}
    assert project.study("tiny", "seeds=3").ran == 0


def test_a_control_killed_under_more_seeds_is_run_after_a_session_of_fewer(
    project: Project,
) -> None:
    project.write_study(trials=1, **FIELDS)
    stops = Watcher(at_end=stop_at("trial 0 seed 1"))
    with pytest.raises(KeyboardInterrupt):
        project.study("tiny", "seeds=2", observer=stops)
    store = project.store()
    (last,) = [run for run in project.runs("control") if run.seed == 1]
    store.close(last.run_id, "KILLED")
    assert project.study().ran == 0
    assert project.study("tiny", "seeds=2").ran == 0
    ended = [run.seed for run in project.runs("control") if run.status == "FINISHED"]
    assert sorted(ended) == [0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_ten_kills_and_any_workers_leave_the_bytes_of_five_seeds_at_once(
    workers: int, base: Path, project: Project, tmp_path: Path
) -> None:
    at_once = new_project(base, tmp_path / "at_once")
    at_once.write_study(trials=2, seeds=5, **FIELDS)
    at_once.study()
    project.write_study(trials=2, **FIELDS)
    arguments, draw = ["study", "tiny", "--workers", str(workers)], random.Random(workers)
    project.start(*arguments).communicate()
    killed = 0
    for _ in range(10):
        begun = project.start(*arguments, "--set", "seeds=5")
        project.wait_for(begun, role="study")
        # some of the moments lie in the start of workers, some in runs, some in their writing
        time.sleep(draw.uniform(0, 12))
        killed += begun.poll() is None
        begun.kill()
        begun.communicate()
    assert killed == 10
    last = project.start(*arguments, "--set", "seeds=5")
    last.communicate()
    assert last.returncode == 0
    assert files(project) == files(at_once)
    assert report(project, tmp_path / "a") == report(at_once, tmp_path / "b")
    assert not running(project.root)


def stop_at(what: str) -> Any:
    """Stop when this run has ended."""

    def stop(event: Any) -> None:
        if event.what == what:
            raise KeyboardInterrupt

    return stop


def test_tables_show_means_and_how_many(base: Path, tmp_path: Path) -> None:
    project = new_project(base, tmp_path / "project")
    project.write_study(trials=2, seeds=3, **FIELDS)
    project.study()
    runs = collect(project.store(), "tiny")
    every = [*project.runs("trial"), *project.runs("replicate")]
    for mean in runs.trials:
        values = [run.metrics["val_accuracy"] for run in every if run.number == mean.number]
        assert len(values) == 3
        assert mean.metrics["val_accuracy"] == pytest.approx(fmean(values))
        assert mean.metrics["val_accuracy_sd"] == pytest.approx(stdev(values))
        assert mean.tags["seeds"] == "3"
    (baseline,) = runs.baselines
    dense = [run.metrics["val_accuracy"] for run in project.runs("baseline")]
    assert baseline.metrics["val_accuracy"] == pytest.approx(fmean(dense))
    text = report(project, tmp_path / "out")["pareto.md"].decode()
    assert "mean ± sample standard deviation over n = " in text
    assert "n = 1 seed" not in text


def run(seed: int, status: str = "FINISHED", **metrics: float) -> Run:
    tags = {"trial": "000004", "seed": str(seed)}
    if status == "FAILED":
        tags["reason"] = "diverged"
    return Run(f"id{seed}", "trial 4", status, tags, {"seed": str(seed)}, metrics)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.randoms())
def test_a_mean_does_not_hang_on_the_order_of_its_seeds(values: Sequence[float], draw: Any) -> None:
    runs = [run(seed, val_accuracy=value) for seed, value in enumerate(values)]
    mixed = draw.sample(runs, len(runs))
    mean = averaged(mixed, spread=["val_accuracy"])
    assert mean == averaged(runs, spread=["val_accuracy"])
    assert mean.run_id == "id0"
    assert mean.metrics["val_accuracy"] == pytest.approx(fmean(values))
    assert mean.metrics["val_accuracy_sd"] == pytest.approx(stdev(values))


def test_one_seed_stays_as_it_is_and_a_failed_one_fails_its_configuration() -> None:
    alone = run(0, val_accuracy=0.5)
    assert averaged([alone], spread=["val_accuracy"]) is alone
    failed = averaged([run(0, val_accuracy=0.5), run(1, "FAILED"), run(2, val_accuracy=0.7)])
    assert (failed.status, failed.metrics) == ("FAILED", {})
    assert failed.tags["seeds"] == "2"
    assert failed.tags["reason"] == "1 of 3 seeds: diverged"


def test_a_constraint_is_met_by_the_mean() -> None:
    limit = AtMost("accuracy_drop", 0.02)
    drops = (0.01, 0.029)
    runs = [
        run(seed, accuracy_drop=drop, constraint_violation=max(0.0, drop - 0.02))
        for seed, drop in enumerate(drops)
    ]
    assert averaged(runs, [limit]).metrics["constraint_violation"] == 0.0
    beyond = replace(runs[0], metrics={"accuracy_drop": 0.05, "constraint_violation": 0.03})
    met = averaged([beyond, runs[1]], [limit]).metrics["constraint_violation"]
    assert met == pytest.approx(0.0395 - 0.02)


def test_a_mean_is_over_all_seeds_that_have_ended_by_now() -> None:
    study = Study(dataset=use("digits"), architecture=use("lenet5"), seeds=3)
    replicates, first = Replicates(study), run(0, val_accuracy=0.2)
    assert replicates.mean(first) is first
    for seed, value, mean in ((1, 0.4, 0.3), (2, 0.9, 0.5)):
        replicates.add(run(seed, val_accuracy=value))
        # asked for twice: only the first time it is computed
        for _ in range(2):
            assert replicates.mean(first).metrics["val_accuracy"] == pytest.approx(mean)
    assert replicates.mean(first) is replicates.mean(first)
    replicates.add(run(1, "FAILED"))
    assert replicates.mean(first).status == "FAILED"
