"""The Mackey-Glass series: it obeys its equation, windows come before their labels, splits do not
touch."""

import numpy as np
import pytest

from framework.datasets import mackey_glass
from framework.datasets.mackey_glass import MackeyGlass, series, slope


@pytest.fixture(scope="module")
def made():
    return MackeyGlass().make()


def test_known_slopes():
    assert slope(1.0, 1.0) == pytest.approx(0.0)  # the fixed point
    assert slope(0.0, 1.0) == pytest.approx(0.1)
    assert slope(1.2, 1.2) == pytest.approx(0.2 * 1.2 / (1 + 1.2**10) - 0.12)


def test_a_quiet_start_decays_as_the_equation_says(monkeypatch):
    monkeypatch.setattr(mackey_glass, "WARM_UP", 0)
    early = series(10)  # x(t - 17) is still 1.2: a linear equation with a known solution
    level = 0.2 * 1.2 / (1 + 1.2**10) / 0.1
    assert early == pytest.approx(
        [level + (1.2 - level) * np.exp(-0.1 * t) for t in range(10)], abs=1e-8
    )


def test_the_series_stays_on_its_attractor():
    values = np.array(series(4000))
    assert len(values) == 4000
    assert 0.2 < values.min() < 0.5
    assert 1.2 < values.max() < 1.4


def test_a_label_is_what_later_windows_begin_with(made, monkeypatch):
    monkeypatch.setattr(
        mackey_glass, "SIZES", {"train": 200, "calibration": 10, "validation": 10, "test": 10}
    )
    few = MackeyGlass().make()["train"]
    ahead = (mackey_glass.STEPS - 1) * mackey_glass.SPACING + mackey_glass.HORIZON
    later = ahead // mackey_glass.STRIDE
    assert (few["labels"][:-later] == few["sequence"][later:, 0, 0]).all()


def test_no_value_is_in_two_splits(made):
    seen = [set(np.unique(arrays["sequence"])) | set(arrays["labels"]) for arrays in made.values()]
    shared = sum(map(len, seen)) - len(set().union(*seen))
    # float32 numbers that happen to be equal; one window has 16
    assert shared < 0.02 * len(set().union(*seen))


def test_numbers_are_standardised_by_the_training_block(made):
    assert made["train"]["sequence"].mean() == pytest.approx(0, abs=0.01)
    assert made["train"]["labels"].std() == pytest.approx(1, abs=0.01)
    assert made["test"]["labels"].std() == pytest.approx(1, abs=0.1)


def test_neither_the_last_value_nor_a_line_will_do(made):
    train, validation = made["train"], made["validation"]
    windows = np.c_[train["sequence"][..., 0], np.ones(len(train["labels"]))].astype(float)
    weights = np.linalg.lstsq(windows, train["labels"].astype(float), rcond=None)[0]
    asked = np.c_[validation["sequence"][..., 0], np.ones(len(validation["labels"]))]
    truth = validation["labels"]

    def r2(answers):
        return 1 - np.square(answers - truth).sum() / np.square(truth - truth.mean()).sum()

    assert r2(validation["sequence"][:, -1, 0]) == pytest.approx(0.43, abs=0.01)  # as the card says
    assert r2(asked @ weights) == pytest.approx(0.62, abs=0.01)
