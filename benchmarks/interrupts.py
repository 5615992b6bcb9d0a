"""Does a study stop whenever it is asked to? SIGINT at random moments after its first line.

    .venv/bin/python benchmarks/interrupts.py --count 100 --seed 0

Each moment is one session of a short study in a project of its own; sessions go on with one study
until it is done, then the next begins. A session has stopped if it ends with 130 and nothing of it
is RUNNING. At the end every study has each of its trials once.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

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
LONGEST = 25.0  # seconds after the first line; a session takes about as long


def main() -> None:
    """Interrupt as often as asked; end with 1 if a session did not stop."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance, stopped, waits = random.Random(asked.seed), 0, []
    root = new_project()
    while len(waits) < asked.count:
        moment = chance.uniform(0, LONGEST)
        code, waited, told = interrupted(root, moment)
        if code == 0:  # it was done before
            check_whole(root)
            shutil.rmtree(root)
            root = new_project()
            continue
        waits.append(waited)
        good = (
            code == 130
            and not running(root)
            and "Traceback" not in told
            and "Exception ignored" not in told
        )
        stopped += good
        print(
            f"{moment:5.1f} s: code {code}, {waited:.2f} s "
            f"later{'' if good else ' WRONG: ' + told[-2000:]}",
            flush=True,
        )
    shutil.rmtree(root)
    print(
        f"{stopped} of {len(waits)} stopped; {max(waits):.2f} s at most, "
        f"{sorted(waits)[len(waits) // 2]:.2f} s median"
    )
    sys.exit(stopped < len(waits))


def new_project() -> Path:
    """An empty project with the study."""
    root = Path(tempfile.mkdtemp())
    (root / "studies").mkdir()
    (root / "studies" / "stops.py").write_text(STUDY)
    shutil.copytree(ROOT / "reports", root / "reports", ignore=shutil.ignore_patterns("out"))
    return root


def interrupted(root: Path, moment: float) -> tuple[int, float, str]:
    """(exit code, seconds until it ended, what it said) of one session."""
    command = [sys.executable, "-u", "-m", "framework", "study", "stops"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(moment)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=300)
        return process.returncode, time.monotonic() - asked, told


def running(root: Path) -> int:
    """How many runs are RUNNING; none where there is no store yet."""
    if not (root / "mlflow.db").exists():
        return 0
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        return int(
            database.execute("SELECT COUNT(*) FROM runs WHERE status = 'RUNNING'").fetchone()[0]
        )


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
