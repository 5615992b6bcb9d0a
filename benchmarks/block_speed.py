"""Zeros in blocks beside scattered zeros.

How fast the file is, and what the zeros cost, a table in Markdown.

    .venv/bin/python benchmarks/block_speed.py lenet_300_100_prune --sparsity 0.9 --epochs 4 --seeds
    0 1 2 .venv/bin/python benchmarks/block_speed.py lenet_300_100_prune --set dataset=mnist --set
    train.batch_size=64

The dense net, magnitude_prune and block_prune at one sparsity. Each file is timed beside the dense
net's as a trial does it (one thread, 99 % intervals); for the dense net that is the check of the
clock. Accuracy of the exported file on the validation split. Nothing is logged; baselines come from
the cache where they are there.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from framework.contracts import Catalog
from framework.errors import SqueezelabError
from framework.planning.plan import plan
from framework.planning.project import find_root
from framework.planning.resolve import first_value
from framework.report.speed import gap_reason
from framework.runner import trial
from framework.runner.baseline import Lab
from framework.study import Study, Use

HEADS = (
    "net | seed | accuracy (%) | kernels' zeros (%) | bytes | latency (us) | speed-up (99 %) | in "
    "theory | reason"
)


def main() -> None:
    """One row for each net and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--sparsity", type=float, nargs="+", default=[0.9])
    parser.add_argument("--layers", default="erk")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    study = plan(root, arguments.study, settings=arguments.set, catalog=catalog).study
    print(f"| {HEADS} |\n|{'---|' * (HEADS.count('|') + 1)}")
    for name, step in steps(arguments.sparsity, arguments.layers, arguments.epochs):
        for seed in arguments.seeds:
            print(
                f"| {name} | {seed} | {row(one(replace(study, compress=step, seed=seed), lab))} |",
                flush=True,
            )


def steps(
    sparsities: Sequence[float], layers: str, epochs: int
) -> list[tuple[str, tuple[Use, ...]]]:
    """Name and step of each net; the dense one is trained on for as long."""
    found: list[tuple[str, tuple[Use, ...]]] = [("dense", (Use("identity", {"epochs": epochs}),))]
    for sparsity in sparsities:
        knobs = {"sparsity": sparsity, "layers": layers, "epochs": epochs}
        found += [
            (f"{name} {sparsity:.0%}", (Use(name, knobs),))
            for name in ("magnitude_prune", "block_prune")
        ]
    return found


def one(study: Study, lab: Lab) -> Mapping[str, float]:
    """Every value of one net."""
    record = trial.run(study.fix(first_value), lab)
    if record.reason:
        raise SqueezelabError(f"seed {study.seed} failed: {record.reason}", given=record.error)
    return {**record.metrics, **record.times}


def row(values: Mapping[str, float]) -> str:
    """The cells of one net."""
    speed, low, high = (values[f"speedup_measured{end}"] for end in ("", "_low", "_high"))
    cells = [
        f"{100 * values['val_accuracy']:.2f}",
        f"{100 * values.get('sparsity_reached', 0.0):.1f}",
        f"{values['size_tflite_bytes']:,.0f}",
        f"{values['latency_us_p50']:.1f}",
        f"{speed:.2f} ({low:.2f} to {high:.2f})",
        f"{values['speedup_theoretical']:.2f}",
        gap_reason(values),
    ]
    return " | ".join(cells)


if __name__ == "__main__":
    main()
