"""One study in several places, in turn: seconds of whole commands, and whether tables are the same.

    .venv/bin/python -m benchmarks.engine.places squeezenet_prune --places 1 2 --rounds 3
    .venv/bin/python -m benchmarks.engine.places lenet5_shootout --places 0 1 2 3 ray-1 ray-2

A place is a number of worker processes, 0 for the command's own process; or `ray-N`, a cluster of N
nodes of one CPU on this machine, which is up before the clock starts and has no dashboard. The
dense nets are trained beforehand; every run begins the study anew, from the start of Python to the
report. Prints a line a run, with a digest of its tables and figures, by which two commands can be
compared; then for each place the mean and how many times as fast as the first place it is. Ends
with 1 if a table or figure is not the same bytes in all runs.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.cluster_demo import OBJECT_STORE_BYTES
from benchmarks.engine.project import Project
from benchmarks.shared import parser_of
from framework.runner.engine.cluster import joining
from framework.study.spec import digest_of
from framework.system.paths import find_root
from framework.tracking.artifacts import sha256_of

RAY = "ray-"


@contextmanager
def nodes(count: int) -> Iterator[str]:
    """A cluster of so many nodes of one CPU; its address."""
    joining.library()
    import ray.cluster_utils

    make: Any = ray.cluster_utils.Cluster  # a class without types
    node = {"num_cpus": 1, "object_store_memory": OBJECT_STORE_BYTES}
    head = {**node, "include_dashboard": False}
    cluster = make(initialize_head=True, connect=False, head_node_args=head)
    try:
        for _ in range(count - 1):
            cluster.add_node(**node)
        yield cluster.address
    finally:
        cluster.shutdown()


@contextmanager
def options_of(place: str) -> Iterator[list[str]]:
    """How the command is told where to run."""
    if place.startswith(RAY):
        with nodes(int(place.removeprefix(RAY))) as address:
            yield ["--cluster", address]
    else:
        yield ["--workers", place]


def prepare(project: Project) -> None:
    """Train the dense nets, by a study of one trial that no run goes on with."""
    wait(project, "--workers", "0", "--set", "trials=1")
    shutil.rmtree(project.root / "reports" / "out", ignore_errors=True)


def wait(project: Project, *options: str) -> float:
    """The seconds of a command.

    Raises:
        SystemExit: it failed.
    """
    began = time.monotonic()
    if project.start(*options).wait():
        sys.exit(project.said.read_text("utf-8"))
    return time.monotonic() - began


def run(project: Project, place: str) -> tuple[float, dict[str, bytes]]:
    """Seconds of the study, begun anew, and its tables."""
    with options_of(place) as options:
        seconds = wait(project, "--fresh", *options)
    return seconds, project.tables()


def differing(tables: Mapping[str, bytes], expected: Mapping[str, bytes]) -> list[str]:
    """Names of files that are in one of them alone, or not the same bytes."""
    names = sorted({*tables, *expected})
    return [name for name in names if tables.get(name) != expected.get(name)]


def digest(tables: Mapping[str, bytes]) -> str:
    """The first eight digits of what tells tables from others."""
    return digest_of({name: sha256_of(content) for name, content in tables.items()})[:8]


def main() -> int:
    """Run the study; 1 if a table differs."""
    parser = parser_of(__doc__)
    parser.add_argument("study")
    parser.add_argument("--places", nargs="+", default=["1", "2"])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    took = defaultdict[str, list[float]](list)
    expected: dict[str, bytes] = {}
    wrong = False
    # one token for all clusters: Ray keeps to the first of a process
    with tempfile.TemporaryDirectory() as name, joining.environment(secrets.token_hex(32)):
        project = Project(Path(name).resolve() / "project", find_root(Path.cwd()), given.study)
        prepare(project)
        for number in range(given.rounds):
            for place in given.places:
                seconds, tables = run(project, place)
                expected = expected or tables
                took[place].append(seconds)
                others = differing(tables, expected)
                wrong = wrong or bool(others)
                names = ", ".join(others) or "none"
                what = f"{names} of {len(tables)} files differ ({digest(tables)})"
                line = f"round {number + 1}, {given.study} in {place}: {seconds:.1f} s"
                print(f"{line}, load {os.getloadavg()[0]:.1f}; {what}", flush=True)
    first = mean(took[given.places[0]])
    for place, times in took.items():
        print(f"{place}: mean {mean(times):.1f} s, {first / mean(times):.2f} times as fast")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
