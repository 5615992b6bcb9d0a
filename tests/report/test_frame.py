"""Which runs of the store belong to a study, and what the table of trials holds."""

import math
from dataclasses import replace

import pytest
from synthetic_runs import (
    TAGS,
    FakeStore,
    baseline,
    control,
    parent,
    study_json,
    study_of_thirty,
    trial,
)

from framework import Choice, Float, Study, use
from framework.errors import UserError
from framework.report.collected import collect
from framework.report.resolved import part_text, searched
from framework.report.trials import timing_frame, trials_frame
from framework.study.grid import enumerate_specs

NAME = "squeezenet_prune"


def test_the_last_attempt_of_each_number_counts_and_what_was_killed_never_happened():
    held = [
        parent(),
        trial(1, 0.5, attempt="0", status="KILLED"),
        trial(1, 0.7, attempt="1"),
        trial(2, status="RUNNING"),
    ]
    held += [
        trial(3, status="FAILED", reason="timeout", attempt="0"),
        trial(0, 0.6),
        trial(4, 0.1, attempt="0"),
    ]
    held += [trial(4, 0.8, attempt="10"), trial(4, 0.2, attempt="9")]
    found = collect(FakeStore(held), NAME).trials
    assert [(run.number, run.status, run.tags["attempt"]) for run in found] == [
        (0, "FINISHED", "0"),
        (1, "FINISHED", "1"),
        (3, "FAILED", "0"),
        (4, "FINISHED", "10"),
    ]


def test_a_finished_run_without_its_manifest_never_happened():
    held = [parent(), baseline(), trial(0, 0.5), trial(1, 0.6), trial(1, 0.7, attempt="1")]
    store = FakeStore(held, without_manifest=("run0a0", "run1a1", "dense"))
    found = collect(store, NAME)
    assert [(run.number, run.metrics["val_accuracy"]) for run in found.trials] == [(1, 0.6)]
    assert found.baselines == []


def test_the_highest_generation_of_the_study_started_last_is_taken_unless_told_otherwise():
    old, other = {"generation": "2"}, {"study_digest": "aa" * 32}
    held = [parent(), parent(**old), trial(0, 0.1), trial(0, 0.2, **old), trial(0, 0.3, **other)]
    held += [replace(parent(**other), start_ms=500)]
    accuracy = {
        key: collect(FakeStore(held), NAME, **dict(key)).trials[0].metrics["val_accuracy"]
        for key in [(), (("generation", 1),), (("digest", "aa" * 32),), (("digest", "aaaa"),)]
    }
    assert list(accuracy.values()) == [0.2, 0.1, 0.3, 0.3]


def test_generation_ten_is_above_generation_nine():
    held = [
        parent(generation="10"),
        parent(generation="9"),
        trial(0, 0.4, generation="10"),
        trial(0, generation="9"),
    ]
    assert collect(FakeStore(held), NAME).trials[0].metrics["val_accuracy"] == 0.4


@pytest.mark.parametrize("asked", [{}, {"generation": 3}, {"digest": "bb"}])
def test_a_study_that_is_not_there_says_how_to_run_it(asked):
    held = [parent()] if asked else []
    with pytest.raises(UserError, match="make study NAME=squeezenet_prune") as caught:
        collect(FakeStore(held), NAME, **asked)
    assert caught.value.exit_code == 2
    assert ("digest 5f5f5f5f generation 1" in str(caught.value)) == bool(asked)


def test_a_beginning_that_fits_two_digests_is_refused():
    held = [parent(), parent(study_digest="5f5fa" + "0" * 59)]
    with pytest.raises(UserError, match="more digits"):
        collect(FakeStore(held), NAME, digest="5f5f")


def test_the_baseline_is_the_one_that_the_trials_name_whatever_study_trained_it():
    other = replace(baseline(study_digest="cc" * 32), run_id="elsewhere")
    killed = replace(baseline(), run_id="killed", status="KILLED")
    held = [
        parent(),
        baseline(),
        other,
        killed,
        control(baseline="elsewhere"),
        trial(0, baseline="elsewhere"),
    ]
    assert [run.run_id for run in collect(FakeStore(held), NAME).baselines] == ["elsewhere"]


def test_a_baseline_and_control_measured_twice_are_shown_once():
    again = [
        replace(run, run_id=f"{run.run_id}2", start_ms=9_000) for run in (baseline(), control())
    ]
    held = [parent(), baseline(), control(), *again, trial(0), trial(1, baseline="dense2")]
    found = collect(FakeStore(held), NAME)
    assert [run.run_id for run in (*found.baselines, *found.controls)] == ["dense2", "same2"]


def test_the_table_of_trials_has_what_varies_first_and_nothing_of_the_machine():
    runs = collect(FakeStore(study_of_thirty()), NAME)
    slow = [
        replace(run, metrics={**run.metrics, "latency_us_p50": 3.0, "epoch.loss": 0.1})
        for run in runs.trials
    ]
    frame = trials_frame(replace(runs, trials=slow))
    assert list(frame.columns[:6]) == [
        "number",
        "status",
        "reason",
        "compress.0.epochs",
        "compress.0.sparsity",
        "accuracy_drop",
    ]
    assert not [
        name
        for name in frame.columns
        if "seconds" in name or "latency" in name or "epoch." in name[:6]
    ]
    assert not {"host", "git", "run_id"} & set(frame.columns)
    assert list(frame["number"]) == list(range(30))
    assert frame.loc[7, "reason"] == "diverged"
    assert frame.loc[7, "params_nonzero"] is None
    assert frame.loc[0, "params_nonzero"] == 95_367
    assert type(frame.loc[0, "params_nonzero"]) is int
    assert "latency_us_p50" in timing_frame(replace(runs, trials=slow)).columns


def test_a_searched_parameter_is_shown_even_when_one_trial_cannot_vary():
    frame = trials_frame(collect(FakeStore([parent(), trial(0)]), NAME))
    assert {"compress.0.epochs", "compress.0.sparsity"} <= set(frame.columns)
    assert "architecture.width" not in frame.columns


def test_a_study_without_trials_gives_an_empty_table():
    frame = trials_frame(collect(FakeStore([parent()]), NAME))
    assert list(frame.columns) == ["number", "status", "reason"]
    assert len(frame) == 0


def test_quality_as_an_objective_is_the_task_s_own_metric():
    study = Study(dataset=use("waves"), architecture=use("mlp"), objectives={"quality": "max"})
    store = FakeStore(
        [parent(), trial(0, extra={"val_r2": 0.5, "val_accuracy": math.nan})], study_json(study)
    )
    store.held[1] = replace(store.held[1], metrics={"val_r2": 0.5})
    assert collect(store, NAME).objectives == {"val_r2": "max"}


def test_every_kind_of_domain_is_found_and_put_into_words():
    study = Study(
        dataset=use("digits"),
        architecture=Choice(use("lenet5"), use("squeezenet", width=Float(0.25, 1.0, step=0.25))),
        compress=(Choice(use("magnitude_prune", sparsity=Float(0.1, 0.9, log=True)), None),),
    )
    resolved = study.json()
    assert searched(resolved) == {
        "architecture",
        "architecture.width",
        "compress.0",
        "compress.0.sparsity",
    }
    assert "width = 0.25 to 1 in steps of 0.25" in part_text(resolved["architecture"])
    assert part_text(resolved["compress"][0]).endswith(
        "(sparsity = 0.1 to 0.9, log scale), or none"
    )


def test_tags_of_another_study_do_not_leak_in():
    stranger = trial(5, study="other")
    found = collect(FakeStore([parent(), stranger, trial(0)]), NAME)
    assert [run.number for run in found.trials] == [0]
    assert TAGS["study"] == found.name


def test_a_step_behind_one_that_is_left_out_keeps_its_columns():
    chain = (
        Choice(None, use("magnitude_prune", sparsity=0.9)),
        Choice(
            None,
            use("ptq", label="half", format="float16"),
            use("ptq", label="bytes", format="int8"),
        ),
    )
    study = Study(dataset=use("digits"), architecture=use("lenet5"), compress=chain)
    trials = [
        replace(trial(n, strategy=spec.strategy), params=spec.parameters())
        for n, (_, spec) in enumerate(enumerate_specs(study))
    ]
    runs = collect(FakeStore([parent(), *trials], study_json(study)), NAME)
    frame = trials_frame(runs)
    assert list(frame["compress.0"]) == [None] * 3 + ["magnitude_prune"] * 3
    assert list(frame["compress.1"]) == [None, "ptq", "ptq"] * 2
    assert list(frame["compress.1.format"]) == [None, "float16", "int8"] * 2
    pruned = [f"magnitude_prune{end}" for end in ("", "+half", "+bytes")]
    # the tag has the names of plug-ins alone: two formats would be told by one word
    assert list(map(runs.chain, runs.trials)) == ["none", "half", "bytes", *pruned]
