"""A dense net that is no better than guessing is said, in the terminal, in the table and in the
checklist."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies_support import Watcher, new_project

from framework.report import collect
from framework.report.facts.checklist import unmet
from framework.report.pareto import pareto_frame
from framework.results import chance
from framework.results.record import CHANCE_ACCURACY, CHANCE_LIMIT

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(np.array)


@given(LABELS, st.integers(0, 4))
def test_an_answer_that_looks_at_no_input_is_at_chance(labels, answer):
    own = chance.limits(labels, "classes")
    assert chance.at_chance({**own, "val_accuracy": float((labels == answer).mean())}, "classes")
    assert own[CHANCE_ACCURACY] <= own[CHANCE_LIMIT]


@given(LABELS)
def test_a_net_without_a_mistake_is_better_wherever_there_is_anything_to_tell_apart(labels):
    own = chance.limits(labels, "classes") | {"val_accuracy": 1.0}
    assert chance.at_chance(own, "classes") == (len(set(labels)) == 1)


@given(LABELS, st.permutations(range(5)), st.randoms())
def test_neither_the_order_of_samples_nor_the_names_of_classes_matter(labels, names, rng):
    shuffled = [names[label] for label in labels]
    rng.shuffle(shuffled)
    assert chance.limits(np.array(shuffled), "classes") == chance.limits(labels, "classes")


def test_known_answers():
    assert chance.limits(np.repeat(np.arange(10), 100), "classes") == pytest.approx(
        {CHANCE_ACCURACY: 0.1, CHANCE_LIMIT: 0.1 + 2 * math.sqrt(0.1 * 0.9 / 1000)}
    )
    assert chance.limits(np.array([1.0, 0, 0, 0], np.float32), "binary") == {
        CHANCE_ACCURACY: 0.75,
        CHANCE_LIMIT: 0.875,
    }
    assert chance.limits(np.array([0.3, 9.1]), "regression") == {CHANCE_LIMIT: 0.0}
    assert chance.limits(np.zeros(3), "reconstruction") == {CHANCE_LIMIT: 0.0}


@pytest.mark.parametrize(
    ("r2", "said"), [(-5.9, True), (0.0, True), (1e-9, False), (0.9, False), (math.nan, True)]
)
def test_a_regression_is_held_against_the_mean_of_its_labels(r2, said):
    metrics = {"val_r2": r2, CHANCE_LIMIT: 0.0}
    assert chance.at_chance(metrics, "regression") == said
    assert ("mean of the labels" in chance.warning(metrics, "regression")) == said
    assert ("mean of the inputs" in chance.warning(metrics, "reconstruction")) == said


def test_of_a_run_that_does_not_tell_nothing_is_said():
    assert not chance.at_chance({"val_accuracy": 0.0}, "classes")
    assert chance.warning({"val_accuracy": 0.0}, "classes") == ""
    assert not chance.at_chance({CHANCE_LIMIT: 1.0}, "classes")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return new_project(
        tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("chance") / "project"
    )


LAZY = {"trials": 1, "compress": '[use("ptq", format="float16")]'}
BARELY = "Train(epochs=1, warmup_epochs=0, batch_size=128, learning_rate=1e-8)"


def test_a_net_that_learned_nothing_is_said_everywhere(project, capsys):
    project.write_study("lazy", **LAZY, train=BARELY)
    project.command("study", "lazy")
    shown = capsys.readouterr()
    assert "WARNING: the baseline is no better than chance: accuracy 0." in shown.err
    assert "| baseline (no better than chance) |" in shown.out
    page = (project.root / "reports" / "out" / "lazy" / "pareto.md").read_text()
    loud, checklist = page.split("## What an honest result contains")
    assert "**The baseline is no better than chance: accuracy 0." in loud
    assert "better than guessing: the baseline is no better than chance: accuracy 0." in checklist
    assert (
        CHANCE_LIMIT not in (project.root / "reports" / "out" / "lazy" / "pareto.csv").read_text()
    )
    (baseline,), (trial,) = project.runs("baseline", "lazy"), project.runs("trial", "lazy")
    assert baseline.metrics[CHANCE_ACCURACY] < baseline.metrics[CHANCE_LIMIT] < 0.2
    assert not {CHANCE_ACCURACY, CHANCE_LIMIT} & set(trial.metrics)
    observer = Watcher()
    project.study("lazy", observer=observer)
    assert [text for text in observer.said if text.startswith("WARNING")], (
        "a study that goes on says it again"
    )


def test_a_net_that_has_learned_is_not_spoken_of(project):
    observer = Watcher()
    project.study("tiny", "trials=1", observer=observer)
    assert not [text for text in observer.said if "no better than chance" in text]
    runs = collect(project.store(), "tiny")
    assert next(iter(pareto_frame(runs)["label"])) == "baseline"
    assert not [line for line in unmet(runs, pareto_frame(runs)) if "chance" in line]
    assert CHANCE_LIMIT in runs.baselines[0].metrics
    poor = replace(runs.baselines[0], metrics=runs.baselines[0].metrics | {"val_accuracy": 0.1})
    assert [
        line
        for line in unmet(replace(runs, baselines=[poor]), pareto_frame(runs))
        if "chance" in line
    ]
