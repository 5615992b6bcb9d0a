"""Uniform beside Erdos-Renyi-kernel proportions at one sparsity.

Exported file, validation split, a line per seed.

    .venv/bin/python benchmarks/proportions.py squeezenet_prune --sparsity 0.82 --epochs 8 --seeds 0
    1 2 .venv/bin/python benchmarks/proportions.py squeezenet_prune --seeds 0 --set dataset=mnist
    --set train.epochs=3

Nothing is logged; baselines come from the cache where they are there.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import mean

from framework.contracts import Catalog
from framework.errors import SqueezelabError
from framework.planning.plan import plan
from framework.planning.project import find_root
from framework.planning.resolve import first_value
from framework.runner import trial
from framework.runner.baseline import Lab
from framework.study import Study


def main() -> None:
    """Prune one net per proportion and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--sparsity", type=float, default=0.82)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    for layers in ("uniform", "erk"):
        step = {"layers": layers, "sparsity": arguments.sparsity, "epochs": arguments.epochs}
        settings = [*arguments.set, *(f"compress.0.{name}={value}" for name, value in step.items())]
        study = plan(root, arguments.study, settings=settings, catalog=catalog).study
        found = [one(replace(study, seed=seed), lab) for seed in arguments.seeds]
        print(f"{layers}: mean {mean(found):.4f} (n = {len(found)})", flush=True)


def one(study: Study, lab: Lab) -> float:
    """Accuracy of one pruned net.

    Prints it beside its baseline's and the share of all parameters that are zero.
    """
    record = trial.run(study.fix(first_value), lab)
    if record.reason:
        raise SqueezelabError(f"seed {study.seed} failed: {record.reason}", given=record.error)
    values = record.metrics
    zeros = 1 - values["params_nonzero"] / values["params_total"]
    compared = f"{values['val_accuracy']:.4f}, baseline {values['baseline.val_accuracy']:.4f}"
    print(f"  seed {study.seed}: {compared}, {zeros:.1%} of all parameters zero", flush=True)
    return float(values["val_accuracy"])


if __name__ == "__main__":
    main()
