"""Accuracy (R2 for regression) of a study's dense net.

Exported file, validation split, one line per seed, their mean.

    .venv/bin/python benchmarks/recipes.py lenet5_prune --set dataset=mnist --seeds 0 1 2

Nets come from the cache of baselines where they are there; nothing is logged.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from framework.contracts import Catalog
from framework.errors import SqueezelabError
from framework.planning.plan import plan
from framework.planning.project import find_root
from framework.planning.resolve import first_value
from framework.results.record import quality_of
from framework.runner import trial
from framework.runner.baseline import Lab


def main() -> None:
    """Train, export and measure one net per seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    planned = plan(root, arguments.study, settings=arguments.set, catalog=catalog)
    study, quality = planned.study, quality_of(planned.task)
    lab = Lab(root, catalog)
    found = []
    for seed in arguments.seeds:
        began = time.monotonic()
        spec = replace(study, seed=seed).fix(first_value).dense()
        record = trial.run(spec, lab)
        if record.reason:
            raise SqueezelabError(f"seed {seed} failed: {record.reason}", given=record.error)
        found.append(record.metrics[quality])
        print(
            f"seed {seed}: {quality} {found[-1]:.4f}  ({time.monotonic() - began:.0f} s)",
            flush=True,
        )
    spread = f" ± {stdev(found):.4f} (n = {len(found)})" if len(found) > 1 else ""
    print(f"{study.architecture.name} on {study.dataset.name}: mean {mean(found):.4f}{spread}")


if __name__ == "__main__":
    main()
