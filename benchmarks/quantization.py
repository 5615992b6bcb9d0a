"""Post-training quantization of dense nets.

Accuracy, size and latency beside each other, as a Markdown table.

    .venv/bin/python benchmarks/quantization.py squeezenet_prune lenet5_prune lenet_300_100_prune
    --seeds 0 1 2 .venv/bin/python benchmarks/quantization.py lenet5_prune --set dataset=mnist --set
    train.batch_size=64

The nets are the baselines of these studies. Accuracy of the exported file on the validation split;
latency for one sample, one thread, timed beside the float file. Nothing is logged; baselines come
from the cache where they are there.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, median

from framework.contracts import Catalog
from framework.errors import SqueezelabError
from framework.planning.plan import plan
from framework.planning.project import find_root
from framework.planning.resolve import first_value
from framework.runner import trial
from framework.runner.baseline import Lab
from framework.study import Study

MODES = {
    "float32": "identity",
    "float16": "ptq format=float16",
    "dynamic": "ptq format=dynamic",
    "int8": "ptq format=int8",
    "int8, per tensor": "ptq format=int8 scales=per_tensor",
}
HEADS = (
    "net | format | accuracy by seed (%) | mean (%) | drop (points) | bytes | ratio | latency "
    "(us) | speed-up"
)


def main() -> None:
    """Quantize each study's dense net in every format."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    print(f"| {HEADS} |\n|{'---|' * (HEADS.count('|') + 1)}")
    for name in arguments.studies:
        for mode, step in MODES.items():
            strategy, *knobs = step.split()
            settings = [
                *arguments.set,
                f"compress={strategy}",
                *(f"compress.0.{knob}" for knob in knobs),
            ]
            study = plan(root, name, settings=settings, catalog=catalog).study
            found = [one(replace(study, seed=seed), lab) for seed in arguments.seeds]
            print(f"| {study.architecture.name} | {mode} | {row(found)} |", flush=True)


def one(study: Study, lab: Lab) -> Mapping[str, float]:
    """Every value of one net in one format."""
    record = trial.run(study.fix(first_value), lab)
    if record.reason:
        raise SqueezelabError(f"seed {study.seed} failed: {record.reason}", given=record.error)
    return {**record.metrics, **record.times}


def row(found: Sequence[Mapping[str, float]]) -> str:
    """The seeds of one net in one format."""
    accuracies = [values["val_accuracy"] for values in found]
    size = mean(values["size_tflite_bytes"] for values in found)
    dense = mean(values["baseline.size_tflite_bytes"] for values in found)
    cells = [
        " ".join(f"{100 * value:.2f}" for value in accuracies),
        f"{100 * mean(accuracies):.2f}",
        f"{100 * mean(values['accuracy_drop'] for values in found):.2f}",
        f"{size:,.0f}",
        f"{dense / size:.2f}x",
        f"{median(values['latency_us_p50'] for values in found):.1f}",
        f"{median(values['speedup_measured'] for values in found):.2f}x",
    ]
    return " | ".join(cells)


if __name__ == "__main__":
    main()
