"""What a trial costs besides its training, by phase, from the first trials to the last.

    .venv/bin/python -m benchmarks.engine.bookkeeping lenet_300_100_prune --trials 500
    .venv/bin/python -m benchmarks.engine.bookkeeping lenet_300_100_prune --workers 2 --memory 2

Runs the study in a folder that is removed at the end, with its dense net trained for three epochs
and each trial for one. Prints the means of trials 21 to 70 and of the last 50: seconds in `fit`, in
the exporter, in metrics, in the rest of the trial (the net before and after its training), and what
lies between a trial's end and the next one's beginning: asking, the store, progress. With workers
that is not told, because trials overlap. Then what processes held: this one or the workers at the
ends of trials, and at most.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from threading import Event, Thread
from typing import Any

from benchmarks.cluster_demo import Watching
from benchmarks.shared import study_parser, workers_of
from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.runner import coordinator
from framework.runner.events import Ended
from framework.system.child import resident_bytes
from framework.system.paths import find_root

EARLY = slice(20, 70)
LAST = 50
LOOK_SECONDS = 0.1
SHORT = ("train.epochs=3", "train.warmup_epochs=0", "compress.0.epochs=1", "sampler=tpe")
TIMED = ("fit_seconds", "export_seconds", "measure_seconds")
COLUMNS = ("fit", "export", "measure", "rest of the trial", "bookkeeping")


class Clock(Watching):
    """The progress of a study, and when each of its trials ended."""

    def __init__(self, root: Path, work: Memory) -> None:
        super().__init__(root, lambda: None)
        self.trials = list[dict[str, float]]()
        self._work, self._last = work, time.monotonic()

    def ended(self, event: Ended) -> None:
        """As `Progress`; a trial is noted."""
        super().ended(event)
        now = time.monotonic()
        if event.of:
            self._work.mark(event.position)
            self.trials.append(phases(event.record.times, now - self._last))
        self._last = now


def phases(times: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Seconds of a trial by phase.

    Args:
        times: as of its record.
        seconds: from the end of the trial before to its own.
    """
    parts = [times.get(name, 0.0) for name in TIMED]
    rest = times["seconds"] - sum(parts)
    return dict(zip(COLUMNS, [*parts, rest, seconds - times["seconds"]], strict=True))


class Memory(Thread):
    """Looks at what processes hold.

    Args:
        workers: at those of this process, in place of this one.
    """

    def __init__(self, *, workers: bool) -> None:
        super().__init__(daemon=True)
        self._workers, self._over = workers, Event()
        self.most = dict[int, int]()  # process -> bytes
        self.marks = dict[int, int]()  # trials that have ended -> bytes of the largest

    def run(self) -> None:
        """Until it is over."""
        while not self._over.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> int:
        """What the largest holds now."""
        processes = workers_of(os.getpid()) if self._workers else [os.getpid()]
        held = {process: resident_bytes(process) for process in processes}
        for process, size in held.items():
            self.most[process] = max(size, self.most.get(process, 0))
        return max(held.values(), default=0)

    def mark(self, trials: int) -> None:
        """Note what is held after so many trials."""
        self.marks[trials] = self.look()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()


def table(trials: list[dict[str, float]]) -> list[str]:
    """Means of early and of late trials, as lines of Markdown; of their ratio."""
    parts = {f"{EARLY.start + 1} to {EARLY.stop}": trials[EARLY]}
    parts[f"the last {LAST}"] = trials[-LAST:]
    lines = [f"| trials | {' | '.join(f'{name}, ms' for name in COLUMNS)} |"]
    lines.append("|---" + "|--:" * len(COLUMNS) + "|")
    means = {}
    for name, some in parts.items():
        means[name] = [1000 * mean(trial[column] for trial in some) for column in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(f"{value:.0f}" for value in means[name]) + " |")
    early, late = means.values()
    ratios = " | ".join(f"{b / a:.2f}" for a, b in zip(early, late, strict=True))
    return [*lines, f"| ratio | {ratios} |"]


def held(memory: Memory) -> list[str]:
    """Lines on what processes held."""
    last = max(memory.marks)
    marks = sorted({50, last // 2, last} & set(memory.marks))
    at = ", ".join(f"{memory.marks[mark] / 2**20:.0f} MiB after {mark}" for mark in marks)
    most = max(memory.most.values()) / 2**20
    return [
        "",
        f"Held: {at} trials; at most {most:.0f} MiB, by one of {len(memory.most)} processes.",
    ]


def main() -> None:
    """Run the study and print what it cost."""
    parser = study_parser(__doc__)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--memory", type=float, default=None, help="GiB that each worker may hold")
    given = parser.parse_args()
    if given.trials < EARLY.stop:
        parser.error(f"--trials: at least {EARLY.stop}, given {given.trials}")
    source, catalog = find_root(Path.cwd()), Catalog()
    memory = Memory(workers=bool(given.workers))
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        # empty: no trial of before is gone on with
        (root / "studies").mkdir()
        shutil.copy(source / "studies" / f"{given.study}.py", root / "studies")
        settings = [*SHORT, f"trials={given.trials}", *given.set]
        planned = plan(root, given.study, settings=settings, catalog=catalog)
        options: dict[str, Any] = {"catalog": catalog, "workers": given.workers}
        if given.memory:
            options["memory_bytes"] = int(given.memory * 2**30)
        # from here on: what the plan took is no part of it
        memory.start()
        clock = Clock(root, memory)
        with clock:
            coordinator.run(planned, root, observer=clock, **options)
        memory.stop()
    print("\n".join([*([] if given.workers else table(clock.trials)), *held(memory)]))


if __name__ == "__main__":
    main()
