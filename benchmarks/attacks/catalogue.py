"""Which states are tried, and which commands."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.attacks.nets import READING, SOUND_CODES, SOUND_NET, nets
from benchmarks.attacks.states import (
    SOMEBODY,
    SOUND,
    Change,
    State,
    closed,
    cut,
    each,
    everything,
    flip,
    folder_deleted,
    full_output,
    given,
    limited,
    nobody_is_listed,
    other_disk,
    read_only,
    replaced,
    turned,
    unread,
    without_rights,
)

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "list": ("list",),
    "check": ("check",),
    "show": ("show", "tiny"),
    "show run": ("show", "RUN"),
    "data": ("data", "digits"),
    "doctor": ("doctor",),
    "new": ("new", "strategy", "mine"),
    "report": ("report", "tiny"),
    "export": ("export", "tiny:1", "net.tflite"),
    "diff": ("diff", "tiny:0", "tiny:1"),
    "study done": ("study", "tiny"),
    "forget": ("forget", "tiny", "--yes"),
    "clean-cache": ("clean-cache", "--yes"),
}
TRAINING: Mapping[str, tuple[str, ...]] = {  # these load TensorFlow
    "study": ("study", "tiny", "--set", "trials=4"),
    "dry run": ("study", "tiny", "--set", "trials=4", "--dry-run"),
    "confirm": ("confirm", "tiny", "--trial", "1"),
    "reproduce": ("reproduce", "tiny:1"),
}
EVERY = {**COMMANDS, **TRAINING}
TRAINED = re.compile(  # the states that find training at work
    "^(sound|[.](cache|artifacts) full|only the store full|project read-only|all closed"
    "|no git|no variables|stderr unread|files of at most 64 kB|nets flipped|cached nets (cut|gone)"
    "|net: .*)$"
)
STUDY = '''"""Does it run?"""

from framework import Choice, Float, Study, Train, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("lenet_300_100", units_1=32, units_2=16),
    train=Train(epochs=2, warmup_epochs=0, batch_size=32, learning_rate=0.003),
    compress=[use("magnitude_prune", sparsity=Float(0.3, 0.95), epochs=Choice(1, 2))],
    trials=3,
)
'''
# commands that end with 0 in these states
SOUND_STATES: Mapping[str, Collection[str]] = {
    SOUND: {*COMMANDS, *TRAINING},
    SOUND_NET: SOUND_CODES,
}
STORE = "mlflow.db"
FOLDERS = (".artifacts", ".cache", "reports/out")
MANIFESTS = ".artifacts/*/*/artifacts/manifest.json"
NETS = ".artifacts/*/*/artifacts/model.tflite"
HOSTILE = '"""Q?"""\nfrom framework import Study, use\nSTUDY = Study({})\n'


def sql(*statements: str) -> Callable[[Path], None]:
    """A store in which this was changed."""

    def change(root: Path) -> None:
        with closing(sqlite3.connect(root / STORE)) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()

    return change


def hot_journal(root: Path) -> None:
    """A store whose writer was killed inside of a transaction."""
    with closing(sqlite3.connect(root / STORE, isolation_level=None)) as database:
        # a cache of one page writes the changes before the end of the transaction
        database.execute("PRAGMA cache_size = 1")
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE params SET value = value || 'x'")
        database.execute("UPDATE tags SET value = value || 'x'")
        # as a kill leaves them: the changed file, and the journal that undoes the change
        copies = {}
        for path in root.glob(f"{STORE}*"):
            copies[path] = path.read_bytes()
        database.execute("ROLLBACK")
    for path, content in copies.items():
        path.write_bytes(content)


def disks() -> dict[str, State]:
    """Full, on another disk, only to be read."""
    states = {}
    for folder in FOLDERS:
        states[f"{folder} full"] = State(other_disk(folder, full=True), mounts=True)
        states[f"{folder} on another disk"] = State(other_disk(folder), mounts=True)
        states[f"{folder} read-only"] = State(read_only(folder), mounts=True)
    states["project full"] = State(other_disk(".", full=True), mounts=True)
    # what else is written has room, so that it is the store that meets the full disk
    elsewhere = tuple(other_disk(folder) for folder in FOLDERS)
    states["only the store full"] = State(
        everything(other_disk(".", full=True), *elsewhere), mounts=True
    )
    states["project read-only"] = State(read_only("."), mounts=True)
    states["store read-only"] = State(read_only(STORE), mounts=True)
    states["hot journal, read-only"] = State(everything(hot_journal, read_only(".")), mounts=True)
    return states


def rights() -> dict[str, State]:
    """Permissions that are missing, and other users."""
    states = {}
    for place in (*FOLDERS, STORE, "studies", "studies/tiny.py", "reports", "."):
        states[f"no rights on {place}"] = State(without_rights(place), rights=True)
    states["manifests without rights"] = State(
        each(MANIFESTS, lambda path: path.chmod(0)), rights=True
    )
    states["project of another user"] = State(given(SOMEBODY), rights=True, foreign=True)
    states["no home, no name"] = State(
        nobody_is_listed, environment={"HOME": None, "USER": None}, mounts=True
    )
    return states


def stores() -> dict[str, State]:
    """A store that is not what it was."""
    contents = {
        "empty": b"",
        "zeros": bytes(8192),
        "text": b"not a database" * 1000,
    }
    states = {}
    for name, content in contents.items():
        states[f"store {name}"] = State(replaced(STORE, content), destroys=True)
    for into in ("folder", "pipe", "loop", "dangling", "gone"):
        states[f"store {into}"] = State(turned(STORE, into), destroys=True)
    states["store cut"] = State(lambda root: cut(root / STORE), destroys=True)
    states["hot journal"] = State(hot_journal)
    changes = {
        "no runs table": ("DROP TABLE runs",),
        "no version": ("DELETE FROM alembic_version",),
        "version of the future": ("UPDATE alembic_version SET version_num = 'ffffffffffff'",),
        "no metrics": ("DELETE FROM metrics", "DELETE FROM latest_metrics"),
        "metrics that are text": ("UPDATE latest_metrics SET value = 'many'",),
        "no tags": ("DELETE FROM tags",),
        "tags that are no numbers": ("UPDATE tags SET value = 'x' WHERE key LIKE '%generation'",),
        "trials that are no numbers": ("UPDATE tags SET value = 'x' WHERE key LIKE '%.trial'",),
        "artifacts elsewhere": ("UPDATE runs SET artifact_uri = 'file:///etc'",),
        "artifacts climb out": ("UPDATE runs SET artifact_uri = artifact_uri || '/../../../..'",),
        "artifacts of another kind": ("UPDATE runs SET artifact_uri = 'what://ever'",),
    }
    for name, statements in changes.items():
        states[f"store: {name}"] = State(sql(*statements), destroys=True)
    return states


def files() -> dict[str, State]:
    """Files and folders of the project that are not what they were."""
    states = {}
    for place in (*FOLDERS, ".cache/locks", ".cache/locks/tiny.lock", "reports/out/tiny"):
        states[f"{place} a file"] = State(replaced(place, b"x"), destroys=True)
        states[f"{place} a loop"] = State(turned(place, "loop"), destroys=True)
        states[f"{place} dangling"] = State(turned(place, "dangling"), destroys=True)
    states["lock a folder"] = State(turned(".cache/locks/tiny.lock", "folder"))
    changes: dict[str, Change] = {"cut": cut, "flipped": flip, "gone": Path.unlink}
    for name, change in changes.items():
        states[f"manifests {name}"] = State(each(MANIFESTS, change), destroys=True)
        states[f"nets {name}"] = State(each(NETS, change), destroys=True)
        cached = each(".cache/baselines/*/*.*", change)
        states[f"cached nets {name}"] = State(cached, destroys=True)
        states[f"cached data {name}"] = State(each(".cache/*/*/*.*", change), destroys=True)
    texts = {"of numbers": b"[1, 2]", "climbing": b'[{"name": "../../../x", "sha256": "0"}]'}
    # a manifest is read as data: what it names may lead out of the project
    for name, text in texts.items():
        put = each(MANIFESTS, partial(_put, text))
        states[f"manifests {name}"] = State(put, destroys=True)
    states["manifests folders"] = State(
        each(MANIFESTS, lambda path: turned(path.name, "folder")(path.parent)), destroys=True
    )
    return states


def _put(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def code() -> dict[str, State]:
    """Studies, plug-ins and reports that do not load."""
    hostile = {
        "os": '__import__("os").system("touch ran")',
        "lambda": "(lambda: 1)()",
        "powers": "9**9**9",
        "texts": '"x" * 10**10',
        "deep": "-" * 50_000 + "1",
    }
    states = {}
    for name, text in hostile.items():
        content = HOSTILE.format(f"trials={text}").encode()
        states[f"study: {name}"] = State(replaced("studies/evil.py", content))
    broken = {
        "syntax": b"def",
        "exit": b"raise SystemExit(0)",
        "interrupt": b"raise KeyboardInterrupt",
        "division": b"1 / 0",
        "bytes": b"\xff\xfe\x00",
        "recursion": b"def f(): f()\nf()",
    }
    # to open a pipe waits for ever, and no file of these folders is one
    for folder in ("studies", "plugins", "reports"):
        for into in ("folder", "pipe", "loop", "dangling"):
            states[f"{folder}: a {into}"] = State(
                everything(replaced(f"{folder}/evil.py", b""), turned(f"{folder}/evil.py", into))
            )
    for name, content in broken.items():
        states[f"plug-in: {name}"] = State(replaced("plugins/evil.py", content))
        states[f"report: {name}"] = State(replaced("reports/pareto.py", content))
    return states


def surroundings() -> dict[str, State]:
    """Streams, limits, variables."""
    return {
        "stdin closed": State(streams=closed(0)),
        "stdout closed": State(streams=closed(1)),
        "stderr closed": State(streams=closed(2), deaf=True),
        "all closed": State(streams=closed(0, 1, 2), deaf=True),
        "stdout full": State(streams=full_output),
        "stdout unread": State(streams=unread(1)),
        "stderr unread": State(streams=unread(2), deaf=True),
        "both unread": State(streams=unread(1, 2), deaf=True),
        "files of at most 64 kB": State(streams=limited("FSIZE", 65536)),
        "files of at most 0 B": State(streams=limited("FSIZE", 0), deaf=True),
        "eight open files": State(streams=limited("NOFILE", 8)),
        "folder deleted": State(streams=folder_deleted),
        "no git": State(environment={"PATH": "/nonexistent"}),
        "no variables": State(environment={"HOME": None, "PATH": None, "TMPDIR": None}),
        "no folder for temporary files": State(environment={"TMPDIR": "/nonexistent"}),
        "ascii": State(environment={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}),
        "no columns": State(environment={"COLUMNS": "0"}),
        "columns of letters": State(environment={"COLUMNS": "many"}),
        "store at no address": State(environment={"MLFLOW_TRACKING_URI": "what://ever"}),
        "store in a folder": State(environment={"MLFLOW_TRACKING_URI": "file:///nonexistent/x"}),
        "store beside nothing": State(
            environment={"MLFLOW_TRACKING_URI": "sqlite:////nonexistent/x.db"}
        ),
        "TFDS_DATA_DIR nowhere": State(environment={"TFDS_DATA_DIR": "/nonexistent"}),
    }


# kind of state -> the commands that it can matter to, as a regular expression
KINDS: Mapping[Callable[[], dict[str, State]], str] = {
    disks: "list|show run|data|doctor|new|report|export|study done|forget|clean-cache",
    rights: "list|show run|data|doctor|new|report|export|study done|forget|clean-cache",
    stores: "show run|doctor|report|export|diff|study done|forget",
    files: "doctor|report|export|study done|clean-cache",
    code: "list|check|doctor|new|report",
    surroundings: "list|show run|doctor|new|report|export|study done",
    nets: READING,
}


def states() -> dict[str, State]:
    """All, by name; the sound one first."""
    every = {SOUND: State()}
    for kind, commands in KINDS.items():
        for name, state in kind().items():
            every[name] = replace(state, commands=f"^({commands})$")
    return every


def matters(name: str, state: State, command: str) -> bool:
    """Whether a command may find something of its own in a state."""
    if command in TRAINING:
        return bool(TRAINED.search(name)) and (not name.startswith("net: ") or command == "study")
    return not state.commands or bool(re.search(state.commands, command))
