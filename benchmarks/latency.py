"""A/A check of the latency protocol: a file timed against itself must not differ from itself.

    .venv/bin/python -m benchmarks.latency lenet5_prune squeezenet_prune --repeats 200
    .venv/bin/python -m benchmarks.latency lenet5_prune --repeats 100 --workers 3

Each repeat is one measurement as a study makes it, in this process or in one of its workers after
each has had a run; printed is how often its 99 % interval leaves out 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.shared import parser_of
from framework.contracts import Catalog
from framework.nn import tflite
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.results.record import Record
from framework.runner import measurement
from framework.runner.baseline import Lab
from framework.runner.engine.interface import Task
from framework.runner.engine.workers import Workers
from framework.study import Spec
from framework.system.paths import find_root


def main() -> None:
    """Repeat the measurement on each study's dense net."""
    parser = parser_of(__doc__)
    parser.add_argument("studies", nargs="+")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--workers", type=int, default=0)
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    for name in arguments.studies:
        spec = plan(root, name, settings=[], catalog=catalog).study.fix(first_value).dense()
        file = tflite.converter.to_tflite(lab.baseline(spec).stage)
        if arguments.workers:
            timings = by_workers(root, spec, file, arguments)
        else:
            timings = [
                measurement.latencies(file, file, spec, lab) for _ in range(arguments.repeats)
            ]
        # at once: the next study may take long
        print(f"{name}: {summary(timings)}", flush=True)


def by_workers(
    root: Path, spec: Spec, file: bytes, arguments: argparse.Namespace
) -> list[dict[str, float]]:
    """Timings by one worker of several, each of which has trained a net before."""
    with closing(Workers(root, slots=arguments.workers, first=spec)) as engine:
        running = set[Future[Record]]()
        for seed in range(arguments.workers):
            task = Task(replace(spec, seed=seed), None, lambda *_: None)
            running.add(engine.submit(task))
        while running:
            running -= engine.ended(running)
        return [engine.time(spec, file, file) for _ in range(arguments.repeats)]


def summary(timings: Sequence[Mapping[str, float]]) -> str:
    """How often a difference was found, and how wide the intervals are."""
    low = np.array([timing["speedup_measured_low"] for timing in timings])
    high = np.array([timing["speedup_measured_high"] for timing in timings])
    latencies = [timing["latency_us_p50"] for timing in timings]
    # the same file twice: an interval without 1 finds a difference that is not there
    differ = np.count_nonzero(~((low <= 1) & (high >= 1)))
    return (
        f"{differ} of {len(timings)} call a difference; "
        f"median interval {np.median(high / low - 1):.1%} wide, "
        f"median latency {np.median(latencies):.0f} us"
    )


if __name__ == "__main__":
    main()
