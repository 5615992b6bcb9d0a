"""How well an input is rebuilt, and how well the error tells anomalies: known answers, and those of
scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets_support import exported
from sklearn.metrics import r2_score, roc_auc_score

from framework.contracts import Catalog

CATALOG = Catalog()
INPUTS = np.array([[0, 10], [2, 10], [4, 10], [6, 10]], np.float32)


def value(name, outputs, inputs=INPUTS, labels=None):
    made = exported(
        outputs=np.asarray(outputs, np.float32),
        labels=np.zeros(len(inputs)) if labels is None else labels,
        task="reconstruction",
        inputs=np.asarray(inputs, np.float32),
    )
    return CATALOG.metrics.build(name, {}).measure(made)


@pytest.mark.parametrize(
    ("outputs", "mse", "r2"),
    [
        (INPUTS, 0.0, 1.0),
        (np.tile(INPUTS.mean(axis=0), (4, 1)), 2.5, 0.0),
        (INPUTS + np.array([1, 0]), 0.5, 1 - 4 / 20),
        # a constant number of the input counts as well
        (INPUTS + np.array([0, 3]), 4.5, 1 - 36 / 20),
    ],
)
def test_known_answers(outputs, mse, r2):
    assert value("mse", outputs) == pytest.approx(mse)
    assert value("r2", outputs) == pytest.approx(r2)


def test_r2_is_that_of_scikit_learn_weighted_by_variance():
    random = np.random.default_rng(0)
    inputs = (random.normal(size=(50, 7)) * random.uniform(0.1, 9, 7)).astype(np.float32)
    outputs = inputs + random.normal(size=inputs.shape).astype(np.float32)
    wanted = r2_score(inputs, outputs, multioutput="variance_weighted")
    assert value("r2", outputs, inputs) == pytest.approx(wanted, rel=1e-6)


def test_anomalies_are_not_to_be_rebuilt_well():
    outputs = INPUTS + np.array([[0, 0], [0, 0], [1, 0], [50, 0]])
    labels = [0, 0, 0, 1]
    assert value("mse", outputs, labels=labels) == pytest.approx(1 / 6)
    assert value("r2", outputs, labels=labels) == pytest.approx(1 - 1 / 8)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_auc_is_that_of_scikit_learn_ties_included(pairs):
    errors, labels = np.array(pairs).T
    if 0 < labels.sum() < len(labels):
        zeros = np.zeros((len(errors), 1))
        found = value("auc", errors[:, None], zeros, labels)
        assert found == pytest.approx(roc_auc_score(labels, errors.astype(float) ** 2))


def test_the_worse_an_anomaly_is_rebuilt_the_higher_the_auc():
    outputs = INPUTS + np.array([[1, 1], [2, 0], [0, 3], [4, 4]])
    assert value("auc", outputs, labels=[0, 0, 1, 1]) == 1.0
    assert value("auc", outputs, labels=[1, 1, 0, 0]) == 0.0
    assert CATALOG.metrics.get("auc").better == "max"
    assert CATALOG.metrics.get("mse").better == "min"


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [1, 1, 1, 1]])
def test_without_both_kinds_there_is_no_auc(labels):
    made = exported(outputs=INPUTS, labels=labels, task="reconstruction", inputs=INPUTS)
    assert not made.has_anomalies


def test_the_largest_numbers_of_a_file_give_a_finite_value():
    largest = np.finfo(np.float32).max
    inputs = np.array([[-largest], [largest]], np.float32)
    for name in ("mse", "r2"):
        assert math.isfinite(value(name, -inputs, inputs))
    assert value("auc", -inputs, inputs, [0, 1]) == 0.5
