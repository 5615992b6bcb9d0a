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
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple, TextIO

from benchmarks.attacks.catalogue import SOUND_STATES, STUDY
from benchmarks.attacks.states import State, own_mounts, without_privileges
from benchmarks.attacks.watch import Seen, watched

ROOT = Path(__file__).parents[2]
# as `make help` has them; 75 and 130 where something else is at work or asks to stop, which no
# state has but a plug-in or a report that raises KeyboardInterrupt
ANY_COMMAND = {0, 1, 2}
OF_COMMAND = {"study": {3}, "study done": {3}, "dry run": {3}, "reproduce": {4, 5}}
SILENT_SECONDS = 30.0
SAID_CHARACTERS = 4000  # more is no message
UNHEARD = "words: none"
MORE_MEMORY_KIB = 512 * 1024
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
    "framework.report.kinds.pareto",
    "framework.tracking.store",
)


Asked = tuple[str, str, Sequence[str]]
"""Name of the state, name of the command, its words."""


class Case(NamedTuple):
    """How a command went in a state.

    Args:
        code: its exit code; negative for a signal.
        silent_seconds: the longest time in which it said nothing.
        memory_kib: the most that it and its children held.
        said: stdout and stderr.
        faults: what is wrong, each begun with a word of `results.CRITERIA`; empty if all is well.
        above_kib: of memory, beside the same command in the sound state.
    """

    state: str
    command: str
    code: int
    seconds: float
    silent_seconds: float
    memory_kib: int
    said: str
    faults: list[str]
    above_kib: int = 0

    def beside(self, sound: Case) -> Case:
        """The same, held against the command in the sound state."""
        above = self.memory_kib - sound.memory_kib
        faults = list(self.faults)
        if above > MORE_MEMORY_KIB:
            faults.append(f"memory: {above / 1024:.0f} MiB above {sound.memory_kib / 1024:.0f}")
        return self._replace(above_kib=above, faults=faults)


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
            return Case(name, command, 0, 0.0, 0.0, 0, "", ["case: could not be made"])
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
        seen = watched(folder, lambda: _become(root, state, words))
        said = _said(folder)
        faults = _faults(seen, said, asked=asked)
        faults += [f"outside: {path}" for path in sorted(_names(folder) - outside)]
        # what the state itself took away is not the command's to keep
        if not state.destroys and command not in DELETES:
            faults += _lost(before, root)
        if state.deaf:
            faults = [fault for fault in faults if fault != UNHEARD]
        measured = (seen.code, seen.seconds, seen.silent_seconds, seen.memory_kib)
        case = Case(name, command, *measured, said, faults)
        (folder / "case.json").write_text(json.dumps(case._asdict()))
    finally:
        # neither handlers nor buffers of the process that this is a fork of
        os._exit(0)


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


def _faults(seen: Seen, said: str, *, asked: Asked) -> list[str]:
    name, command, _ = asked
    faults = [f"outside: {path}" for path in seen.elsewhere]
    if "Traceback" in said:
        faults.append("traceback: said")
    if "Exception ignored" in said or "[SQL" in said:
        faults.append("words: not a sentence")
    if seen.code not in _documented(name, command):
        faults.append(f"code: {seen.code}")
    if seen.code and not said.strip():
        faults.append(UNHEARD)
    if seen.code not in (0, 1) and len(said) > SAID_CHARACTERS:
        faults.append("words: pages of them")
    if seen.silent_seconds > SILENT_SECONDS:
        faults.append(f"silent: {seen.silent_seconds:.0f} s")
    return faults


def _documented(name: str, command: str) -> set[int]:
    """The codes that a command may end with in a state."""
    if command in SOUND_STATES.get(name, ()):
        return {0}
    codes = ANY_COMMAND | OF_COMMAND.get(command, set())
    return codes | {130} if name.endswith(": interrupt") else codes


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
        return [f"lost: the store: {error}"]
    lost = [name for name in before if name not in after]
    changed = [name for name in before if name in after and after[name] != before[name]]
    changed = [name for name in changed if not name.endswith(("manifest.json", "study.json"))]
    return [f"lost: {name}" for name in [*lost, *changed]][:3]
