"""Constraints are met at the limit itself: a share that floating point cannot hold is not above
itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.results.record import Run
from framework.results.status import StudyStatus, violations
from framework.study import Study, use
from framework.study.constraints import AtLeast, AtMost, feasible

SAMPLES = 250
ALLOWED = 5  # samples: 0.02


def drop(dense: int, kept: int, samples: int = SAMPLES) -> float:
    """As a trial calculates it."""
    return dense / samples - kept / samples


@pytest.mark.parametrize("allowed", [1, 2, 3, 5, 10])
def test_a_net_that_loses_exactly_what_it_may_is_feasible_and_one_sample_more_is_not(
    allowed: int,
) -> None:
    for dense in range(allowed + 1, SAMPLES + 1):
        most, least = (
            AtMost("accuracy_drop", allowed / SAMPLES),
            AtLeast("val_accuracy", (dense - allowed) / SAMPLES),
        )
        at, above = drop(dense, dense - allowed), drop(dense, dense - allowed - 1)
        assert most.violation({"accuracy_drop": at}) <= 0
        assert most.violation({"accuracy_drop": above}) == pytest.approx(1 / SAMPLES)
        assert least.violation({"val_accuracy": dense / SAMPLES - allowed / SAMPLES}) <= 0
        assert least.violation({"val_accuracy": (dense - allowed - 1) / SAMPLES}) == pytest.approx(
            1 / SAMPLES
        )


@given(st.integers(100, 1_000_000), st.data())
def test_it_holds_for_splits_of_any_size(samples: int, data: st.DataObject) -> None:
    allowed = data.draw(st.integers(0, samples // 2))
    dense = data.draw(st.integers(allowed + 1, samples))
    limit = AtMost("accuracy_drop", allowed / samples)
    assert limit.violation({"accuracy_drop": drop(dense, dense - allowed, samples)}) <= 0
    assert limit.violation({"accuracy_drop": drop(dense, dense - allowed - 1, samples)}) > 0


@given(st.integers(0, 10**12))
def test_one_byte_too_many_is_too_many(limit: int) -> None:
    assert AtMost("size_tflite_bytes", limit).violation({"size_tflite_bytes": float(limit)}) <= 0
    assert (
        AtMost("size_tflite_bytes", limit).violation({"size_tflite_bytes": float(limit + 1)}) == 1
    )
    assert AtLeast("params_nonzero", limit).violation({"params_nonzero": float(limit - 1)}) == 1


def at_the_limit(**metrics: float) -> Run:
    values = {
        "val_accuracy": 244 / 250,
        "params_nonzero": 10.0,
        "accuracy_drop": drop(249, 244),
    } | metrics
    return Run("id", "trial", "FINISHED", tags={}, params={}, metrics=values)


def test_the_sampler_and_the_front_agree() -> None:
    parts: dict[str, Any] = {"objectives": {"val_accuracy": "max", "params_nonzero": "min"}}
    study = Study(
        dataset=use("digits"),
        architecture=use("lenet5"),
        constraints=(AtMost("accuracy_drop", 0.02),),
        **parts,
    )
    run = at_the_limit()
    assert run.metrics["accuracy_drop"] > 0.02  # in floating point; what is stored stays true
    assert all(value <= 0 for value in violations(study, run.metrics).values())
    assert StudyStatus(study, {0: run}).front() == {0}


def test_what_earlier_versions_stored_as_a_violation_by_rounding_is_none() -> None:
    assert feasible(at_the_limit(constraint_violation=drop(249, 244) - 0.02).metrics)
    assert not feasible(at_the_limit(constraint_violation=drop(249, 243) - 0.02).metrics)
