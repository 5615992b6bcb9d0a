"""Uniform and Erdos-Renyi-kernel proportions at one sparsity.

    .venv/bin/python -m benchmarks.proportions squeezenet_prune --sparsity 0.82 --seeds 0 1 2
    .venv/bin/python -m benchmarks.proportions squeezenet_prune --seeds 0 \\
        --set dataset=mnist --set train.epochs=3

Exported file, validation split, a line per seed. Nothing is logged; baselines come from the cache
where they are there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import mean

from benchmarks.shared import measured, study_parser
from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.runner.baseline import Lab
from framework.study import Study
from framework.system.paths import find_root


def main() -> None:
    """Prune one net per proportion and seed."""
    parser = study_parser(__doc__)
    parser.add_argument("--sparsity", type=float, default=0.82)
    parser.add_argument("--epochs", type=int, default=8)
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    for layers in ("uniform", "erk"):
        settings = [
            *arguments.set,
            f"compress.0.layers={layers}",
            f"compress.0.sparsity={arguments.sparsity}",
            f"compress.0.epochs={arguments.epochs}",
        ]
        study = plan(root, arguments.study, settings=settings, catalog=catalog).study
        accuracies = [accuracy(replace(study, seed=seed), lab) for seed in arguments.seeds]
        # at once: the next proportion takes as long again
        print(f"{layers}: mean {mean(accuracies):.4f} (n = {len(accuracies)})", flush=True)


def accuracy(study: Study, lab: Lab) -> float:
    """Accuracy of one pruned net.

    Prints it with its baseline's and the share of all parameters that are zero.
    """
    values = measured(study.fix(first_value), lab).metrics
    zeros = 1 - values["params_nonzero"] / values["params_total"]
    compared = f"{values['val_accuracy']:.4f}, baseline {values['baseline.val_accuracy']:.4f}"
    print(f"  seed {study.seed}: {compared}, {zeros:.1%} of all parameters zero", flush=True)
    return float(values["val_accuracy"])


if __name__ == "__main__":
    main()
