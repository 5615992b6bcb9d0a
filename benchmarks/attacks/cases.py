"""One case: a state, a command, and whether all went as it should.

The libraries that every command needs are loaded once, and each case is a fork of that.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple, TextIO

from benchmarks.attacks.catalogue import STUDY
from benchmarks.attacks.states import State, own_mounts, without_privileges

ROOT = Path(__file__).parents[2]
CODES = {0, 1, 2, 3, 4, 5, 75, 130}  # as `make help` has them
SILENT_SECONDS, LONGEST_SECONDS = 30.0, 300.0
SAID_CHARACTERS = 4000  # more is no message
MORE_MEMORY_KIB = 512 * 1024
LOOK_SECONDS = 0.02
# that of the study's own run tells how its last session ended
STATUS = """
    SELECT runs.run_uuid, status FROM runs
    JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'squeezelab.role'
    WHERE tags.value != 'study'
"""
DELETES = {"forget"}
PRELOADED = (
    "xml.etree.ElementTree",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "mlflow.store.tracking.sqlalchemy_store",
    "framework.cli",
    "framework.display.describe",
    "framework.maintenance.doctor",
    "framework.report.standard",
    "framework.tracking.store",
)


Asked = tuple[str, str, Sequence[str]]
"""Name of the state, name of the command, its words."""


class Case(NamedTuple):
    """How a command went in a state.

    Args:
        code: its exit code; negative for a signal.
        said: stdout and stderr.
        faults: what is wrong; empty if all is well.
        memory_kib: the most that it held.
    """

    state: str
    command: str
    code: int
    seconds: float
    memory_kib: int
    said: str
    faults: list[str]


def base_project(root: Path) -> None:
    """A project whose small study is finished; nothing if it is there."""
    if not (root / "mlflow.db").exists():
        (root / "studies").mkdir(parents=True)
        (root / "studies" / "tiny.py").write_text(STUDY, "utf-8")
        command = [sys.executable, "-m", "framework", "study", "tiny"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)


def tried(base: Path, name: str, state: State, command: str, words: Sequence[str]) -> Case:
    """Run the command in the state, on a copy of the project."""
    _preload()
    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    folder.chmod(0o755)
    try:
        told = folder / "case.json"
        child = os.fork()
        if child == 0:
            _case(base, folder, state, (name, command, words))
        os.waitpid(child, 0)
        if not told.exists():
            return Case(name, command, 0, 0.0, 0, "", ["the case itself failed"])
        return Case(**json.loads(told.read_text()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _preload() -> None:
    """Load what a command may need: a user without a home may not read root's libraries."""
    for name in PRELOADED:
        importlib.import_module(name)


def _case(base: Path, folder: Path, state: State, asked: Asked) -> None:
    """In a process of its own: make the state, run the command, write down what happened."""
    name, command, words = asked
    try:
        # before the copy: what is mounted in it goes with this process
        if state.mounts:
            own_mounts()
        root = folder / "project"
        shutil.copytree(base, root, symlinks=True)
        for other in ("home", "tmp"):
            (folder / other).mkdir()
            (folder / other).chmod(0o777)
        run_id = next((root / ".artifacts" / "tiny").glob("*")).name
        words = [word.replace("RUN", run_id) for word in words]
        before = _kept(root)
        state.change(root)
        # after the change, which may itself lay something there
        outside = _names(folder)
        code, seconds, silent, memory = _watched(root, state, words)
        said = _said(folder)
        faults = _faults(code, said, silent=silent)
        faults += [f"left outside: {path}" for path in sorted(_names(folder) - outside)]
        # what the state itself took away is not the command's to keep
        if not state.destroys and command not in DELETES:
            faults += _lost(before, root)
        if state.deaf:
            faults = [fault for fault in faults if fault != "says nothing"]
        case = Case(name, command, code, seconds, memory, said, faults)
        (folder / "case.json").write_text(json.dumps(case._asdict()))
    finally:
        # neither handlers nor buffers of the process that this is a fork of
        os._exit(0)


def _watched(root: Path, state: State, words: Sequence[str]) -> tuple[int, float, float, int]:
    """Exit code, seconds, the longest silence, and the most memory in KiB."""
    began = heard = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(root, state, words)
    silent, size = 0.0, 0
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        now = time.monotonic()
        silent = max(silent, now - heard)
        if ended:
            return os.waitstatus_to_exitcode(status), now - began, silent, usage.ru_maxrss
        # what is said shows that it is alive
        written = sum(path.stat().st_size for path in root.parent.glob("std*"))
        if written != size:
            heard, size = now, written
        if now - began > LONGEST_SECONDS:
            os.kill(child, signal.SIGKILL)
        time.sleep(LOOK_SECONDS)


def _become(root: Path, state: State, words: Sequence[str]) -> None:
    """The process of the command."""
    try:
        for number, stream in ((0, None), (1, "stdout"), (2, "stderr")):
            path = root.parent / stream if stream else Path(os.devnull)
            opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            os.dup2(opened, number)
            os.close(opened)
        os.chdir(root)
        # streams before rights: /dev/full may be opened by root alone
        state.streams(root)
        _set_environment(root, state.environment)
        if state.rights:
            without_privileges()
        for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
            setattr(sys, name, _stream(number))
        # a crash is to leave no file of a gigabyte
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.argv = ["squeezelab", *words]
        from framework.__main__ import main

        main()
    except SystemExit as ending:
        with suppress(Exception):
            sys.stdout.flush()
        # as Python ends: TensorFlow deletes its temporary files there
        atexit._run_exitfuncs()
        os._exit(ending.code if isinstance(ending.code, int) else 1)
    except BaseException:  # noqa: BLE001 - to be told from the command's own endings
        sys.excepthook(*sys.exc_info())
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(99)


def _stream(number: int) -> TextIO | None:
    """As Python makes them at its start: None of what is no open file."""
    try:
        return os.fdopen(number, "w" if number else "r", buffering=1 if number == 2 else -1)
    except OSError:
        return None


def _set_environment(root: Path, changes: Mapping[str, str | None]) -> None:
    for name in ("MLFLOW_TRACKING_URI", "TFDS_DATA_DIR"):
        os.environ.pop(name, None)
    os.environ.update(HOME=str(root.parent / "home"), TMPDIR=str(root.parent / "tmp"))
    tempfile.tempdir = None
    for name, value in changes.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def _said(folder: Path) -> str:
    texts = []
    for stream in ("stdout", "stderr"):
        path = folder / stream
        texts.append(path.read_text("utf-8", "replace") if path.exists() else "")
    return "".join(texts)


def _faults(code: int, said: str, *, silent: float) -> list[str]:
    faults = []
    if "Traceback" in said:
        faults.append("traceback")
    if "Exception ignored" in said or "[SQL" in said:
        faults.append("not a sentence")
    if code not in CODES:
        faults.append(f"exit code {code}")
    if code and not said.strip():
        faults.append("says nothing")
    if code not in (0, 1) and len(said) > SAID_CHARACTERS:
        faults.append("pages of text")
    if silent > SILENT_SECONDS:
        faults.append(f"silent for {silent:.0f} s")
    return faults


def _names(folder: Path) -> set[str]:
    """What lies beside the project, in the home folder and among temporary files."""
    mine = {"case.json", "stdout", "stderr"}
    names = set()
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if inside.parts[0] != "project" and inside.parts[0] not in mine:
            names.add(str(inside))
    return names


def _kept(root: Path) -> dict[str, str]:
    """What must not get lost: digest of every artifact, and the status of every run."""
    kept = {}
    for path in (root / ".artifacts").rglob("*"):
        if path.is_file() and "report" not in path.parts and path.name != ".filler":
            kept[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        # in a copy, because the first to open it puts right what was left half done
        for path in root.glob("mlflow.db*"):
            shutil.copy(path, folder)
        with closing(sqlite3.connect(Path(folder) / "mlflow.db")) as database:
            return kept | dict(database.execute(STATUS).fetchall())


def _lost(before: Mapping[str, str], root: Path) -> list[str]:
    """What of it is gone or changed; manifests of the parent grow with its report."""
    for path in (root, *root.rglob("*")):
        with suppress(OSError):
            path.chmod(0o777)
    try:
        after = _kept(root)
    except (OSError, sqlite3.Error) as error:
        return [f"the store is lost: {error}"]
    lost = [name for name in before if name not in after]
    changed = [name for name in before if name in after and after[name] != before[name]]
    changed = [name for name in changed if not name.endswith(("manifest.json", "study.json"))]
    return [f"lost: {name}" for name in [*lost, *changed]][:3]
