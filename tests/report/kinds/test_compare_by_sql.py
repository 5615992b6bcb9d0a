"""Every number of a table recomputed from the database and the files of the store, by nothing of
the package: SQL, the standard library, scipy."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from compared_runs import compared
from scipy import stats

QUERY = """
SELECT runs.run_uuid, runs.status, runs.artifact_uri, tags.value, experiments.name
FROM runs
JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'squeezelab.role'
JOIN experiments ON experiments.experiment_id = runs.experiment_id
WHERE experiments.name = 'finished' AND tags.value IN ('baseline', 'control', 'trial')
"""
LINES = ("params_total", "params_nonzero", "size_tflite_bytes", "size_tflite_compressed_bytes")
Values = dict[str, float]
Key = tuple[str, float | None]


@pytest.fixture(scope="module")
def out(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report's files."""
    out = tmp_path_factory.mktemp("by_sql")
    compared(root, out, "finished")
    return out


@pytest.fixture(scope="module")
def measured(root: Path) -> dict[Key, dict[int, Values]]:
    """(strategy, sparsity) -> seed -> metrics, by SQL alone."""
    found: dict[Key, dict[int, Values]] = defaultdict(dict)
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        for run_id, status, _, _, _ in database.execute(QUERY).fetchall():
            assert status == "FINISHED"
            params = dict(
                database.execute("SELECT key, value FROM params WHERE run_uuid = ?", [run_id])
            )
            metrics = dict(
                database.execute(
                    "SELECT key, value FROM latest_metrics WHERE run_uuid = ?", [run_id]
                )
            )
            sparsity = params.get("compress.0.sparsity")
            key = params.get("compress.0", "none"), None if sparsity is None else float(sparsity)
            found[key][int(params["seed"])] = metrics
    return dict(found)


def rows(out: Path, name: str = "compare.csv") -> list[dict[str, str]]:
    with (out / name).open(newline="") as file:
        return list(csv.DictReader(file))


def key_of(row: dict[str, str]) -> Key:
    strategy = {"dense": "none", "control": "identity"}.get(row["method"], row["method"])
    return strategy, float(row["sparsity"]) if row["sparsity"] else None


def held(row: dict[str, str], name: str, values: list[float], *, flagged: bool) -> None:
    """Mean, standard deviation and interval of a column."""
    assert float(row[name]) == pytest.approx(mean(values), abs=1e-12)
    assert float(row[f"{name}_sd"]) == pytest.approx(stdev(values), abs=1e-12)
    if flagged:
        assert row[f"{name}_low"] == row[f"{name}_high"] == ""
        return
    half = stats.t.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    assert float(row[f"{name}_low"]) == pytest.approx(mean(values) - half, abs=1e-12)
    assert float(row[f"{name}_high"]) == pytest.approx(mean(values) + half, abs=1e-12)


def test_every_row_is_there_and_every_number_is_that_of_the_database(
    out: Path, measured: dict[Key, dict[int, Values]]
) -> None:
    table = rows(out)
    assert sorted(map(str, map(key_of, table))) == sorted(map(str, measured))
    dense, control = measured["none", None], measured["identity", None]
    checked: set[str] = set()
    for row in table:
        own = measured[key_of(row)]
        assert row["seeds"].split() == [str(seed) for seed in sorted(own)]
        by_seed = [own[seed] for seed in sorted(own)]
        quality = [one["val_accuracy"] for one in by_seed]
        # of 1 000 samples, above a dense net of about 97 % and chance of 12 %
        spread = max(quality) - min(quality)
        above = mean(one["val_accuracy"] for one in dense.values()) - 0.12
        flags = ["seeds disagree"] * (spread > above / 3)
        flags += ["below resolution"] * (stdev(quality) < 2 / 1000)
        assert row["flags"] == "; ".join(flags)
        held(row, "val_accuracy", quality, flagged=bool(flags))
        if row["row"] != "dense":
            drops = [dense[seed]["val_accuracy"] - own[seed]["val_accuracy"] for seed in own]
            held(row, "accuracy_drop", drops, flagged=bool(flags) or stdev(drops) < 2 / 1000)
        if row["row"] == "method":
            behind = [control[seed]["val_accuracy"] - own[seed]["val_accuracy"] for seed in own]
            silent = bool(flags) or stdev(behind) < 2 / 1000
            held(row, "accuracy_drop_from_control", behind, flagged=silent)
        for line in LINES:
            assert float(row[line]) == pytest.approx(mean(one[line] for one in by_seed))
            ratios = [dense[seed][line] / own[seed][line] for seed in own]
            assert float(row[f"{line}_ratio"]) == pytest.approx(mean(ratios))
        checked |= {"val_accuracy", "accuracy_drop", "accuracy_drop_from_control", *LINES}
    numeric = {name for name in table[0] if is_number(table, name)}
    ends = ("", "_sd", "_low", "_high", "_ratio")
    known = {f"{name}{end}" for name in checked for end in ends}
    assert numeric <= known | {"sparsity", "seeds"}


def is_number(table: list[dict[str, str]], name: str) -> bool:
    for row in table:
        try:
            float(row[name] or 0)
        except ValueError:
            return False
    return True


def test_the_front_and_the_best_are_those_of_the_means(
    out: Path, measured: dict[Key, dict[int, Values]]
) -> None:
    methods = [row for row in rows(out) if row["row"] == "method"]
    points = {}
    for row in methods:
        own = measured[key_of(row)].values()
        points[key_of(row)] = (
            mean(one["params_nonzero"] for one in own),
            mean(one["val_accuracy"] for one in own),
        )
    for row in methods:
        size, quality = points[key_of(row)]
        beaten = [
            one
            for one in points.values()
            if one[0] <= size and one[1] >= quality and one != (size, quality)
        ]
        assert row["front"] == str(not beaten)
        rivals = [point[1] for key, point in points.items() if key[1] == key_of(row)[1]]
        assert row["best"] == str(quality == max(rivals))


def test_the_verdict_is_that_of_a_paired_test(
    out: Path, measured: dict[Key, dict[int, Values]]
) -> None:
    (verdict,) = rows(out, "compare_verdicts.csv")
    assert (verdict["first"], verdict["second"]) == ("magnitude_prune", "random_prune")
    # seeds of random pruning disagree at 95 %
    differences: list[list[float]] = []
    for sparsity in (0.5, 0.8):
        pair = [measured[method, sparsity] for method in ("magnitude_prune", "random_prune")]
        differences.append(
            [pair[0][seed]["val_accuracy"] - pair[1][seed]["val_accuracy"] for seed in range(5)]
        )
    by_seed = [mean(column) for column in zip(*differences, strict=True)]
    assert float(verdict["difference"]) == pytest.approx(mean(by_seed))
    assert (verdict["settings"], verdict["seeds"], verdict["left_out"]) == ("2", "5", "1")
    confidence = 1 - 0.05 / 4
    assert float(verdict["confidence"]) == pytest.approx(confidence)
    low, high = interval(differences, by_seed, confidence, pooled=verdict["pooled"] == "True")
    assert (float(verdict["low"]), float(verdict["high"])) == pytest.approx((low, high))
    assert verdict["verdict"] == ("better" if low > 0 else "undecided")


def interval(
    differences: list[list[float]], by_seed: list[float], confidence: float, *, pooled: bool
) -> tuple[float, float]:
    """By the seeds' means, or by all residuals where an F test of two factors finds no effect."""
    seeds, settings = len(by_seed), len(differences)
    total = mean(by_seed)
    of_seeds = settings * sum((one - total) ** 2 for one in by_seed)
    rest = 0.0
    for row in differences:
        for value, column in zip(row, by_seed, strict=True):
            rest += (value - mean(row) - column + total) ** 2
    ratio = (of_seeds / (seeds - 1)) / (rest / ((settings - 1) * (seeds - 1)))
    p = stats.f.sf(ratio, seeds - 1, (settings - 1) * (seeds - 1))
    assert pooled == (p > 0.5)
    degrees = settings * (seeds - 1) if pooled else seeds - 1
    variance = (of_seeds + rest) / degrees if pooled else of_seeds / degrees
    half = stats.t.ppf((1 + confidence) / 2, degrees) * (variance / (settings * seeds)) ** 0.5
    return total - half, total + half


def test_every_configuration_leads_to_its_runs(root: Path, out: Path) -> None:
    origin: dict[str, Any] = json.loads((out / "compare_provenance.json").read_text())
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        stored = {run_id for run_id, *_ in database.execute(QUERY)}
    told = [run["run_id"] for runs in origin.values() for run in runs.values()]
    assert sorted(told) == sorted(stored)
    assert set(origin) == {row["configuration"] for row in rows(out)}
