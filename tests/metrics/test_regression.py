"""R2 and RMSE: known answers, scikit-learn's own, and what is defined where a formula is not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets_support import CATALOG, exported
from sklearn.metrics import r2_score, root_mean_squared_error

LABELS = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
NUMBERS = st.floats(-1e6, 1e6, width=32)


def value(name, answers, labels):
    made = exported(
        outputs=np.asarray(answers, np.float32)[:, None], labels=labels, task="regression"
    )
    return CATALOG.metrics.build(name, {}).measure(made)


@pytest.mark.parametrize(
    ("answers", "r2", "rmse"),
    [
        (LABELS, 1.0, 0.0),
        ([2.5] * 4, 0.0, math.sqrt(1.25)),  # the labels' mean
        (LABELS[::-1], 1 - 20 / 5, math.sqrt(5)),
        ([1.0, 2.0, 3.0, 5.0], 1 - 1 / 5, 0.5),
    ],
)
def test_known_answers(answers, r2, rmse):
    assert value("r2", answers, LABELS) == pytest.approx(r2)
    assert value("rmse", answers, LABELS) == pytest.approx(rmse)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=30))
def test_they_are_those_of_scikit_learn(pairs):
    labels, answers = np.array(pairs, np.float32).T
    expected = r2_score(labels.astype(float), answers.astype(float))
    # denormal numbers have no square
    if labels.min() < labels.max() and np.var(labels.astype(float)) > 0:
        assert value("r2", answers, labels) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    error = root_mean_squared_error(labels.astype(float), answers.astype(float))
    assert value("rmse", answers, labels) == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_labels_that_are_all_equal_are_answered_rightly_or_not(constant):
    labels = np.full(7, constant, np.float32)  # the mean of seven times 0.1 is not 0.1
    assert value("r2", labels, labels) == 1.0
    assert value("r2", [*labels[:6], constant + 1], labels) == 0.0
    assert value("r2", labels[:1], labels[:1]) == 1.0


def test_the_largest_numbers_of_a_file_give_a_finite_value():
    largest, least = np.finfo(np.float32).max, np.finfo(np.float32).smallest_subnormal
    for labels in (np.array([0, least], np.float32), np.array([-largest, largest], np.float32)):
        for answers in ([largest, -largest], [least, 0.0]):
            assert math.isfinite(value("r2", answers, labels))
            assert math.isfinite(value("rmse", answers, labels))


def test_better_is_more_r2_and_less_rmse_of_one_task():
    r2, rmse = (CATALOG.metrics.get(name) for name in ("r2", "rmse"))
    assert (r2.better, rmse.better) == ("max", "min")
    assert r2.tasks == {"regression", "reconstruction"}
    assert rmse.tasks == {"regression"}
    assert r2.of_split
    assert rmse.of_split
