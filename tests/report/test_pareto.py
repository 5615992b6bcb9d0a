"""The front of a study and the table around it."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_runs import (
    PARAMS,
    STUDY,
    FakeStore,
    baseline,
    control,
    parent,
    study_json,
    study_of_thirty,
    trial,
)

from framework.report.collected import collect
from framework.report.facts.checklist import toys, unmet
from framework.report.frame import StudyRuns
from framework.report.pareto import axes_of, front, pareto_frame

NAME = "squeezenet_prune"


def runs_of(*trials, **changes):
    held = [parent(), baseline(), control(), *trials]
    return collect(FakeStore(held, study_json(replace(STUDY, **changes))), NAME)


def test_the_front_of_six_known_trials():
    best = [trial(0, 0.98, 90_000), trial(1, 0.95, 40_000), trial(2, 0.70, 8_000)]
    beaten = [trial(3, 0.94, 41_000), trial(4, 0.98, 90_001), trial(5, 0.97, 90_000)]
    found = front(runs_of(*beaten, *best))
    assert [run.number for run in found] == [0, 1, 2]


def test_exact_ties_are_all_on_the_front_in_the_order_of_their_numbers():
    found = front(runs_of(trial(4, 0.9, 100), trial(2, 0.9, 100), trial(3, 0.9, 101)))
    assert [run.number for run in found] == [2, 4]


def test_failed_and_infeasible_trials_and_values_that_are_not_finite_are_on_no_front():
    best = trial(0, 0.99, 10, extra={"constraint_violation": 0.001})
    failed = trial(
        1, status="FAILED", reason="timeout", extra={"val_accuracy": 1.0, "params_nonzero": 1.0}
    )
    broken = [
        trial(2, float("nan"), 5),
        trial(3, 0.99, 5, extra={"val_accuracy": 1.7976931348623157e308}),
    ]
    just = trial(4, 0.5, 50_000, extra={"constraint_violation": -0.2})
    assert [run.number for run in front(runs_of(best, failed, *broken, just))] == [4]


def test_three_objectives_keep_what_is_best_in_any_of_them():
    ways = {"val_accuracy": "max", "params_nonzero": "min", "macs_dense": "min"}
    fast = trial(1, 0.8, 60_000, extra={"macs_dense": 1.0})
    assert [run.number for run in front(runs_of(trial(0, 0.9, 50_000), fast, objectives=ways))] == [
        1,
        0,
    ]


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        (
            {"val_accuracy": "max", "size_tflite_bytes": "min"},
            ("size_tflite_bytes", "val_accuracy", "min", "max"),
        ),
        (
            {"accuracy_drop": "min", "params_nonzero": "min"},
            ("params_nonzero", "accuracy_drop", "min", "min"),
        ),
        ({"val_accuracy": "max"}, ("params_nonzero", "val_accuracy", "min", "max")),
        (
            {"macs_dense": "min", "params_nonzero": "min"},
            ("macs_dense", "params_nonzero", "min", "min"),
        ),
        (
            {"val_rmse": "min", "latency_us_p50": "min"},
            ("latency_us_p50", "val_rmse", "min", "min"),
        ),
        ({"accuracy_drop": "min"}, ("params_nonzero", "accuracy_drop", "min", "min")),
        ({"latency_us_p50": "min"}, ("latency_us_p50", "val_accuracy", "min", "max")),
        (
            {"quality_drop": "min", "macs_dense": "min"},
            ("macs_dense", "accuracy_drop", "min", "min"),
        ),
    ],
)
def test_the_axes_are_the_study_s_own_objectives(ways, expected):
    axes = axes_of(runs_of(trial(0), objectives=ways))
    assert (axes.size, axes.quality, axes.size_direction, axes.quality_direction) == expected


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=25))
def test_the_front_equals_brute_force(points):
    found = front(
        runs_of(*(trial(number, a / 10, 1000 + n) for number, (a, n) in enumerate(points)))
    )
    beaten = {
        number
        for number, (a, n) in enumerate(points)
        if any(b >= a and m <= n and (b, m) != (a, n) for b, m in points)
    }
    assert {run.number for run in found} == set(range(len(points))) - beaten
    sizes = [run.metrics["params_nonzero"] for run in found]
    assert sizes == sorted(sizes, reverse=True)


def test_ratios_are_the_baseline_s_line_over_the_row_s_own():
    frame = pareto_frame(runs_of(trial(0, 0.9, 19_063)))
    assert list(frame["row"]) == ["baseline", "control", "front"]
    assert frame.loc[0, "params_nonzero_ratio"] == 1.0
    assert frame.loc[2, "params_nonzero_ratio"] == (PARAMS - 100) / 19_063
    assert frame.loc[2, "size_tflite_bytes_ratio"] == 1.0
    assert frame.loc[0, "accuracy_drop"] == 0.0
    assert frame.loc[2, "trial"] == 0
    assert frame.loc[0, "trial"] is None


def test_each_row_is_measured_against_the_baseline_of_its_own_architecture():
    small = trial(1, 0.9, 1_000, architecture="lenet5", extra={"baseline.params_nonzero": 4_000.0})
    frame = pareto_frame(runs_of(trial(0, 0.95, 19_000), small)).set_index("label")
    assert frame.loc["trial 1", "params_nonzero_ratio"] == 4.0
    assert frame.loc["trial 1", "architecture"] == "lenet5"


def test_of_many_baselines_only_those_of_the_rows_shown_are_shown_and_say_whose_they_are():
    def trained(run, epochs):
        return replace(
            run, run_id=f"{run.run_id}e{epochs}", params={**run.params, "train.epochs": str(epochs)}
        )

    dense = [trained(baseline(), epochs) for epochs in (10, 20, 40)]
    trials = [
        trained(trial(0, 0.9, 100), 10),
        trained(trial(1, 0.8, 200), 20),
        trained(trial(2, 0.95, 300), 40),
    ]
    runs = StudyRuns(NAME, study_json(), parent(), baselines=dense, trials=trials)
    frame = pareto_frame(runs)
    assert list(frame["label"]) == [
        "baseline of trial 0",
        "baseline of trial 2",
        "trial 2",
        "trial 0",
    ]
    assert list(frame["train.epochs"]) == [10, 40, 40, 10]


def test_a_baseline_that_is_in_another_experiment_is_shown_from_what_the_trials_say_of_it():
    runs = collect(FakeStore([parent(), trial(0, 0.9, 19_063)], study_json()), NAME)
    frame = pareto_frame(runs)
    assert list(frame["row"]) == ["baseline", "front"]
    assert frame.loc[0, "params_nonzero"] == PARAMS - 100


def test_columns_that_do_not_apply_are_not_there():
    bare = replace(trial(0), metrics={"val_accuracy": 0.5, "params_nonzero": 10.0})
    frame = pareto_frame(StudyRuns(NAME, study_json(), parent(), trials=[bare]))
    own = {
        "row",
        "label",
        "trial",
        "val_accuracy",
        "params_nonzero",
        "compress.0.epochs",
        "compress.0.sparsity",
    }
    assert set(frame.columns) == own


def test_the_checklist_follows_the_runs():
    thirty = collect(FakeStore(study_of_thirty()), NAME)
    said = " ".join(unmet(thirty, pareto_frame(thirty)))
    assert "n = 1 seed" in said
    assert "random pruning" in said
    assert "magnitude" not in said
    assert "no control" not in said
    assert not re.search(r"\b[SA]\d", said), "no code that nothing explains"
    assert "none near 2x" in said
    alone = StudyRuns(NAME, study_json(), parent(), trials=[trial(0, 0.9, 90_000)])
    said = " ".join(unmet(alone, pareto_frame(alone)))
    assert "no control" in said
    assert "no trial goes on to where accuracy collapses" in said


def test_five_points_over_all_ratios_meet_the_requirement():
    wide = runs_of(*(trial(k, 0.9 - k / 100, (PARAMS - 100) // 2 ** (k + 1)) for k in range(5)))
    assert not [line for line in unmet(wide, pareto_frame(wide)) if "different ratios" in line]


def test_toys_are_flagged_by_data_set_net_and_the_study_s_own_word():
    assert toys(runs_of(trial(0))) == ["digits"]
    serious = study_json()
    serious["study"] = {
        **serious["study"],
        "dataset": {**serious["study"]["dataset"], "use": "imagenette"},
    }
    runs = StudyRuns(NAME, serious, parent())
    assert toys(runs) == []
    assert toys(replace(runs, study={**serious, "toy": True})) == ["imagenette"]


def test_a_spec_that_was_tried_twice_is_one_row_the_first():
    runs = runs_of(
        *(trial(n, 0.9, 100, spec_digest=digest) for n, digest in [(3, "a"), (1, "a"), (2, "b")])
    )
    assert [run.number for run in front(runs)] == [1, 2]
    assert list(pareto_frame(runs)["trial"])[2:] == [1, 2]
