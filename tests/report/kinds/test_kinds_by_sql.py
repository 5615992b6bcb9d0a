"""Every number of ledger, appendix and ablation recomputed from the database, by SQL alone."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from framework.report import run_report
from framework.tracking.store import Store

NAME = "budgets"
QUERY = """
SELECT runs.run_uuid, role.value, number.value
FROM runs
JOIN experiments ON experiments.experiment_id = runs.experiment_id
JOIN tags AS role ON role.run_uuid = runs.run_uuid AND role.key = 'squeezelab.role'
LEFT JOIN tags AS number ON number.run_uuid = runs.run_uuid AND number.key = 'squeezelab.trial'
WHERE experiments.name = ?
"""
LINES = ("params_total", "params_nonzero", "size_tflite_bytes", "size_tflite_compressed_bytes")
Measured = dict[str, tuple[dict[str, str], dict[str, float]]]


@pytest.fixture(scope="module")
def out(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kinds_by_sql")
    run_report(Store.open(root, create=False), NAME, root=root, out=out, kind="all")
    return out


@pytest.fixture(scope="module")
def stored(root: Path) -> Measured:
    """`baseline`, `control` or the number of a trial -> (parameters, metrics)."""
    runs: Measured = {}
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        for run_id, role, number in database.execute(QUERY, [NAME]).fetchall():
            if role == "study":
                continue
            select = "SELECT key, value FROM {} WHERE run_uuid = ?"
            params = dict(database.execute(select.format("params"), [run_id]))
            metrics = dict(database.execute(select.format("latest_metrics"), [run_id]))
            # sections of MLflow's pages
            metrics = {key.replace("baseline/", "baseline."): metrics[key] for key in metrics}
            runs[role if number is None else str(int(number))] = params, metrics
    return runs


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def equal(row: Mapping[str, str], metrics: Mapping[str, float], names: tuple[str, ...]) -> None:
    for name in names:
        assert float(row[name]) == metrics[name], name


@pytest.mark.parametrize("name", ["ledger.csv", "pareto.csv"])
def test_the_ledger_and_the_front(out: Path, stored: Measured, name: str) -> None:
    table = rows(out / name)
    dense = stored["baseline"][1]
    assert len(table) >= 3
    for row in table:
        key = row["trial"] or row["row"]
        metrics = stored[key][1]
        equal(row, metrics, LINES)
        for line in LINES:
            assert float(row[f"{line}_ratio"]) == dense[line] / metrics[line]
        if name == "pareto.csv":
            assert float(row["val_accuracy"]) == metrics["val_accuracy"]
            assert float(row["accuracy_drop"]) == metrics.get("accuracy_drop", 0.0)


def test_the_appendix(out: Path, stored: Measured) -> None:
    table = rows(out / "appendix.csv")
    numbers = sorted((key for key in stored if key.isdigit()), key=int)
    assert [row["number"] for row in table] == numbers
    points = {}
    for row in table:
        params, metrics = stored[row["number"]]
        equal(row, metrics, ("val_accuracy", "accuracy_drop", "params_nonzero"))
        for knob in ("compress.0.sparsity", "compress.0.epochs"):
            assert float(row[knob]) == json.loads(params[knob])
        points[row["number"]] = (metrics["val_accuracy"], -metrics["params_nonzero"])
    for row in table:
        own = points[row["number"]]
        better = [
            number
            for number, other in points.items()
            if other != own and other[0] >= own[0] and other[1] >= own[1]
        ]
        if row["outcome"] == "on the front":
            assert not better
        else:
            assert row["outcome"].removeprefix("dominated by trial ") in better


def test_the_ablation(out: Path, stored: Measured) -> None:
    table = rows(out / "ablation.csv")
    assert {row["knob"] for row in table} == {"compress.0.epochs", "compress.0.sparsity"}
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in table:
        params, metrics = stored[row["trial"]]
        equal(row, metrics, ("val_accuracy", "accuracy_drop", "params_nonzero"))
        assert float(row["value"]) == json.loads(params[row["knob"]])
        groups.setdefault((row["knob"], row["group"]), []).append(params)
    for (knob, _), members in groups.items():
        others = [{name: one[name] for name in one if name != knob} for one in members]
        assert all(other == others[0] for other in others)
        assert len({one[knob] for one in members}) == len(members) > 1


def test_the_points_of_the_figure(out: Path, stored: Measured) -> None:
    for row in rows(out / "pareto_points.csv"):
        key = row["trial"] or row["group"]
        equal(row, stored[key][1], ("params_nonzero", "val_accuracy"))
