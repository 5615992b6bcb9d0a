"""A front trained under new seeds: validation and test of each file, one look each, whatever
happens meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import Counter
from itertools import combinations, islice
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from studies_support import Project, Watcher, answers

from framework import use
from framework.contracts import Catalog, Ticket
from framework.datasets._sources.cached import TfdsDataset
from framework.datasets.digits import read_digits
from framework.errors import SqueezelabError, StudyStopped, UserError
from framework.planning.plan import plan
from framework.results import looks
from framework.results.record import Record, Run
from framework.runner import trial
from framework.runner.confirm import anew
from framework.runner.confirm.anew import Wish, confirm_anew
from framework.runner.confirm.asked import FAR, new_seeds
from framework.runner.engine.choice import Place
from framework.study.study import Study
from framework.system.locks import study_lock

FILES = ("confirm.md", "confirm.csv", "confirm.tex")


def confirm(
    project: Project, *numbers: int, seeds: int = 2, workers: int = 0, observer: Any = None
) -> int:
    """Train trials anew, in this process or beside it; how many nets were trained."""
    catalog = Catalog()
    return confirm_anew(
        plan(project.root, "tiny", settings=[], catalog=catalog),
        project.root,
        Wish(numbers=numbers, seeds=seeds),
        catalog=catalog,
        observer=observer or Watcher(),
        place=Place(workers=workers),
    )


def anew_runs(project: Project) -> list[Run]:
    return [run for run in project.runs("confirm") if looks.is_anew(run)]


def finished(project: Project) -> list[Run]:
    return [run for run in anew_runs(project) if run.status == "FINISHED"]


def files(project: Project) -> dict[str, bytes]:
    """What the report wrote that only specs and looks determine."""
    project.command("report", "tiny", "--kind", "confirm")
    return {name: (project.root / "reports/out/tiny" / name).read_bytes() for name in FILES}


def numbers_of(runs: list[Run]) -> dict[str, dict[str, float]]:
    """What was measured of each spec, without what depends on the machine."""
    answers = {}
    for run in runs:
        kept = {
            name: value
            for name, value in run.metrics.items()
            if name.startswith(("val_", "test_", "params_", "size_"))
        }
        answers[run.tags["spec_digest"]] = kept
    return answers


# --- what comes out -------------------------------------------------------------------------------


def test_each_net_has_validation_and_test_of_its_own_file(project: Project) -> None:
    import tensorflow as tf

    assert confirm(project, 2, seeds=1) == 3
    runs = finished(project)
    assert Counter(run.tags["strategy"] for run in runs) == {
        "none": 1,
        "identity": 1,
        "magnitude_prune": 1,
    }
    test = read_digits()["test"]
    images = tf.image.resize(test["image"] / 255, (28, 28), "bilinear").numpy().astype("float32")
    for run in runs:
        told = answers(project.store().artifact(run.run_id, "model.tflite"), images)
        right = float(np.mean(np.array(told) == test["labels"]))
        assert run.metrics["test_accuracy"] == pytest.approx(right, abs=1.5 / len(images))
        assert 0 < run.metrics["val_accuracy"] <= 1
        assert run.tags["seed"] == str(FAR)


def test_seeds_are_none_that_the_study_used(project: Project) -> None:
    confirm(project, 2, seeds=2)
    roles = ("baseline", "control", "trial", "replicate")
    used = {run.seed for role in roles for run in project.runs(role)}
    assert used.isdisjoint({run.seed for run in anew_runs(project)})


@pytest.mark.parametrize(
    ("seeds", "used", "first"),
    [
        (1, set(), [FAR, FAR + 1, FAR + 2]),
        (1, {FAR, FAR + 2}, [FAR + 1, FAR + 3, FAR + 4]),
        # those of a study that has as many seeds itself
        (FAR + 2, set(), [FAR + 2, FAR + 3, FAR + 4]),
    ],
)
def test_new_seeds_pass_over_all_that_were_used(
    seeds: int, used: set[int], first: list[int]
) -> None:
    study = Study(dataset=use("digits"), architecture=use("lenet5"), seeds=seeds)
    assert list(islice(new_seeds(study, used), 3)) == first


def test_the_same_again_trains_nothing_and_more_seeds_add(project: Project) -> None:
    confirm(project, 2, seeds=1)
    before, shown = numbers_of(finished(project)), files(project)
    assert confirm(project, 2, seeds=1) == 0
    assert files(project) == shown
    assert confirm(project, 2, seeds=2) == 3
    after = numbers_of(finished(project))
    assert len(after) == 6
    assert before.items() <= after.items()
    assert confirm(project, 2, seeds=1) == 0


def test_a_trial_more_takes_the_dense_nets_that_are_there(project: Project) -> None:
    confirm(project, 2, seeds=1)
    assert confirm(project, 2, 3, seeds=1) == 1
    assert Counter(run.tags["strategy"] for run in finished(project))["none"] == 1


def test_one_and_two_workers_give_the_same(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project.root, tmp_path / "other")
    other = Project(tmp_path / "other")
    confirm(project, 2, seeds=2)
    confirm(other, 2, seeds=2, workers=2)
    assert numbers_of(finished(project)) == numbers_of(finished(other))
    assert files(project) == files(other)


def test_the_study_and_its_rows_stay_as_they_are(project: Project) -> None:
    trials = (project.root / "reports/out/tiny/trials.csv").read_bytes()
    confirm(project, 2, seeds=1)
    project.command("report", "tiny")
    assert (project.root / "reports/out/tiny/trials.csv").read_bytes() == trials
    assert project.study().ran == 0
    roles = Counter(run.tags["role"] for run in project.store().runs("tiny"))
    assert roles["baseline"] == roles["control"] == 1


def test_a_generation_later_nothing_is_looked_at_twice(project: Project) -> None:
    confirm(project, 2, seeds=1)
    project.study("tiny", fresh=True)
    assert confirm(project, 2, seeds=1) == 0
    assert len(finished(project)) == 3


def test_the_card_of_the_dense_net_has_its_test_cell(project: Project, tmp_path: Path) -> None:
    from framework.display.model_card import export

    confirm(project, 2, seeds=2)
    dense = [run.metrics["test_accuracy"] for run in anew_runs(project) if run.number < 0]
    export(project.root, project.runs("baseline")[0].run_id, tmp_path / "dense.tflite")
    card = (tmp_path / "dense.md").read_text("utf-8")
    row = next(line for line in card.splitlines() if line.startswith("| test, 2 new seeds |"))
    cells = [cell.strip() for cell in row.split("|")[3:5]]
    assert cells[0] == cells[1]
    assert any(cells[0].startswith(f"{fmean(pair):.4f} ±") for pair in combinations(dense, 2))
    assert "Never measured on the test split" not in card


def test_a_net_that_was_trained_anew_can_be_handed_out_and_made_again(
    project: Project, tmp_path: Path
) -> None:
    from framework.display.model_card import export
    from framework.runner.reproduce import SAME, reproduce

    confirm(project, 2, seeds=1)
    run = next(run for run in finished(project) if run.number == 2)
    export(project.root, run.run_id, tmp_path / "net.tflite")
    card = (tmp_path / "net.md").read_text("utf-8")
    assert "compressed by magnitude_prune" in card
    assert f"{run.metrics['test_accuracy']:.4f}" in card
    verdict = reproduce(project.root, run.run_id, settings=[], catalog=Catalog())
    assert verdict.code == SAME, verdict.lines


# --- looks ----------------------------------------------------------------------------------------


def opened(monkeypatch: pytest.MonkeyPatch, project: Project) -> list[str]:
    """The specs for which the test split is opened, as it happens."""
    specs: list[str] = []
    original = TfdsDataset.load_sealed

    def load_sealed(self: TfdsDataset, root: Path, shapes: Any, ticket: Ticket) -> Any:
        run = project.store().run(ticket.run_id)
        assert run.tags["look"] == "true"
        specs.append(ticket.spec_digest)
        return original(self, root, shapes, ticket)

    monkeypatch.setattr(TfdsDataset, "load_sealed", load_sealed)
    return specs


def test_nothing_of_test_is_known_before_all_are_trained(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, specs = Watcher(), opened(monkeypatch, project)
    watcher.at_end = lambda event: specs.append("trained")
    confirm(project, 2, seeds=2, observer=watcher)
    assert specs[:6] == ["trained"] * 6
    assert len(set(specs[6:])) == len(specs[6:]) == 6
    assert "Looking at the test split, once for each of 6 nets." in watcher.said


def test_a_look_that_came_to_nothing_is_counted_and_never_repeated(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = opened(monkeypatch, project)
    measured = anew.look_once.__globals__["measurement"].evaluate

    def evaluate(*arguments: Any, **options: Any) -> Any:
        if len(specs) == 2:
            raise RuntimeError("the disk is gone")
        return measured(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(anew.look_once.__globals__["measurement"], "evaluate", evaluate)
        # training measures too, and has opened nothing by then
        with pytest.raises(RuntimeError):
            confirm(project, 2, seeds=2)
    lost = [run for run in anew_runs(project) if looks.is_lost(run)]
    assert [run.tags["spec_digest"] for run in lost] == [specs[1]]
    # the next seed stands in for it
    assert confirm(project, 2, seeds=2) == 1
    assert len(specs) == len(set(specs)) == 7
    page = files(project)["confirm.md"].decode()
    assert "opened 7 times" in page
    assert "1 of these cut off without an answer" in page
    assert confirm(project, 2, seeds=2) == 0


def test_what_a_kill_kept_from_the_store_is_read_from_the_runs_file(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framework.tracking.store import Store

    with monkeypatch.context() as patch:
        patch.setattr(Store, "add", lambda *_: (_ for _ in ()).throw(SqueezelabError("killed")))
        with pytest.raises(SqueezelabError):
            confirm(project, 2, seeds=1)
    specs = opened(monkeypatch, project)
    assert confirm(project, 2, seeds=1) == 0
    assert len(specs) == 2
    assert all(looks.of_test(run) for run in finished(project))


def test_a_signal_waits_for_the_answer_of_a_look(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = opened(monkeypatch, project)
    original = TfdsDataset.load_sealed

    def load_sealed(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(TfdsDataset, "load_sealed", load_sealed)
        with pytest.raises(KeyboardInterrupt):
            confirm(project, 2, seeds=1)
    assert len(specs) == 1
    assert not any(looks.is_lost(run) for run in anew_runs(project))
    assert confirm(project, 2, seeds=1) == 0
    assert len(specs) == len(set(specs)) == 3


# --- stopped --------------------------------------------------------------------------------------


def test_an_interrupt_leaves_nothing_running_and_is_gone_on_from(project: Project) -> None:
    watcher = Watcher()
    watcher.at_end = lambda event: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        confirm(project, 2, seeds=2, observer=watcher)
    assert {run.status for run in anew_runs(project)} <= {"FINISHED", "KILLED"}
    assert not any(looks.has_looked(run) for run in anew_runs(project))
    trained = len(finished(project))
    assert confirm(project, 2, seeds=2) == 6 - trained


def test_another_process_that_runs_the_study_is_not_disturbed(project: Project) -> None:
    with (
        study_lock(project.root, "tiny"),
        pytest.raises(SqueezelabError, match="run by another process"),
    ):
        confirm(project, 2)


def test_nets_that_fail_are_told_and_have_no_look(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Record(reason="diverged", error="Not a finite number: loss.")
    monkeypatch.setattr(trial, "run", lambda *_, **__: failed)
    with pytest.raises(StudyStopped, match="All 3 nets of tiny failed") as told:
        confirm(project, 2, seeds=1)
    assert "diverged" in told.value.given
    assert "SEEDS=2" in told.value.todo
    assert {run.status for run in anew_runs(project)} == {"FAILED"}


def test_a_failed_seed_is_marked_and_leaves_the_others(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = trial.run

    def run(spec: Any, *arguments: Any, **options: Any) -> Record:
        if spec.seed == FAR + 1 and spec.strategy == "magnitude_prune":
            return Record(reason="diverged", error="Not a finite number: loss.")
        return train(spec, *arguments, **options)

    monkeypatch.setattr(trial, "run", run)
    watcher = Watcher()
    confirm(project, 2, seeds=2, observer=watcher)
    assert watcher.ended_runs[-1].failed == 1
    page = files(project)["confirm.md"].decode()
    assert f"a seed failed: {FAR + 1}" in page
    assert confirm(project, 2, seeds=2) == 0


# --- the command ----------------------------------------------------------------------------------


def test_the_command_confirms_the_front_and_shows_each_split_in_its_column(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.command("confirm", "tiny", "--seeds", "1", "--workers", "0")
    table = capsys.readouterr().out
    assert "val. accuracy (%) | test accuracy (%) | gap (points)" in table
    best = {run.number for run in project.runs("trial") if run.tags["pareto"] == "true"}
    confirmed = {run.number for run in finished(project)} - {-1}
    assert confirmed == best
    assert "The test split was opened" in table
    assert (project.root / "reports/out/tiny/confirm_provenance.json").exists()


def test_without_seeds_stored_files_are_measured(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.command("confirm", "tiny", "--trials", "0,1")
    told = capsys.readouterr().out
    assert told.count("look 1 at the test split") == 2
    assert not finished(project)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "Confirm what"),
        (("--trials", "3,first"), "--trials takes numbers"),
        (("--seeds", "2", "--trials", "9"), "no trial 9"),
    ],
)
def test_what_cannot_be_confirmed(project: Project, arguments: tuple[str, ...], what: str) -> None:
    with pytest.raises(UserError, match=what):
        project.command("confirm", "tiny", *arguments)
    assert project.runs("confirm") == []


def test_a_report_of_nothing_says_how_to_confirm(project: Project) -> None:
    with pytest.raises(UserError, match="Nothing of tiny is confirmed") as told:
        project.command("report", "tiny", "--kind", "confirm")
    assert "SEEDS=5" in told.value.todo


def test_a_study_without_a_front_has_none_to_confirm(project: Project) -> None:
    for run in project.runs("trial"):
        project.store().close(run.run_id, "FAILED", reason="diverged")
    with pytest.raises(UserError, match="no front to confirm"):
        project.command("confirm", "tiny", "--seeds", "1")


# --- killed ---------------------------------------------------------------------------------------

KILLING = """
import sys, os, signal
from framework.cli import main
{patch}
main()
"""
IN_TRAINING = """
from framework.runner.loop import Loop
written, count = Loop._written, []
def killed(self, flight, result):
    count.append(1)
    if len(count) == {at}: os.kill(os.getpid(), signal.SIGKILL)
    return written(self, flight, result)
Loop._written = killed
"""
IN_LOOKING = {
    "before the mark": """
from framework.tracking.store import Store
tag = Store.tag
def killed(self, run_id, **tags):
    if 'look' in tags: os.kill(os.getpid(), signal.SIGKILL)
    tag(self, run_id, **tags)
Store.tag = killed
""",
    "before the split is opened": """
from framework.runner.confirm import look
look.on_test = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
""",
    "before the answer is written": """
from framework.runner.confirm import look
measure = look.on_test
def killed(*arguments, **options):
    measure(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
look.on_test = killed
""",
    "before the store has it": """
from framework.tracking.store import Store
Store.add = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
""",
}
LOST = 2  # the two in the middle


def test_killed_in_training_it_ends_as_if_nothing_had_happened(
    project: Project, tmp_path: Path
) -> None:
    shutil.copytree(project.root, tmp_path / "undisturbed")
    undisturbed = Project(tmp_path / "undisturbed")
    confirm(undisturbed, 2, seeds=2)
    command = ("confirm", "tiny", "--trials", "2", "--seeds", "2", "--workers", "0")
    for at in (1, 3):
        code = KILLING.format(patch=IN_TRAINING.format(at=at))
        process = project.python(code, *command)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    project.command(*command)
    assert files(project) == files(undisturbed)
    looked = [run for run in anew_runs(project) if looks.has_looked(run)]
    assert len(looked) == len({run.tags["spec_digest"] for run in looked}) == 6
    assert not any(run.status == "RUNNING" for run in anew_runs(project))


def test_killed_in_a_look_no_file_is_looked_at_twice(project: Project) -> None:
    command = ("confirm", "tiny", "--trials", "2", "--seeds", "2", "--workers", "0")
    for patch in IN_LOOKING.values():
        process = project.python(KILLING.format(patch=patch), *command)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    project.command(*command)
    runs = anew_runs(project)
    answered = [run for run in runs if looks.of_test(run)]
    lost = [run for run in runs if looks.is_lost(run)]
    assert len(answered) == 6
    assert len(lost) == LOST
    by_spec = Counter(run.tags["spec_digest"] for run in runs if looks.has_looked(run))
    assert set(by_spec.values()) == {1}
    # what was cut off between answer and store is read from the run's own file
    for run in answered:
        stored = json.loads(project.store().artifact(run.run_id, "metrics.json"))
        assert stored["test_accuracy"] == run.metrics["test_accuracy"]
