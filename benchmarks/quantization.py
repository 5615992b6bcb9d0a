"""Post-training quantization of dense nets: accuracy, size and latency.

    .venv/bin/python -m benchmarks.quantization squeezenet_prune lenet5_prune lenet_300_100_prune
    .venv/bin/python -m benchmarks.quantization lenet5_prune \\
        --set dataset=mnist --set train.batch_size=64

A table in Markdown. The nets are the baselines of these studies. Accuracy of the exported file on
the validation split; latency for one sample, one thread, timed next to the float file. Nothing is
logged; baselines come from the cache where they are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, median

from benchmarks.shared import measured, study_parser
from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.planning.resolve import first_value
from framework.results.record import Record
from framework.runner.baseline import Lab
from framework.system.paths import find_root

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
    arguments = study_parser(__doc__, several=True).parse_args()
    root, catalog = find_root(Path.cwd()), Catalog()
    lab = Lab(root, catalog)
    print(f"| {HEADS} |\n|{'---|' * (HEADS.count('|') + 1)}")
    for name in arguments.studies:
        for mode, step in MODES.items():
            settings = [*arguments.set, *compress_settings(step)]
            study = plan(root, name, settings=settings, catalog=catalog).study
            specs = [replace(study, seed=seed).fix(first_value) for seed in arguments.seeds]
            records = [measured(spec, lab) for spec in specs]
            print(f"| {specs[0].architecture.name} | {mode} | {row(records)} |", flush=True)


def compress_settings(step: str) -> list[str]:
    """The overrides that make this step the whole chain of a study."""
    strategy, *knobs = step.split()
    return [f"compress={strategy}", *map("compress.0.{}".format, knobs)]


def row(records: Sequence[Record]) -> str:
    """The seeds of one net in one format."""
    accuracies = _metric(records, "val_accuracy")
    size = mean(_metric(records, "size_tflite_bytes"))
    dense = mean(_metric(records, "baseline.size_tflite_bytes"))
    cells = [
        " ".join(map(_percent, accuracies)),
        _percent(mean(accuracies)),
        _percent(mean(_metric(records, "accuracy_drop"))),
        f"{size:,.0f}",
        f"{dense / size:.2f}x",
        f"{median(_time(records, 'latency_us_p50')):.1f}",
        f"{median(_time(records, 'speedup_measured')):.2f}x",
    ]
    return " | ".join(cells)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _metric(records: Sequence[Record], name: str) -> list[float]:
    return [record.metrics[name] for record in records]


def _time(records: Sequence[Record], name: str) -> list[float]:
    return [record.times[name] for record in records]


if __name__ == "__main__":
    main()
