"""How a study stands: known answers for its front and its failures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.results.record import Run, Status
from framework.results.status import StudyStatus, objective_values, unmeasured, violations
from framework.study import AtLeast, AtMost, Study, use


def study(**parts: Any) -> Study:
    parts = {"objectives": {"val_accuracy": "max", "params_nonzero": "min"}} | parts  # as resolved
    return Study(dataset=use("digits"), architecture=use("lenet_300_100"), **parts)


def trial(accuracy: float, nonzero: float, *, status: Status = "FINISHED", **metrics: float) -> Run:
    values = {"val_accuracy": accuracy, "params_nonzero": nonzero, **metrics}
    return Run(
        "id", "trial", status, tags={}, params={}, metrics=values if status == "FINISHED" else {}
    )


FOUR = {0: trial(0.9, 100), 1: trial(0.8, 50), 2: trial(0.7, 60), 5: trial(0.95, 400)}


def test_the_front_holds_what_no_other_beats() -> None:
    assert StudyStatus(study(), FOUR).front() == {0, 1, 5}


def test_the_front_of_one_objective_is_the_best() -> None:
    assert StudyStatus(study(objectives={"params_nonzero": "min"}), FOUR).front() == {1}
    assert StudyStatus(study(objectives={"val_accuracy": "max"}), FOUR).front() == {5}


def test_equal_trials_are_both_on_the_front() -> None:
    assert StudyStatus(study(), FOUR | {6: trial(0.9, 100)}).front() == {0, 1, 5, 6}


def test_failed_trials_are_counted_and_on_no_front() -> None:
    status = StudyStatus(study(), FOUR | {3: trial(1.0, 1, status="FAILED")})
    assert status.front() == {0, 1, 5}
    assert status.failed() == 1


def test_trials_that_break_a_constraint_are_on_no_front() -> None:
    done = {
        0: trial(0.9, 100, constraint_violation=0.0),
        1: trial(0.8, 50, constraint_violation=0.02),
    }
    status = StudyStatus(study(constraints=(AtMost("accuracy_drop", 0.01),)), done)
    assert status.front() == {0}
    assert status.failed() == 0


def test_a_study_without_a_usable_trial_has_no_front() -> None:
    for done in ({}, {0: trial(1, 1, status="FAILED")}, {0: trial(1, 1, constraint_violation=1.0)}):
        status = StudyStatus(study(), done)
        assert status.front() == set()


points = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 1000)), min_size=1, max_size=12)


@given(points)
def test_no_trial_beats_one_on_the_front_and_one_on_the_front_beats_or_equals_each_other(
    values: list[tuple[float, int]],
) -> None:
    done = {number: trial(*value) for number, value in enumerate(values)}
    front = StudyStatus(study(), done).front()

    def beats(one: int, other: int) -> bool:
        (better, less), (worse, more) = values[one], values[other]
        return better >= worse and less <= more and (better, less) != (worse, more)

    assert front == {number for number in done if not any(beats(other, number) for other in done)}


def test_violations_are_above_zero_where_a_constraint_is_not_met() -> None:
    asked = study(constraints=(AtMost("accuracy_drop", 0.01), AtLeast("val_accuracy", 0.9)))
    found = violations(asked, {"accuracy_drop": 0.03, "val_accuracy": 0.95})
    assert found == {
        "AtMost accuracy_drop": pytest.approx(0.02),
        "AtLeast val_accuracy": pytest.approx(-0.05),
    }


def test_objective_values_come_in_the_order_of_the_study() -> None:
    metrics = {"params_nonzero": 5.0, "val_accuracy": 0.5}
    assert objective_values(study(), metrics) == (0.5, 5.0)
    asked = study(objectives={"params_nonzero": "min", "val_accuracy": "max"})
    assert objective_values(asked, metrics) == (5.0, 0.5)


def test_what_is_absent_or_not_finite_is_unmeasured() -> None:
    asked = study(constraints=(AtMost("accuracy_drop", 0.01),))
    assert (
        unmeasured(asked, {"val_accuracy": 0.5, "params_nonzero": 1.0, "accuracy_drop": 0.0}) == []
    )
    assert unmeasured(asked, {"val_accuracy": math.nan, "params_nonzero": math.inf}) == [
        "val_accuracy", "params_nonzero", "accuracy_drop",
    ]  # fmt: skip


def test_a_spec_that_was_tried_twice_is_one_point_the_first() -> None:
    done = {
        number: replace(run, tags={"spec_digest": digest})
        for number, run, digest in [
            (0, trial(0, 0, status="FAILED"), "a"),
            (1, trial(0.9, 100), "a"),
            (2, trial(0.9, 100), "b"),
            (4, trial(0.9, 100), "a"),
            (5, trial(0.95, 90, constraint_violation=1.0), "c"),
        ]
    }
    assert StudyStatus(study(), done).front() == {1, 2}
