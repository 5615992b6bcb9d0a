"""Does a study stop whenever it is asked to? SIGINT at random moments after its first line.

    .venv/bin/python -m benchmarks.interrupts --count 100 --seed 0

Each moment is one session of a short study in a project of its own; sessions go on with one study
until it is done, then the next begins. A session has stopped if it ends with 130 and nothing of it
is RUNNING. At the end every study has each of its trials once.

    .venv/bin/python -m benchmarks.interrupts --count 70 --within 0.3

Interrupts `list` at moments spread over its first 0.3 seconds, when it loads libraries. Until
Python has read the first line of `framework/__main__.py` an interrupt is Python's own, which ends
the process with the signal, or with a traceback that names no file of this package.
"""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import IO, NamedTuple, cast

from benchmarks.shared import parser_of

ROOT = Path(__file__).parents[1]
STUDY = '''"""Does it stop?"""

from framework import Choice, Float, Study, Train, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("lenet_300_100", units_1=32, units_2=16),
    train=Train(epochs=2, warmup_epochs=0),
    compress=[
        use("magnitude_prune", sparsity=Float(0.3, 0.95), epochs=Choice(1, 2)),
        use("ptq", format="int8"),
    ],
    trials=6,
)
'''
WRONG = "WRONG"
LONGEST = 25.0  # seconds after the first line; a session takes about as long


class Session(NamedTuple):
    """How one session ended.

    Args:
        code: its exit code; 0 if the study was done before the signal came.
        seconds: from the signal to its end.
        errors: what it wrote to stderr.
    """

    code: int
    seconds: float
    errors: str


def main() -> None:
    """Interrupt as often as asked; end with 1 if a session did not stop."""
    parser = parser_of(__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--within", type=float, help="seconds after the start of a command")
    arguments = parser.parse_args()
    if arguments.within:
        sys.exit(while_loading(arguments.count, arguments.within))
    moments = random.Random(arguments.seed)
    stopped, waits = 0, list[float]()
    root = new_project()
    # sessions that end by themselves do not count
    while len(waits) < arguments.count:
        moment = moments.uniform(0, LONGEST)
        session = interrupted(root, moment)
        if session.code == 0:
            # the study was done before: its trials are whole, and the next study begins
            check_whole(root)
            shutil.rmtree(root)
            root = new_project()
            continue
        waits.append(session.seconds)
        stopped += report(session, moment, root)
    shutil.rmtree(root)
    longest, median = max(waits), sorted(waits)[len(waits) // 2]
    print(f"{stopped} of {len(waits)} stopped; {longest:.2f} s at most, {median:.2f} s median")
    sys.exit(stopped < len(waits))


def while_loading(count: int, within: float) -> int:
    """Interrupt a command as it is being loaded; how often it did not stop as it should."""
    ends = Counter[str]()
    for number in range(count):
        moment = within * (number + 0.5) / count
        command = [sys.executable, "-m", "framework", "list"]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            time.sleep(moment)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=300)
        end = loading_end(process.returncode, errors)
        ends[end] += 1
        print(f"{1000 * moment:5.0f} ms: code {process.returncode}, {end}: {errors!r}", flush=True)
    print(", ".join(f"{number} {end}" for end, number in sorted(ends.items())))
    return ends[WRONG]


def loading_end(code: int, errors: str) -> str:
    """How a command ended that was interrupted while it was loaded."""
    if code == 130 and errors.count("\n") == 1:
        return "stopped with one line"
    if code == 0 and not errors:
        return "done before"
    # no frame of ours: not one line of this package had been read
    is_before = (
        "Stopped" not in errors
        and str(ROOT / "framework") not in errors
        and "framework." not in errors
    )
    return "before our first line" if code in (-signal.SIGINT, 1) and is_before else WRONG


def report(session: Session, moment: float, root: Path) -> bool:
    """Print how a session ended; whether it stopped as it should."""
    stopped = (
        session.code == 130
        and not running(root)
        and "Traceback" not in session.errors
        # from a destructor, in which Python loses an exception
        and "Exception ignored" not in session.errors
    )
    verdict = "" if stopped else f" WRONG: {session.errors[-2000:]}"
    print(
        f"{moment:5.1f} s: code {session.code}, {session.seconds:.2f} s later{verdict}", flush=True
    )
    return stopped


def new_project() -> Path:
    """An empty project with the study."""
    root = Path(tempfile.mkdtemp())
    (root / "studies").mkdir()
    (root / "studies" / "stops.py").write_text(STUDY)
    shutil.copytree(ROOT / "reports", root / "reports", ignore=shutil.ignore_patterns("out"))
    return root


def interrupted(root: Path, moment: float) -> Session:
    """One session, interrupted this many seconds after its first line."""
    command = [sys.executable, "-u", "-m", "framework", "study", "stops"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        # before its first line it still loads libraries: that is another case
        cast("IO[str]", process.stderr).readline()
        time.sleep(moment)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
        return Session(process.returncode, time.monotonic() - asked, errors)


def running(root: Path) -> int:
    """How many runs are RUNNING; none where there is no store yet."""
    if not (root / "mlflow.db").exists():
        return 0
    query = "SELECT COUNT(*) FROM runs WHERE status = 'RUNNING'"
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        return int(database.execute(query).fetchone()[0])


def check_whole(root: Path) -> None:
    """Raise if the study has not each of its trials once."""
    query = """
        SELECT trial.value FROM runs
        JOIN tags role ON role.run_uuid = runs.run_uuid AND role.key = 'squeezelab.role'
        JOIN tags trial ON trial.run_uuid = runs.run_uuid AND trial.key = 'squeezelab.trial'
        WHERE runs.status = 'FINISHED' AND role.value = 'trial'
    """
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        numbers = sorted(int(row[0]) for row in database.execute(query))
    if numbers != list(range(6)):
        raise SystemExit(f"Its trials: {numbers}.")


if __name__ == "__main__":
    main()
