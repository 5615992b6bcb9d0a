"""A store of any number of runs: the first as a study writes them, all others copied in SQL.

The copies have ids, names, specs and numbers of their own, and their files in their own folders,
so whatever reads a store of MLflow's reads this one.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from framework import Choice, Float, Study, Train, use
from framework.contracts import Catalog
from framework.planning.resolve import control_spec, resolve
from framework.results.record import (
    LAYERS_CSV,
    MODEL_TFLITE,
    OPTUNA_JSON,
    SPEC_JSON,
    STUDY_JSON,
    WEIGHTS_NPZ,
    Record,
)
from framework.study import Spec
from framework.system import paths
from framework.tracking.artifacts import entries, manifest
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.study.spec import Use

NAME = "many"
PARAMS = 61_706
LINES = (
    "size_dense_bytes", "size_sparse_bytes", "size_codebook_bytes", "size_entropy_bytes",
    "size_tflite_bytes", "size_tflite_compressed_bytes", "macs_dense", "macs_effective",
)  # fmt: skip
EPOCHS = (2, 4, 8)
# of a run, and by which column its rows are found
TABLES = {
    "tags": "run_uuid",
    "params": "run_uuid",
    "metrics": "run_uuid",
    "latest_metrics": "run_uuid",
    "inputs": "destination_id",
}
Row = dict[str, Any]


def make(root: Path, count: int) -> None:
    """A project's folder with a store of one study of that many trials.

    Args:
        root: an empty folder.
        count: of trials, at least 1.
    """
    study = resolve(
        Study(
            dataset=use("digits"),
            architecture=use("lenet5"),
            train=Train(epochs=10),
            compress=(use("magnitude_prune", sparsity=Float(0.3, 0.99), epochs=Choice(*EPOCHS)),),
            trials=count,
        ),
        Catalog(),
    )
    first = _first(Store.open(root), study)
    with closing(sqlite3.connect(paths.store(root))) as database:
        database.row_factory = sqlite3.Row
        _copy(database, study, first, count)


# --- the first runs, as a study writes them -------------------------------------------------------


def _first(store: Store, study: Study) -> str:
    """The id of the first trial; parent, dense net and control stand beside it."""
    tags = {"study_digest": study.digest, "generation": "0"}
    parent = store.begin(NAME, role="study", name=NAME, tags=tags, params={})
    question = "How long does a report of many runs take?"
    head: dict[str, Any] = {"name": NAME, "question": question, "overrides": []}
    head |= {"study": study.json(), "digest": study.digest, "task": "classes", "classes": 10}
    store.put(parent, {STUDY_JSON: json.dumps(head, sort_keys=True).encode()})
    spec = _spec(study, 0)
    dense = _run(store, parent, tags, "baseline", spec.dense())
    tags |= {"baseline": dense}
    _run(store, parent, tags, "control", control_spec(study, Catalog()))
    trial = _run(store, parent, tags | {"trial": "000000", "attempt": "0"}, "trial", spec)
    store.close(parent, "FINISHED")
    return trial


def _run(store: Store, parent: str, tags: Mapping[str, str], role: str, spec: Spec) -> str:
    own = {"architecture": "lenet5", "strategy": spec.strategy, "seed": "0", "host": "box"}
    own |= {"spec_digest": spec.digest, "dataset": "digits", "git": "0" * 40, "dirty": "false"}
    run = store.begin(
        NAME, role=role, name=role, tags={**tags, **own}, params=spec.parameters(), parent=parent
    )
    profile = {"train": 4000, "validation": 1000}
    store.log_dataset(run, name="digits", digest="0" * 64, source="rule", profile=profile)
    for epoch in range(8):
        store.curve(run, epoch, {"loss": 1 / (1 + epoch), "accuracy": 0.9, "rate": 0.001})
    metrics = _metrics(spec, 0)
    record = Record(metrics, times=_times(0), artifacts=_files(spec))
    store.finish(run, record)
    return run


def _spec(study: Study, number: int) -> Spec:
    """That of a trial: another sparsity for each."""
    # the study has one step, with no other in its place
    step = cast("Use", study.compress[0])
    sparsity = round(0.3 + 0.69 * (number * 0.6180339887 % 1), 9)
    knobs = {**step.knobs, "sparsity": sparsity, "epochs": EPOCHS[number % 3]}
    control = control_spec(study, Catalog())
    return replace(control, compress=(replace(step, knobs=knobs),))


def _files(spec: Spec) -> dict[str, bytes]:
    """What a trial leaves; the net itself is short, because no report reads it."""
    return {
        SPEC_JSON: json.dumps(spec.json(), indent=1, sort_keys=True).encode(),
        OPTUNA_JSON: b"{}",
        LAYERS_CSV: b"layer,role\n",
        MODEL_TFLITE: b"0" * 1000,
        WEIGHTS_NPZ: b"0" * 1000,
    }


def _metrics(spec: Spec, number: int) -> dict[str, float]:
    """Numbers as a trial of this sparsity might have them, the baseline's beside its own."""
    base = _measured(0.0, 0.0)
    if not spec.compress:
        return base | {"chance_accuracy": 0.12, "chance_limit": 0.14}
    sparsity = float(spec.compress[0].knobs.get("sparsity", 0.0))
    noise = float(np.random.default_rng(number).normal(0.0, 0.004))
    values = _measured(sparsity, 0.3 * sparsity**16 + abs(noise))
    values |= {f"baseline.{name}": value for name, value in base.items()}
    values["accuracy_drop"] = base["val_accuracy"] - values["val_accuracy"]
    values |= {"sparsity_asked": sparsity, "sparsity_reached": sparsity, "touched_share": 1.0}
    values |= {"speedup_theoretical": base["macs_effective"] / values["macs_effective"]}
    return values | {"val_disagreement": 0.0, "constraint_violation": 0.0}


def _measured(sparsity: float, loss: float) -> dict[str, float]:
    kept = PARAMS * (1 - sparsity)
    values = {"params_total": float(PARAMS), "params_nonzero": float(round(kept))}
    for position, line in enumerate(LINES, start=1):
        # a dense line does not know of zeros
        weights = PARAMS if "dense" in line else kept
        values[line] = float(math.ceil(weights * (1 + position / 10)))
    return values | {"val_accuracy": round(1000 * (0.98 - loss)) / 1000}


def _times(number: int) -> dict[str, float]:
    ends = {"latency_us_p50": 40.0, "speedup_measured": 1.0}
    times = {"seconds": 9.0 + number % 7, "fit_seconds": 5.0, "memory_bytes": 5e8}
    for name, value in ends.items():
        times |= {name: value, f"{name}_low": 0.9 * value, f"{name}_high": 1.1 * value}
    return times


# --- all others -----------------------------------------------------------------------------------


def _copy(database: sqlite3.Connection, study: Study, first: str, count: int) -> None:
    """All rows of the first trial for each of the others, in one transaction."""
    templates = {table: _rows(database, table, key, first) for table, key in TABLES.items()}
    (run,) = _rows(database, "runs", "run_uuid", first)
    home = Path(str(run["artifact_uri"]).removeprefix("file://"))
    # one transaction: one for each row would take hours
    with database:
        for number in range(1, count):
            spec = _spec(study, number)
            # MLflow's ids are random; these are the same each time
            run_id = f"{number:032x}"
            place = str(run["artifact_uri"]).replace(first, run_id)
            started = run["start_time"] + number
            own = {"run_uuid": run_id, "artifact_uri": place, "start_time": started}
            _insert(database, "runs", run | own)
            values = _metrics(spec, number) | _times(number)
            for table, rows in templates.items():
                for row in map(_changer(table, spec, number, run_id, values), rows):
                    _insert(database, table, row)
            _write_files(Path(str(home).replace(first, run_id)), spec, values)


def _rows(database: sqlite3.Connection, table: str, key: str, run_id: str) -> list[Row]:
    query = f"SELECT * FROM {table} WHERE {key} = ?"  # noqa: S608  (names of our own)
    return list(map(dict, database.execute(query, (run_id,))))


def _insert(database: sqlite3.Connection, table: str, row: Row) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    query = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
    database.execute(query, list(row.values()))


def _changer(
    table: str, spec: Spec, number: int, run_id: str, values: Mapping[str, float]
) -> Callable[[Row], Row]:
    """What makes a row of the first trial one of another."""
    params = spec.parameters()
    # what no two runs have in common
    texts = {
        "squeezelab.trial": f"{number:06d}",
        "squeezelab.spec_digest": spec.digest,
        "squeezelab.key": run_id,
        "mlflow.runName": f"trial {number:03d}",
    }

    def changed(row: Row) -> Row:
        if table == "inputs":
            return row | {"destination_id": run_id, "input_uuid": f"{run_id}i"[-36:]}
        new = {"tags": texts, "params": params}.get(table, values)
        return row | {"run_uuid": run_id, "value": new.get(row["key"], row["value"])}

    return changed


def _write_files(folder: Path, spec: Spec, values: Mapping[str, float]) -> None:
    files = _files(spec)
    files["metrics.json"] = json.dumps(values, indent=1, sort_keys=True).encode()
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_bytes(manifest(entries(files)))
