"""Real workers and coordinators are killed at random moments of studies of 30 trials.

    .venv/bin/python -m benchmarks.engine.kills --workers 30 --coordinators 10

Runs the study undisturbed in one process; then with two workers, of which one is sent SIGKILL at
random moments, never twice in one trial, in as many studies as the kills need; then once more with
its coordinator killed as often, and taken up again each time. Every study has to end with the
tables of the first, with one finished run for each trial, baseline and control, with none RUNNING,
and with no process left. Prints a line a study, and ends with 1 if one differs. Nodes of a Ray
cluster are killed by `tests/runner/test_cluster.py`.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks.engine.project import Project
from benchmarks.shared import parser_of, workers_of
from framework.system.paths import find_root

STUDY = "lenet_300_100_prune"
SETTINGS = ("train.epochs=6", "trials=30")
TOLD = 2000  # of the last words of a study without a report
KILLS_A_STUDY = 8
BETWEEN = 2  # trials that end between two kills
LATEST_SECONDS = 3.0  # after which of these a kill comes
ENDS = ("KILLED", "FINISHED")
GONE_SECONDS = 30.0  # within which processes have to be gone
QUERY = """
    SELECT role.value, COALESCE(number.value, ''), runs.status, COUNT(*) FROM runs
    JOIN tags role ON role.run_uuid = runs.run_uuid AND role.key = 'squeezelab.role'
    LEFT JOIN tags number ON number.run_uuid = runs.run_uuid AND number.key = 'squeezelab.trial'
    WHERE role.value != 'study' GROUP BY 1, 2, 3
"""


class Stricken(Project):
    """The study, and what has become of its runs.

    Args:
        root: is made.
        source: the checkout.
    """

    def __init__(self, root: Path, source: Path) -> None:
        super().__init__(root, source, STUDY, SETTINGS)

    def begin(self, *, workers: int) -> subprocess.Popen[bytes]:
        """The study, begun or gone on with."""
        return self.start("--workers", str(workers))

    def counted(self) -> dict[tuple[str, str, str], int]:
        """How many runs there are of each (role, number, status), read without MLflow."""
        if not (self.root / "mlflow.db").exists():
            return {}
        with closing(sqlite3.connect(self.root / "mlflow.db", timeout=60)) as database:
            return {
                (role, number, status): n for role, number, status, n in database.execute(QUERY)
            }

    def done(self) -> int:
        """How many trials have finished."""
        return sum(n for (role, _, status), n in self.counted().items() if _is_end(role, status))

    def is_at_peace(self) -> bool:
        """Whether all that was killed has been done since: no trial is to meet two kills."""
        counted = self.counted()
        numbers = {status: {key[:2] for key in counted if key[2] == status} for status in ENDS}
        return numbers["KILLED"] <= numbers["FINISHED"]

    def faults(self, expected: Stricken) -> list[str]:
        """What is not as in a project that nobody disturbed."""
        ends, found = time.monotonic() + GONE_SECONDS, []
        while self.processes() and time.monotonic() < ends:
            time.sleep(0.2)
        if left := self.processes():
            found.append(f"processes left: {left}")
        theirs, ours = expected.tables(), self.tables()
        found += [f"{name} differs" for name in theirs if theirs[name] != ours.get(name)]
        if not ours:
            found.append(self.said.read_text("utf-8")[-TOLD:])
        ours_finished, theirs_finished = _finished(self.counted()), _finished(expected.counted())
        if ours_finished != theirs_finished:
            found.append(f"finished runs: {ours_finished ^ theirs_finished}")
        if any(status == "RUNNING" for _, _, status in self.counted()):
            found.append("a run is RUNNING")
        return found


def _is_end(role: str, status: str) -> bool:
    return role == "trial" and status == "FINISHED"


def _finished(counted: dict[tuple[str, str, str], int]) -> set[tuple[str, str, int]]:
    return {
        (role, number, n) for (role, number, status), n in counted.items() if status == "FINISHED"
    }


def kill_workers(project: Stricken, kills: int, moments: random.Random) -> int:
    """Run the study; kill one of its workers now and then; how many were killed."""
    process, killed, next_at = project.begin(workers=2), 0, 1
    while process.poll() is None:
        time.sleep(0.1)
        if killed == kills or project.done() < next_at or not project.is_at_peace():
            continue
        time.sleep(moments.uniform(0, LATEST_SECONDS))
        victims = workers_of(process.pid)
        if victims and process.poll() is None:
            os.kill(moments.choice(victims), signal.SIGKILL)
            killed, next_at = killed + 1, project.done() + BETWEEN
    return killed


def kill_coordinators(project: Stricken, kills: int, moments: random.Random) -> int:
    """Run the study in sessions of which all but the last are killed; how many were."""
    for killed in range(kills):
        process, before = project.begin(workers=2), project.done()
        # not before this session has done something, or the study would never end
        while process.poll() is None and project.done() < min(before + 2, 29):
            time.sleep(0.1)
        time.sleep(moments.uniform(0, LATEST_SECONDS))
        if process.poll() is not None:
            return killed
        process.kill()
        process.wait()
    project.begin(workers=2).wait()
    return kills


def main() -> int:
    """Kill what was asked for; 1 if a study differs."""
    parser = parser_of(__doc__)
    parser.add_argument("--workers", type=int, default=30, help="how many of them are killed")
    parser.add_argument("--coordinators", type=int, default=10, help="how many of them")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    given = parser.parse_args()
    source, moments, wrong = find_root(Path.cwd()), random.Random(given.seed), 0
    with tempfile.TemporaryDirectory() as name:
        # by which all others are judged
        expected = Stricken(Path(name).resolve() / "undisturbed", source)
        expected.begin(workers=0).wait()
        print(f"undisturbed: {expected.done()} trials finished", flush=True)
        # few in each, so that it ends while most of its trials had peace
        number, left = 0, given.workers
        while left > 0:
            number += 1
            project = Stricken(expected.root.parent / f"workers-{number}", source)
            killed = kill_workers(project, min(KILLS_A_STUDY, left), moments)
            left -= killed
            wrong += told(f"study {number}", f"{killed} workers killed", project, expected)
        # one study for all of these, because each session goes on with it
        project = Stricken(expected.root.parent / "coordinators", source)
        killed = kill_coordinators(project, given.coordinators, moments)
        wrong += told("last study", f"{killed} coordinators killed", project, expected)
    return 1 if wrong else 0


def told(study: str, what: str, project: Stricken, expected: Stricken) -> bool:
    """Print what became of a study; whether something is wrong."""
    faults = project.faults(expected)
    by_status = Counter[str]()
    for (_, _, status), n in project.counted().items():
        by_status[status] += n
    runs = ", ".join(f"{status} {n}" for status, n in sorted(by_status.items()))
    print(f"{study}: {what}; runs {runs}; {'; '.join(faults) or 'as undisturbed'}", flush=True)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
