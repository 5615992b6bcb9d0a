"""A/A check of the latency protocol: a file timed against itself must not differ from itself.

    .venv/bin/python benchmarks/latency.py lenet5_prune squeezenet_prune --repeats 200

Each repeat is one measurement as a trial makes it; printed is how often its 99 % interval leaves
out 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from framework.contracts import Catalog
from framework.nn import tflite
from framework.planning.plan import plan
from framework.planning.project import find_root
from framework.planning.resolve import first_value
from framework.runner.baseline import Lab


def main() -> None:
    """Repeat the measurement on each study's dense net."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+")
    parser.add_argument("--repeats", type=int, default=200)
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    for name in arguments.studies:
        spec = plan(root, name, settings=[], catalog=catalog).study.fix(first_value).dense()
        file = tflite.converter.to_tflite(lab.baseline(spec).stage)
        samples = lab.splits(spec).validation
        found = [tflite.latency.compare(file, file, samples) for _ in range(arguments.repeats)]
        differ = sum(not one.speedup.low <= 1 <= one.speedup.high for one in found)
        widths = np.array([one.speedup.high / one.speedup.low - 1 for one in found])
        latency = np.median([one.latency_us.value for one in found])
        print(
            f"{name}: {differ} of {arguments.repeats} call a difference; "
            f"median interval {np.median(widths):.1%} wide, median latency {latency:.0f} us",
            flush=True,
        )


if __name__ == "__main__":
    main()
