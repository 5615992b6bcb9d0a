"""What a report takes of many runs, and `mlflow.search_runs` with the same table beside it.

    python -m benchmarks.many_runs [--runs 10000] [--rounds 3]

Makes two stores, of 30 runs and of many, and reads each in processes of their own: the whole report
(tables, CSV, figure, page), and all runs through MLflow as a DataFrame, written as CSV. One report
of each store, which makes the lists of fonts, is not counted. Prints a Markdown table of seconds,
seconds of the processor and the most memory that a process held, a line a round, in turn; then how
much longer a report of many runs takes, the mean of the rounds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

from benchmarks.many_runs.make import NAME, make
from benchmarks.shared import parser_of
from framework.report import run_report
from framework.system import paths
from framework.tracking.store import Store

MODULE = "benchmarks.many_runs"
FEW = 30


def report(root: Path) -> None:
    """All files of a report."""
    run_report(Store.open(root, create=False), NAME, root=root, out=root / "out")


def search_runs(root: Path) -> None:
    """The same table through MLflow's own door: all trials, a column for each thing known."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{paths.store(root)}")
    frame = mlflow.search_runs(
        experiment_names=[NAME],
        filter_string="tags.`squeezelab.role` = 'trial'",
        max_results=1_000_000,
    )
    frame.to_csv(root / "search_runs.csv", index=False)


WAYS: dict[str, Callable[[Path], None]] = {"report": report, "search_runs": search_runs}


def main() -> None:
    """Make the stores, read them, print the table."""
    arguments = _arguments()
    if arguments.read:
        _measure(arguments.read, arguments.root)
        return
    more = []
    with tempfile.TemporaryDirectory() as folder:
        roots = {count: Path(folder) / str(count) for count in (FEW, arguments.runs)}
        for count, root in roots.items():
            root.mkdir()
            make(root, count)
            in_a_process("report", root)
        print("| | runs | seconds | processor seconds | MiB |\n|:--|--:|--:|--:|--:|")
        for _ in range(arguments.rounds):
            few, many = (_told("report", count, root) for count, root in roots.items())
            more.append(many - few)
        for count, root in roots.items():
            _told("search_runs", count, root)
    each = ", ".join(f"{seconds:.1f}" for seconds in more)
    print(f"\nA report of {arguments.runs} runs takes {mean(more):.1f} s longer ({each}).")


def _told(way: str, count: int, root: Path) -> float:
    """Print a line of the table; its seconds."""
    took = in_a_process(way, root)
    cells = (f"{took['seconds']:.1f}", f"{took['cpu']:.1f}", f"{took['mib']:.0f}")
    print(f"| {way} | {count} | {' | '.join(cells)} |", flush=True)
    return took["seconds"]


def _arguments() -> argparse.Namespace:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--read", choices=WAYS, help=argparse.SUPPRESS)  # what a child does
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def in_a_process(way: str, root: Path) -> dict[str, float]:
    """Of a fresh process, its start and its imports included."""
    began = time.perf_counter()
    command = [sys.executable, "-m", MODULE, "--read", way, "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    took: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return took | {"seconds": time.perf_counter() - began}


def _measure(way: str, root: Path) -> None:
    WAYS[way](root)
    used = resource.getrusage(resource.RUSAGE_SELF)
    # of Linux in KiB
    took = {"cpu": used.ru_utime + used.ru_stime, "mib": used.ru_maxrss / 1024}
    print(json.dumps(took))


if __name__ == "__main__":
    main()
