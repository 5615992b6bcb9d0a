"""The store's address, its file and its folder: started, killed, moved."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from framework.errors import SqueezelabError, UserError
from framework.results.record import Record
from framework.tracking import database
from framework.tracking.address import hide_password
from framework.tracking.store import Store
from framework.tracking.ui.server import ui_command

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "")
    monkeypatch.setenv("PYTHONWARNINGS", "")


def begin(store: Store, study: str) -> str:
    return store.begin(study, role="trial", name="trial 0", tags={}, params={"seed": "0"})


def folder_of(store: Store, study: str, run_id: str) -> Path:
    return store.root / ".artifacts" / study / run_id / "artifacts"


def mlflow_client(store: Store) -> Any:
    """MLflow's own view, past our code."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.uri)


# --- the address ----------------------------------------------------------------------------------


def test_the_ui_is_for_this_machine_with_its_checks_on(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    store = Store.open(tmp_path / "lab")
    command = ui_command(store.root, port=5001)
    assert command[:4] == [sys.executable, "-m", "mlflow", "server"]
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == "5001"
    assert not {"--disable-security-middleware", "--allowed-hosts", "--cors-allowed-origins"} & set(
        command
    )
    assert os.environ["MLFLOW_BACKEND_STORE_URI"] == store.uri
    with pytest.raises(UserError, match="no runs yet"):
        ui_command(tmp_path, port=5001)


def test_a_port_that_is_in_use_is_said_with_one_that_is_free(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    root = Store.open(tmp_path / "lab").root
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="Address already in use") as caught:
            ui_command(root, port=taken.getsockname()[1])
        another = re.search(r"make ui PORT=(\d+)$", caught.value.todo)
        assert another
        command = ui_command(root, port=int(another[1]))
    assert command[command.index("--port") + 1] == another[1]


def test_no_password_on_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://lab:secret@db/runs")
    assert not any("secret" in part for part in ui_command(tmp_path, port=5001))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://lab:secret@runs.example")
    with pytest.raises(UserError, match=r"Open https://lab:\*\*\*@runs\.example") as caught:
        ui_command(tmp_path, port=5001)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://lab:secret@db:5432/runs", "postgresql://lab:***@db:5432/runs"),
        ("postgresql+psycopg://lab:se:cr@t@db/runs", "postgresql+psycopg://lab:***@db/runs"),
        (
            "mysql://db/runs?user=lab&password=secret&x=1",
            "mysql://db/runs?user=lab&password=***&x=1",
        ),
        ("cannot reach https://:secret@host/ now", "cannot reach https://:***@host/ now"),
        ("sqlite:////home/lab/mlflow.db", "sqlite:////home/lab/mlflow.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ],
)
def test_passwords_are_hidden(uri: str, shown: str) -> None:
    assert hide_password(uri) == shown


# --- the folder -----------------------------------------------------------------------------------


def test_only_three_names_appear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open(tmp_path)
    store.finish(begin(store, "s"), Record(artifacts={"spec.json": b"{}"}))
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".artifacts", ".cache"}
    assert {path.name for path in (tmp_path / ".artifacts").rglob("*") if path.is_file()} == {
        "spec.json",
        "manifest.json",
    }
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_no_store_and_none_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no runs yet[\s\S]*make study NAME="):
        Store.open(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database" * 100)
    with pytest.raises(SqueezelabError, match=r"cannot be read[\s\S]*mlflow\.db"):
        Store.open(tmp_path)


def test_a_folder_sqlite_has_no_address_for(tmp_path: Path) -> None:
    (tmp_path / "why?").mkdir()
    with pytest.raises(UserError, match="Rename the folder"):
        Store.open(tmp_path / "why?")
    assert list((tmp_path / "why?").iterdir()) == []


def test_another_sqlite_store_by_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'team' / 'runs.db'}")
    (tmp_path / "team").mkdir()
    (tmp_path / "mine").mkdir()
    store = Store.open(tmp_path / "mine")
    run_id = begin(store, "s")
    store.finish(run_id, Record(artifacts={"spec.json": b"{}"}))
    assert (tmp_path / "mine" / ".artifacts" / "s" / run_id / "artifacts" / "spec.json").is_file()
    assert not (tmp_path / "mine" / "mlflow.db").exists()
    assert (tmp_path / "team" / "runs.db").is_file()


def moved(old: Path, new: Path, how: str) -> Path:
    shutil.copytree(old, new) if how == "copied" else shutil.move(old, new)
    return new


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_the_folder_may_move(tmp_path: Path, how: str) -> None:
    (tmp_path / "old").mkdir()
    store = Store.open(tmp_path / "old")
    ids = [begin(store, study) for study in ("one", "one", "two")]
    for run_id in ids:
        store.finish(run_id, Record(artifacts={"model.tflite": run_id.encode()}))
    unfinished = begin(store, "two")
    before = sorted((tmp_path / "old").rglob("*"))

    here = Store.open(moved(tmp_path / "old", tmp_path / "new place", how), create=False)
    assert all(here.artifact(run_id, "model.tflite") == run_id.encode() for run_id in ids)
    assert all(here.complete(run) for run in here.runs("one"))
    here.finish(unfinished, Record(artifacts={"model.tflite": b"late"}))
    new = begin(here, "one")
    here.finish(new, Record(artifacts={"model.tflite": b"new"}))
    for run_id in (new, unfinished, *ids):  # as the UI finds them
        folder = mlflow_client(here).get_run(run_id).info.artifact_uri
        assert folder.startswith((tmp_path / "new place" / ".artifacts").as_uri())
        assert "model.tflite" in {file.path for file in mlflow_client(here).list_artifacts(run_id)}
    assert sorted((tmp_path / "old").rglob("*")) == (before if how == "copied" else [])


def test_a_store_whose_columns_are_not_known_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old").mkdir()
    store = Store.open(tmp_path / "old")
    run_id = begin(store, "s")
    store.finish(run_id, Record(artifacts={"model.tflite": b"x"}))
    monkeypatch.setattr(database, "_has_location_columns", lambda database: False)
    here = Store.open(moved(tmp_path / "old", tmp_path / "new", "moved"))
    assert here.artifact(run_id, "model.tflite") == b"x"
    here.finish(begin(here, "s"), Record(artifacts={"model.tflite": b"y"}))
    assert [here.artifact(run.run_id, "model.tflite") for run in here.runs("s")] == [b"x", b"y"]
    assert not (tmp_path / "old").exists()


def test_artifacts_left_behind_are_read_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    store = Store.open(tmp_path / "old")
    run_id = begin(store, "s")
    store.finish(run_id, Record(artifacts={"model.tflite": b"x"}))
    shutil.copy(tmp_path / "old" / "mlflow.db", tmp_path / "new" / "mlflow.db")
    here = Store.open(tmp_path / "new")
    assert here.artifact(run_id, "model.tflite") == b"x"
    late = begin(here, "s")
    here.finish(late, Record(artifacts={"model.tflite": b"y"}))
    assert folder_of(here, "s", late).is_dir()


# --- starting -------------------------------------------------------------------------------------

STARTS = """
import os, signal, sys, time
from pathlib import Path
from framework.tracking.store import Store

base, plan = Path(sys.argv[1]), sys.argv[2:]
Store.open(base / "warm")  # MLflow is loaded once, for all that follow

def start(root):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            Store.open(root).begin("s", role="trial", name="t", tags={}, params={})
            code = 0
        finally:
            os._exit(code)
    return child

def end(child):
    assert os.waitpid(child, 0)[1] == 0

if plan == ["together"]:
    for child in [start(base / "together") for _ in range(4)]:
        end(child)
for number, delay in enumerate(plan if plan != ["together"] else []):
    child = start(base / str(number))
    time.sleep(float(delay))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    end(start(base / str(number)))
"""


def run_starts(base: Path, *plan: str) -> None:
    """Real processes; they say nothing."""
    for name in ("warm", "together", *map(str, range(len(plan)))):
        (base / name).mkdir()
    done = subprocess.run(
        [sys.executable, "-c", STARTS, str(base), *plan],
        cwd=base, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), (
        plan,
        done.stdout,
        done.stderr,
    )


def assert_sound(root: Path) -> None:
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert [path.name for path in (root / ".cache" / "store").iterdir()] == ["lock"]
    assert {path.name for path in root.iterdir()} <= {"mlflow.db", ".artifacts", ".cache"}


def test_a_kill_during_the_first_start(tmp_path: Path) -> None:
    delays = [f"{moment + random.uniform(0, 0.25):.3f}" for moment in (0.0, 0.2, 0.4, 0.6, 0.8)]
    run_starts(tmp_path, *delays)
    for number in range(5):
        assert_sound(tmp_path / str(number))
        assert 1 <= len(Store.open(tmp_path / str(number)).runs("s")) <= 2


def test_what_a_kill_leaves_behind_is_cleared(tmp_path: Path) -> None:
    for name in (".mlflow.db.new", ".mlflow.db.new-journal"):
        (tmp_path / name).write_bytes(b"half a database")
    (tmp_path / "mlflow.db").touch()
    assert Store.open(tmp_path).studies() == []
    assert_sound(tmp_path)


def test_several_processes_start_at_once(tmp_path: Path) -> None:
    run_starts(tmp_path, "together")
    assert_sound(tmp_path / "together")
    assert len(Store.open(tmp_path / "together").runs("s")) == 4


def test_importing_the_door_loads_no_mlflow_and_sets_its_guards() -> None:
    code = (
        "import os, sys, framework.tracking.store; print('mlflow' in sys.modules,"
        " os.environ['MLFLOW_ALLOW_PICKLE_DESERIALIZATION'], "
        "os.environ['MLFLOW_DISABLE_TELEMETRY'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False false true\n"
