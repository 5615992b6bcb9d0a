"""The sealed test split: opened by `confirm` alone, for one configuration, after a run of its own
is in the store."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studies_support import Project, answers

from framework.contracts import Catalog, Splits, Ticket
from framework.datasets._sources.cached import TfdsDataset
from framework.datasets.digits import read_digits
from framework.errors import UserError
from framework.planning.plan import plan
from framework.results.record import Run
from framework.runner.confirm.stored import confirm
from framework.tracking.lookup import Asked

FRAMEWORK = Path(__file__).parents[2] / "framework"


def look(project: Project, number: int, *settings: str) -> list[str]:
    """Confirm one trial."""
    catalog = Catalog()
    planned = plan(project.root, "tiny", settings=settings, catalog=catalog)
    return confirm(Asked.of(planned), project.root, number=number, catalog=catalog)


def test_the_accuracy_is_that_of_the_logged_file(project: Project) -> None:
    import tensorflow as tf

    lines = look(project, 2)
    run = project.runs("confirm")[0]
    trial = next(item for item in project.runs("trial") if item.number == 2)
    test = read_digits()["test"]
    images = tf.image.resize(test["image"] / 255, (28, 28), "bilinear").numpy().astype("float32")
    right = np.mean(
        answers(project.store().artifact(trial.run_id, "model.tflite"), images) == test["labels"]
    )
    assert run.metrics["test_accuracy"] == pytest.approx(right, abs=1.5 / len(images))
    assert f"test_accuracy {run.metrics['test_accuracy']:.4f}" in lines


def test_the_run_names_its_trial_and_holds_the_test_metrics_alone(project: Project) -> None:
    look(project, 1)
    run = project.runs("confirm")[0]
    trial = next(item for item in project.runs("trial") if item.number == 1)
    assert run.status == "FINISHED"
    assert set(run.metrics) == {"test_accuracy", "test_disagreement"}
    assert run.params == trial.params
    for name in ("spec_digest", "study_digest", "generation", "trial", "strategy", "dataset"):
        assert run.tags[name] == trial.tags[name]


def test_every_look_is_counted_per_configuration(project: Project) -> None:
    assert "look 1 at" in look(project, 0)[-1]
    assert "look 2 at" in look(project, 0)[-1]
    assert "look 1 at" in look(project, 1)[-1]
    assert len(project.runs("confirm")) == 3


def test_a_look_leaves_the_study_as_it_is(project: Project) -> None:
    look(project, 0)
    before = project.results()
    project.command("report", "tiny")
    assert project.results() == before
    assert project.study().ran == 0


def test_the_run_is_in_the_store_before_the_split_is_opened(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Run] = []
    original = TfdsDataset.load_sealed

    def load_sealed(self: TfdsDataset, root: Path, shapes: Any, ticket: Ticket) -> Any:
        seen.append(project.store().run(ticket.run_id))
        assert ticket.spec_digest == seen[0].tags["spec_digest"]
        return original(self, root, shapes, ticket)

    monkeypatch.setattr(TfdsDataset, "load_sealed", load_sealed)
    look(project, 0)
    assert [(run.status, run.tags["role"]) for run in seen] == [("RUNNING", "confirm")]


def test_a_look_that_fails_is_counted_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_sealed(*arguments: Any) -> Any:
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(TfdsDataset, "load_sealed", load_sealed)
        with pytest.raises(RuntimeError):
            look(project, 0)
    assert [run.status for run in project.runs("confirm")] == ["FAILED"]
    assert "look 2 at" in look(project, 0)[-1]


def test_an_interrupted_look_is_killed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_sealed(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(TfdsDataset, "load_sealed", load_sealed)
    with pytest.raises(KeyboardInterrupt):
        look(project, 0)
    assert [run.status for run in project.runs("confirm")] == ["KILLED"]


def test_a_trial_that_is_not_there(project: Project) -> None:
    with pytest.raises(UserError, match="no trial 9") as told:
        look(project, 9)
    assert "0 to 4" in told.value.given
    assert project.runs("confirm") == []


def test_a_study_with_overrides_has_trials_of_its_own(project: Project) -> None:
    with pytest.raises(UserError, match="no trial 0") as told:
        look(project, 0, "seed=5")
    assert "None is done under its digest" in told.value.given


def test_a_failed_trial_has_no_file(project: Project) -> None:
    trial = next(item for item in project.runs("trial") if item.number == 3)
    project.store().close(trial.run_id, "FAILED", reason="diverged")
    with pytest.raises(UserError, match="Trial 3 of tiny failed") as told:
        look(project, 3)
    assert "diverged" in told.value.given


def test_the_latest_generation_is_meant(project: Project) -> None:
    project.study("tiny", "trials=1", fresh=True)
    look(project, 0)
    assert project.runs("confirm")[0].tags["generation"] == "1"
    with pytest.raises(UserError, match="no trial 3"):
        look(project, 3)


# --- nobody else ----------------------------------------------------------------------------------


def users_of(name: str) -> set[str]:
    """Files of the package that call or import this name."""
    found = set()
    for path in FRAMEWORK.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if name in (getattr(called, "id", None), getattr(called, "attr", None)):
                found.add(str(path.relative_to(FRAMEWORK)))
    return found


def test_confirm_alone_makes_tickets_and_opens_the_split() -> None:
    # the contract suite shows that no sample of the test split is in another
    suite = "testing/datasets.py"
    assert users_of("Ticket") == {"runner/confirm/look.py", suite}
    assert users_of("load_sealed") == {"runner/confirm/look.py", suite}
    assert users_of("read_sealed") == {"datasets/_sources/cached.py"}
    assert users_of("_test_split") == {"datasets/_sources/cached.py"}
    assert not hasattr(Splits, "test")
    assert "test" not in Splits.__dataclass_fields__


def test_no_run_of_a_study_knows_the_test_split(project: Project) -> None:
    for role in ("study", "baseline", "control", "trial"):
        for run in project.runs(role):
            assert not [name for name in run.metrics if name.startswith("test_")]


def test_without_a_ticket_it_stays_sealed(project: Project) -> None:
    digits = Catalog().datasets.build("digits", {})
    for ticket in (None, Ticket("", "digest"), json.loads('{"run_id": "x"}')):
        with pytest.raises(Exception, match="sealed"):
            digits.load_sealed(project.root, {"image": (28, 28, 1)}, ticket)  # type: ignore[arg-type]
