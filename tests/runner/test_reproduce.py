"""A run made again: the same bits, close in another environment, different, or refused with the way
out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from studies_support import Project

from framework import nn
from framework.contracts import Catalog
from framework.errors import UserError
from framework.results import record
from framework.results.record import Record, Run
from framework.runner import reproduce
from framework.runner.baseline import pack_weights, unpack_weights
from framework.runner.reproduce import CLOSE, DIFFERENT, SAME, Verdict, compare

METRICS = {"val_accuracy": 0.9, "params_nonzero": 1000.0, "latency_us_p50": 5.0}
RUN = Run("a" * 32, "trial 0", "FINISHED", {"role": "trial", "study": "tiny"}, {}, METRICS)


def again(project: Project, text: str) -> Verdict:
    return reproduce.reproduce(project.root, text, settings=[], catalog=Catalog())


def test_trial_baseline_and_control_are_the_same_bits(project: Project) -> None:
    before = {run.run_id for role in record.ROLES for run in project.runs(role)}
    assert project.exit_code("reproduce", "tiny:0") in (None, SAME)
    for role in ("baseline", "control"):
        verdict = again(project, project.runs(role)[0].run_id)
        assert verdict.code == SAME, verdict.lines
    assert {run.run_id for role in record.ROLES for run in project.runs(role)} == before


def test_the_dense_net_is_trained_again_and_the_cache_is_not_touched(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(*_: object) -> None:
        raise AssertionError("The cache was touched.")

    monkeypatch.setattr("framework.runner.baseline._read", touched)
    monkeypatch.setattr("framework.runner.baseline._write", touched)
    run = project.runs("baseline")[0]
    assert again(project, run.run_id).code == SAME
    weights = unpack_weights(project.store().artifact(run.run_id, record.WEIGHTS_NPZ))
    moved = {key: value + np.float32(1e-6) for key, value in weights.items()}
    project.store().put(run.run_id, {record.WEIGHTS_NPZ: pack_weights(moved)})
    assert again(project, run.run_id).code == DIFFERENT


def quick(name: str) -> str:
    """The strategy with as little training as it has any."""
    knobs = Catalog().strategies.get(name).knobs()
    given = {knob: 1 for knob, item in knobs.items() if item.unit == "epochs"}
    return f"use({name!r}{''.join(f', {knob}={value}' for knob, value in given.items())})"


@pytest.mark.slow
@pytest.mark.parametrize("name", Catalog().strategies.names())
def test_a_run_of_each_strategy_is_the_same_bits(project: Project, name: str) -> None:
    project.write_study("one", compress=f"[{quick(name)}]", trials=1)
    project.study("one")
    verdict = again(project, "one:0")
    assert verdict.code == SAME, verdict.lines


@pytest.mark.slow
def test_a_regression_is_the_same_bits_in_the_unit_of_its_labels(project: Project) -> None:
    random = np.random.default_rng(0)
    rows = [
        f"{a},{b},{200_000 + 30_000 * a - 9_000 * b}"
        for a, b in random.normal(size=(300, 2)).round(4)
    ]
    (project.root / "price.csv").write_text("\n".join(["a,b,price", *rows]) + "\n")
    net = 'use("lstm", units=8)'
    project.write_study(
        "priced", architecture=net, compress='[use("ptq", format="int8")]', trials=1
    )
    file = project.root / "studies" / "priced.py"
    text = file.read_text().replace(
        'use("digits")', 'use("csv", path="price.csv", target="price", task="regression")'
    )
    file.write_text(text)
    project.study("priced")
    for verdict in (
        again(project, "priced:0"),
        again(project, project.runs("baseline", "priced")[0].run_id),
    ):
        assert verdict.code == SAME, verdict.lines


def test_another_weight_in_the_store_is_different(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = project.runs("trial")[0]
    store = project.store()
    weights = unpack_weights(store.artifact(run.run_id, record.WEIGHTS_NPZ))
    first = next(iter(weights))
    weights[first] = weights[first].copy()
    weights[first].flat[0] += 1e-6
    store.put(run.run_id, {record.WEIGHTS_NPZ: pack_weights(weights)})
    assert project.exit_code("reproduce", run.run_id) == DIFFERENT
    # what an earlier version did not note of the environment may have been another
    told = reproduce.fingerprint() | {"told_since": "now"}
    monkeypatch.setattr(reproduce, "fingerprint", lambda: told)
    verdict = again(project, run.run_id)
    assert verdict.code == CLOSE
    assert "  told_since: not noted then, now now" in verdict.lines


def test_other_plugins_and_other_data_are_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = project.runs("trial")[0]
    store = project.store()
    monkeypatch.setattr(
        "framework.tracking.store.Store.data", lambda self, run_id: {"train_sha256": "0" * 64}
    )
    with pytest.raises(UserError, match="The data are not those of the run: train"):
        again(project, run.run_id)
    spec = json.loads(store.artifact(run.run_id, record.SPEC_JSON))
    spec["compress"][0]["version"] += 1
    store.put(run.run_id, {record.SPEC_JSON: json.dumps(spec).encode()})
    with pytest.raises(UserError, match="other versions of plug-ins") as refused:
        again(project, run.run_id)
    assert "magnitude_prune: version" in refused.value.given
    assert run.tags["git"] in refused.value.todo


@pytest.mark.parametrize(
    "change", [{"status": "FAILED"}, {"status": "KILLED"}, {"tags": {"role": "study"}}]
)
def test_what_left_no_net_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UserError):
        reproduce._check_role(replace(RUN, **change))  # type: ignore[arg-type]


def test_a_look_at_the_test_split_points_to_its_trial() -> None:
    look = replace(RUN, tags={"role": "confirm", "study": "tiny", "trial": "000003"})
    with pytest.raises(UserError) as refused:
        reproduce._check_role(look)
    assert "tiny:3" in refused.value.todo


@pytest.mark.slow
def test_a_net_of_a_file_on_a_table_is_the_same_bits_on_the_scale_that_was_found(
    project: Project,
) -> None:
    random = np.random.default_rng(0)
    rows = [f"{a},{b},{int(a > b)}" for a, b in (50 + 9 * random.normal(size=(300, 2))).round(3)]
    (project.root / "table.csv").write_text("\n".join(["a,b,label", *rows]) + "\n")
    layers = nn.backend.keras.layers
    net = nn.backend.keras.Sequential(
        [layers.Input((2, 1)), layers.Flatten(), layers.Dense(2, activation="softmax")]
    )
    net.set_weights([np.array([[-1.0, 1.0], [1.0, -1.0]]), np.zeros(2)])  # answers on either scale
    net.save(project.root / "net.keras")
    knobs = (
        "architecture=from_file architecture.path=net.keras dataset=csv "
        "dataset.path=table.csv".split()
    )
    project.write_study("filed", compress='[use("ptq", format="int8")]', trials=1)
    project.study("filed", *knobs)
    (run,) = project.runs("trial", "filed")
    assert run.params["dataset.scale"] in ("train", "none")
    assert again(project, run.run_id).code == SAME


@pytest.mark.parametrize(
    ("metrics", "changed", "code"),
    [
        ({}, [], SAME),
        ({"latency_us_p50": 9.0}, [], SAME),
        ({"val_accuracy": 0.89}, [], DIFFERENT),
        ({"val_accuracy": 0.89}, ["cpu: a then, b now"], CLOSE),
        ({"val_accuracy": 0.87}, ["cpu: a then, b now"], DIFFERENT),
        ({"params_nonzero": 1009.0}, ["cpu: a then, b now"], CLOSE),
        ({"params_nonzero": 1011.0}, ["cpu: a then, b now"], DIFFERENT),
        ({"val_other": 0.5}, ["cpu: a then, b now"], DIFFERENT),
    ],
)
def test_the_verdict(metrics: dict[str, float], changed: list[str], code: int) -> None:
    made = Record(metrics=METRICS | metrics, artifacts={record.MODEL_TFLITE: b"net"})
    assert compare(RUN, {record.MODEL_TFLITE: b"net"}, made, changed=changed).code == code
