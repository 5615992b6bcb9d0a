"""The hypervolume of a study's trials, on fronts whose volume is known by hand."""

from __future__ import annotations

import pytest

from framework.results.volume import axes_of, meaning, volume_of

DENSE = {"val_accuracy": 0.9, "chance_accuracy": 0.1, "params_nonzero": 800.0, "val_rmse": 0.2}
BOTH = {"val_accuracy": "max", "params_nonzero": "min"}


def volume(objectives: dict[str, str], *points: dict[str, float], task: str = "classes") -> float:
    axes = axes_of(objectives, DENSE, task)  # type: ignore[arg-type]
    assert axes
    return volume_of(points, axes)


def trial(accuracy: float, params: float) -> dict[str, float]:
    return {"val_accuracy": accuracy, "params_nonzero": params}


def test_it_is_halvings_times_quality_above_chance() -> None:
    assert volume(BOTH, trial(0.9, 200.0)) == pytest.approx(2 * 0.8)
    assert volume(BOTH, trial(0.9, 400.0), trial(0.5, 100.0)) == pytest.approx(0.8 + 2 * 0.4)


def test_a_drop_counts_as_the_quality_that_it_leaves() -> None:
    drops = {"accuracy_drop": "min", "params_nonzero": "min"}
    assert volume(drops, {"accuracy_drop": 0.0, "params_nonzero": 200.0}) == pytest.approx(1.6)


def test_what_is_worse_than_the_reference_wins_nothing() -> None:
    assert volume(BOTH, trial(0.1, 100.0), trial(0.9, 1600.0)) == 0.0
    # a net of nothing but zeros has no halvings, one that lacks a metric no place
    assert volume(BOTH, trial(0.2, 0.0), {"val_accuracy": 0.9}) == 0.0
    assert volume(BOTH) == 0.0


def test_there_is_none_where_an_objective_has_no_reference() -> None:
    assert axes_of({"val_rmse": "min"}, DENSE, "regression") == ()
    assert axes_of(BOTH, {}, "classes") == ()  # type: ignore[arg-type]


def test_it_is_explained_in_the_objectives_own_words() -> None:
    axes = axes_of(BOTH, DENSE, "classes")  # type: ignore[arg-type]
    assert meaning(axes).endswith(
        "val_accuracy above chance x halvings of params_nonzero below the dense net."
    )
