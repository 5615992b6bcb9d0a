"""Accuracy (R2 for regression) of a study's dense net.

    .venv/bin/python -m benchmarks.recipes lenet5_prune --set dataset=mnist --seeds 0 1 2

Exported file, validation split, one line per seed, their mean. Nets come from the cache of
baselines where they are there; nothing is logged.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from benchmarks.shared import measured, study_parser
from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.results.record import quality_of
from framework.runner.baseline import Lab
from framework.system.paths import find_root


def main() -> None:
    """Train, export and measure one net per seed."""
    arguments = study_parser(__doc__).parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    planned = plan(root, arguments.study, settings=arguments.set, catalog=catalog)
    quality, lab = quality_of(planned.task), Lab(root, catalog)
    values = []
    for seed in arguments.seeds:
        began = time.monotonic()
        spec = replace(planned.study, seed=seed).fix(first_value).dense()
        value = measured(spec, lab).metrics[quality]
        seconds = time.monotonic() - began
        # at once: each seed may train for an hour
        print(f"seed {seed}: {quality} {value:.4f}  ({seconds:.0f} s)", flush=True)
        values.append(value)
    # one value has no deviation
    spread = f" ± {stdev(values):.4f} (n = {len(values)})" if len(values) > 1 else ""
    print(f"{spec.architecture.name} on {spec.dataset.name}: mean {mean(values):.4f}{spread}")


if __name__ == "__main__":
    main()
