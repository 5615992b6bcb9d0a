"""Messages of files, stores and doctor that no other test meets: each is made, and its way out is
gone."""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flatbuffers
import pytest

from framework.architectures import _encoders, _pictures
from framework.contracts import Catalog, DataInfo
from framework.datasets._sources.cache import put_aside_loudly
from framework.errors import (
    InvalidStudy,
    InvalidValue,
    NotDeployable,
    SqueezelabError,
    TrialDiverged,
    UserError,
)
from framework.maintenance.cache import leftovers
from framework.maintenance.doctor import data, machine, store
from framework.nn.tflite import signature
from framework.nn.tflite.flatbuffer import FlatFile, schema
from framework.nn.tflite.weights import _Reader
from framework.nn.training import fit
from framework.notebook import Result
from framework.system import paths
from framework.tracking import address, artifacts, database
from framework.tracking.conversion import prefixed
from framework.tracking.ui import server

CATALOG = Catalog()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


# --- nets and files -------------------------------------------------------------------------------


def test_a_picture_of_many_blocks_is_refused_and_each_way_out_works() -> None:
    with pytest.raises(InvalidStudy, match="too small for so many blocks") as told:
        _pictures.check_halvings((28, 28, 1), blocks=4, lost=2)
    assert told.value.todo == 'Lower `blocks`, raise `side`, or set padding="same".'
    for shape, blocks, lost in (((28, 28, 1), 3, 2), ((64, 64, 1), 4, 2), ((28, 28, 1), 4, 0)):
        _pictures.check_halvings(shape, blocks=blocks, lost=lost)


def test_an_input_that_is_no_sequence_is_told() -> None:
    info = DataInfo("classes", 2, {"sequence": (3, 4, 5, 6)})
    with pytest.raises(InvalidStudy, match="'sequence' is no sequence"):
        _encoders.steps(None, info, "sequence", width=4)
    steps = DataInfo("classes", 2, {"sequence": (3, 4)})
    assert _encoders.steps("as it is", steps, "sequence", width=4) == "as it is"


def with_graphs(count: int) -> bytes:
    model = schema.ModelT()
    model.version, model.subgraphs = 3, [schema.SubGraphT() for _ in range(count)]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_a_file_with_a_loop_or_that_is_none_is_told() -> None:
    with pytest.raises(NotDeployable, match="has a loop") as told:
        FlatFile(with_graphs(2))
    assert told.value.given == "It has 2 graphs."
    with pytest.raises(NotDeployable, match="does not load"):
        signature.ports(b"nonsense")


def test_what_a_file_has_and_its_net_has_not_is_told() -> None:
    tensor: Any = SimpleNamespace(
        _tensors=[SimpleNamespace(type=99)], shape=lambda _: (), name=lambda _: "strange"
    )
    with pytest.raises(NotDeployable, match="cannot be read") as told:
        FlatFile._stored(tensor, 0)
    assert "'strange', type 99" in told.value.given
    weight = SimpleNamespace(key="head/0", is_matrix=True, role="kernel", layer="head")
    net: Any = SimpleNamespace(_recorded=set, net=SimpleNamespace(weights={"head/0": weight}))
    with pytest.raises(NotDeployable, match="cannot be found in the file") as lost:
        _Reader.add_what_was_left_out(net)
    assert lost.value.given == "The kernel of the layer 'head'."


def test_a_matrix_of_a_file_that_is_no_layers_is_told() -> None:
    reader: Any = SimpleNamespace(
        _of_size=lambda constant: [], _named=lambda *_: [], _best=lambda *_, **__: None
    )
    with pytest.raises(NotDeployable, match="belongs to no layer of the net") as told:
        _Reader._owner(reader, SimpleNamespace(numbers=None), ["a", "b"], of="kernel")  # type: ignore[arg-type]
    assert told.value.given == "Tensors: ['a', 'b']."


def test_a_weight_that_is_no_number_after_training_fails_the_trial() -> None:
    import numpy as np

    with pytest.raises(TrialDiverged, match="not finite after training"):
        fit._check_finite({"head/0": np.array([np.nan])})  # type: ignore[dict-item]


# --- the store ------------------------------------------------------------------------------------


def test_names_that_leave_the_folder_of_a_run_are_refused() -> None:
    for name in ("../x", "/etc/passwd", ""):
        with pytest.raises(SqueezelabError, match="a relative path"):
            artifacts.checked_name(name)
    assert artifacts.checked_name("report/a.csv") == "report/a.csv"


@pytest.mark.parametrize("content", [b"nonsense", b"{}", b'[{"name": 3}]'])
def test_a_manifest_that_is_none_is_called_damaged(content: bytes) -> None:
    with pytest.raises(SqueezelabError, match=r"manifest\.json is damaged or gone") as told:
        artifacts.read_manifest(content, where="run 7")
    assert "FRESH=1" in told.value.todo
    sound = artifacts.manifest(artifacts.entries({"a.txt": b"x"}))
    assert list(artifacts.read_manifest(sound, where="run 7")) == ["a.txt"]


def test_tags_that_nobody_knows_are_refused() -> None:
    with pytest.raises(SqueezelabError, match="no tag called colour") as told:
        prefixed({"colour": "red"})
    assert "seed" in told.value.todo
    assert prefixed({"seed": "1"}) == {"squeezelab.seed": "1"}


def test_a_folder_that_no_address_can_hold_is_renamed(root: Path) -> None:
    for name in ("a?b", "100 %"):
        with pytest.raises(UserError, match="cannot hold") as told:
            address.address(root / name)
        assert told.value.todo == "Rename the folder."
    assert address.address(root / "a b").startswith("sqlite:")


def test_a_store_that_says_something_unheard_of_is_looked_at(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strange(*_: Any, **__: Any) -> Any:
        raise sqlite3.DatabaseError("malformed schema")

    monkeypatch.setattr(sqlite3, "connect", strange)
    with pytest.raises(SqueezelabError, match="cannot be read: malformed schema") as told:
        database._relocate(root / "mlflow.db", root)
    assert "make doctor" in told.value.todo
    monkeypatch.undo()
    # the way out: doctor says the same of the file, and what to do with it
    (root / "mlflow.db").write_text("no database" * 99)
    [finding] = store._file(root / "mlflow.db", root, deep=False)
    assert "put a backup there" in finding.text


def test_a_server_shows_its_runs_itself(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@runs.example")
    with pytest.raises(UserError, match="shows them itself") as told:
        server.ui_command(root, port=5000)
    assert told.value.todo == "Open https://me:***@runs.example."


def test_a_project_without_runs_says_how_to_begin(root: Path) -> None:
    with pytest.raises(UserError, match="no runs yet") as told:
        database.require(root / "mlflow.db")
    assert told.value.todo.startswith("Start with: make study NAME=")
    (root / "mlflow.db").write_bytes(b"SQLite format 3")
    database.require(root / "mlflow.db")


def test_a_port_that_is_in_use_is_told_with_one_that_is_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(UserError, match="cannot listen on port") as told:
            server._require_free(listener.getsockname()[1])
    free = int(told.value.todo.rpartition("PORT=")[2])
    server._require_free(free)


def test_what_is_small_is_said_where_several_costs_are_asked_for() -> None:
    objectives = {"val_accuracy": "max", "params_nonzero": "min", "size_tflite_bytes": "min"}
    runs: Any = SimpleNamespace(objectives=objectives, catalog=CATALOG)
    result: Any = SimpleNamespace(name="mine", _stored=runs)
    with pytest.raises(InvalidValue, match="several objectives") as told:
        Result._axes(result, "")
    assert told.value.todo.startswith('Say which is meant: best(by="')
    by = told.value.todo.split('"')[1]
    assert by in objectives


# --- caches and doctor ----------------------------------------------------------------------------


def test_damaged_data_is_put_aside_and_doctor_says_what_may_go(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = paths.cache(root) / "data" / "digits"
    entry.mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        put_aside_loudly(entry)
    assert "put aside as digits.damaged-1 and prepared again" in caplog.text
    assert not entry.exists()
    finding = data._leftovers(root)
    assert finding.level == "hint"
    assert "digits.damaged-1. May be deleted" in finding.text
    for path in leftovers(root):
        path.rmdir()
    assert data._leftovers(root).level == "ok"


def test_doctor_names_damaged_entries_and_a_folder_that_is_none(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = data._entries("cached data", ["digits", "mnist"])
    assert finding.line().startswith("WRONG  cached data: damaged: digits, mnist;")
    monkeypatch.setenv("TFDS_DATA_DIR", str(root / "none"))
    assert data.tfds_folder().level == "WRONG"
    # both ways out
    (root / "none").mkdir()
    assert data.tfds_folder().level == "ok"
    monkeypatch.delenv("TFDS_DATA_DIR")
    assert data.tfds_folder().text == "not set"


def test_doctor_says_what_a_small_machine_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 30_000)
    assert machine.memory().level == "hint"
    assert "run one at a time" in machine.memory().text


def test_doctor_calls_a_store_that_may_not_be_opened_so_and_not_damaged(root: Path) -> None:
    refused = sqlite3.OperationalError("unable to open database file")
    finding = store._unreadable(root / "mlflow.db", refused)
    assert finding.level == "WRONG"
    assert "a permission is missing" in finding.text
    assert "damaged" not in finding.text
    assert "is damaged" in store._unreadable(root / "mlflow.db", sqlite3.Error("nonsense")).text
