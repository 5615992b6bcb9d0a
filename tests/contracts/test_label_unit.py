"""Regressions whose labels are far from 0 and 1: nets learn them, and files answer in the labels'
own unit."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nets_support import CATALOG, INFO, fixed, tiny_samples, tiny_stage

from framework import use
from framework.contracts import DataInfo, Samples, Splits
from framework.contracts.label_unit import LabelUnit
from framework.nn.tflite import converter, interpreter
from framework.results.record import WEIGHTS_NPZ, Record
from framework.runner import trial
from framework.runner.baseline import Lab
from framework.study import Spec, Use

REGRESSION = DataInfo(task="regression", classes=0, inputs={"image": (1, 2, 1)})
WEIGHTS = np.array([5e4, 3e4])


def _table(count: int, seed: int) -> Samples:
    columns = np.random.default_rng(seed).normal(size=(count, 2))
    pictures = columns.reshape(count, 1, 2, 1).astype(np.float32)
    return Samples({"image": pictures}, (2e5 + columns @ WEIGHTS).astype(np.float32))


class Prices(Lab):
    """A linear table of two columns, with prices of 200 000 on average."""

    def info(self, spec: Spec) -> DataInfo:
        return REGRESSION

    def splits(self, spec: Spec) -> Splits:
        return Splits(_table(400, 0), _table(60, 1), _table(100, 2))


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Prices:
    return Prices(tmp_path_factory.mktemp("prices"), CATALOG)


def _run(prices: Lab, *steps: Use) -> Record:
    spec = fixed(use("lenet_300_100"), *steps, epochs=6, batch_size=16, learning_rate=0.003)
    return trial.run(replace(spec, dataset=use("mackey_glass")), prices)


STEPS = {
    "dense": [],
    "pruned": [use("magnitude_prune", sparsity=0.3, epochs=3)],
    "shared": [use("weight_cluster", clusters=16, epochs=1)],
    "few bits": [use("low_bit", bits=6, epochs=3)],
    "eight bits": [use("ptq", format="int8")],
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_prices_are_learned_and_answered_in_their_own_unit(
    prices: Prices, steps: list[Any]
) -> None:
    done = _run(prices, *steps)
    # a promise that does not outlive the change of unit would be a reason
    assert not done.reason, done.error
    assert done.metrics["val_r2"] > 0.9
    assert 10 < done.metrics["val_rmse"] < 0.32 * np.hypot(*WEIGHTS)
    answers = interpreter.outputs(done.artifacts["model.tflite"], _table(50, 3))
    assert 1.5e5 < answers.mean() < 2.5e5
    with np.load(io.BytesIO(done.artifacts[WEIGHTS_NPZ])) as weights:
        # the head's bias: the mean price
        assert max(float(weights[name].max()) for name in weights.files) > 1e5
    for unit, more in (("sparsity", 1), ("clusters", -1), ("bits", -1)):
        asked, reached = (done.metrics.get(f"{unit}_{name}", 0.0) for name in ("asked", "reached"))
        assert more * (reached - asked) >= -0.01


def test_what_half_precision_cannot_hold_is_refused(prices: Prices) -> None:
    done = _run(prices, use("ptq", format="float16"))
    assert "too large for half precision" in done.error


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_what_is_folded_is_the_labels_unit(mean: float, scale: float) -> None:
    unit = LabelUnit(mean, scale)
    samples = Samples({}, np.array([mean - scale, mean, mean + 2 * scale], np.float64))
    np.testing.assert_allclose(unit.standardised(samples).labels, [-1, 0, 2], atol=1e-4)
    values = unit.curve({"loss": 1.0, "rmse": 2.0, "val_rmse": 3.0})
    assert values == {"loss": 1.0, "rmse": 2 * scale, "val_rmse": 3 * scale}


def test_the_folded_net_answers_mean_and_scale_more_and_keeps_its_zeros() -> None:
    info = replace(INFO, task="regression", classes=0)
    stage, samples = tiny_stage(info), tiny_samples(12, info=info)
    kernel = stage.weights["head", 0].copy()
    kernel[::2] = 0
    stage = stage.with_weights({**stage.weights, ("head", 0): kernel})
    folded = LabelUnit(2e5, 6e4).folded(stage)
    np.testing.assert_allclose(
        converter.predict(folded, samples), 2e5 + 6e4 * converter.predict(stage, samples), rtol=1e-5
    )
    assert ((folded.weights["head", 0] == 0) == (kernel == 0)).all()


def test_the_unit_is_mean_and_deviation_of_the_training_labels() -> None:
    stage = tiny_stage(replace(INFO, task="regression", classes=0))
    labels = np.array([100.0, 300.0], np.float32)
    assert LabelUnit.of(labels, stage) == LabelUnit(200.0, 100.0)
    assert LabelUnit.of(np.full(9, 7.0, np.float32), stage) == LabelUnit(7.0, 1.0)
    assert LabelUnit.of(np.array([-1.0, 1.0], np.float32), stage).own
    assert LabelUnit.of(labels, tiny_stage(INFO)).own  # a softmax cannot take mean and scale up


def test_classes_and_labels_about_zero_stay_bit_for_bit() -> None:
    stage, samples = tiny_stage(), tiny_samples(12)
    assert LabelUnit().folded(stage) is stage
    assert LabelUnit().standardised(samples) is samples


def test_a_cached_net_of_another_unit_is_trained_again(prices: Prices, tmp_path: Path) -> None:
    spec = replace(
        fixed(use("lenet_300_100"), epochs=1, batch_size=16), dataset=use("mackey_glass")
    )

    class InTheirOwn(Prices):
        def unit(self, spec: Spec, stage: Any) -> LabelUnit:
            return LabelUnit()

    old = InTheirOwn(tmp_path, CATALOG).baseline(spec)
    new = Prices(tmp_path, CATALOG).baseline(spec)
    again = Prices(tmp_path, CATALOG).baseline(spec)
    assert (old.unit.own, new.unit.own) == (True, False)
    assert new.digest == old.digest
    assert new.unit == again.unit
    assert all(
        (again.stage.weights[key] == value).all() for key, value in new.stage.weights.items()
    )
    assert any((old.stage.weights[key] != value).any() for key, value in new.stage.weights.items())
