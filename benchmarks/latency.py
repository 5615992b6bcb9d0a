"""A/A check of the latency protocol: a file timed against itself must not differ from itself.

    .venv/bin/python -m benchmarks.latency lenet5_prune squeezenet_prune --repeats 200

Each repeat is one measurement as a trial makes it; printed is how often its 99 % interval leaves
out 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

import numpy as np

from benchmarks.shared import parser_of
from framework.contracts import Catalog
from framework.nn import tflite
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.runner.baseline import Lab
from framework.system.paths import find_root


def main() -> None:
    """Repeat the measurement on each study's dense net."""
    parser = parser_of(__doc__)
    parser.add_argument("studies", nargs="+")
    parser.add_argument("--repeats", type=int, default=200)
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    for name in arguments.studies:
        spec = plan(root, name, settings=[], catalog=catalog).study.fix(first_value).dense()
        file = tflite.converter.to_tflite(lab.baseline(spec).stage)
        samples = lab.splits(spec).validation
        timings = [tflite.latency.compare(file, file, samples) for _ in range(arguments.repeats)]
        # at once: the next study may take long
        print(f"{name}: {summary(timings)}", flush=True)


def summary(timings: Sequence[tflite.latency.Comparison]) -> str:
    """How often a difference was found, and how wide the intervals are."""
    low = np.array(list(map(attrgetter("speedup.low"), timings)))
    high = np.array(list(map(attrgetter("speedup.high"), timings)))
    latencies = list(map(attrgetter("latency_us.value"), timings))
    # the same file twice: an interval without 1 finds a difference that is not there
    differ = np.count_nonzero(~((low <= 1) & (high >= 1)))
    return (
        f"{differ} of {len(timings)} call a difference; "
        f"median interval {np.median(high / low - 1):.1%} wide, "
        f"median latency {np.median(latencies):.0f} us"
    )


if __name__ == "__main__":
    main()
