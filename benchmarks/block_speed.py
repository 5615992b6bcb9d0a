"""Zeros in blocks and scattered zeros: how fast the file is, and what the zeros cost.

    .venv/bin/python -m benchmarks.block_speed lenet_300_100_prune --sparsity 0.9 --seeds 0 1 2
    .venv/bin/python -m benchmarks.block_speed lenet_300_100_prune \\
        --set dataset=mnist --set train.batch_size=64

A table in Markdown: the dense net, magnitude_prune and block_prune at one sparsity. Each file is
timed next to the dense net's as a trial does it (one thread, 99 % intervals); for the dense net
that is the check of the clock. Accuracy of the exported file on the validation split. Nothing is
logged; baselines come from the cache where they are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.shared import measured, study_parser
from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.report.speed import gap_reason
from framework.runner.baseline import Lab
from framework.study import Study, Use
from framework.system.paths import find_root

HEADS = (
    "net | seed | accuracy (%) | kernels' zeros (%) | bytes | latency (us) | speed-up (99 %) | in "
    "theory | reason"
)
METHODS = ("magnitude_prune", "block_prune")


def main() -> None:
    """One row for each net and seed."""
    parser = study_parser(__doc__)
    parser.add_argument("--sparsity", type=float, nargs="+", default=[0.9])
    parser.add_argument("--layers", default="erk")
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    study = plan(root, arguments.study, settings=arguments.set, catalog=catalog).study
    print(f"| {HEADS} |\n|{'---|' * (HEADS.count('|') + 1)}")
    for name, step in steps(arguments.sparsity, arguments.layers, arguments.epochs):
        for seed in arguments.seeds:
            values = trial_values(replace(study, compress=(step,), seed=seed), lab)
            # at once: a row takes minutes, and an interrupt is to leave those that are done
            print(f"| {name} | {seed} | {row(values)} |", flush=True)


def steps(sparsities: Sequence[float], layers: str, epochs: int) -> Iterator[tuple[str, Use]]:
    """Name and step of each net; the dense one is trained on for as long."""
    yield "dense", Use("identity", {"epochs": epochs})
    for sparsity in sparsities:
        knobs = {"sparsity": sparsity, "layers": layers, "epochs": epochs}
        for method in METHODS:
            yield f"{method} {sparsity:.0%}", Use(method, knobs)


def trial_values(study: Study, lab: Lab) -> Mapping[str, float]:
    """Every value of one net."""
    record = measured(study.fix(first_value), lab)
    return {**record.metrics, **record.times}


def row(values: Mapping[str, float]) -> str:
    """The cells of one net."""
    low, high = values["speedup_measured_low"], values["speedup_measured_high"]
    cells = [
        f"{100 * values['val_accuracy']:.2f}",
        f"{100 * values.get('sparsity_reached', 0.0):.1f}",
        f"{values['size_tflite_bytes']:,.0f}",
        f"{values['latency_us_p50']:.1f}",
        f"{values['speedup_measured']:.2f} ({low:.2f} to {high:.2f})",
        f"{values['speedup_theoretical']:.2f}",
        gap_reason(values),
    ]
    return " | ".join(cells)


if __name__ == "__main__":
    main()
