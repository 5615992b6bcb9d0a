"""Measures what docs say of strategies, and writes it to docs/results/strategies.

    make measurements                      # what is out of date, then docs/strategies.md
    make measurements NAME="qat"           # one or several tables: their rows out of date

What is measured is in docs/measurement_tables.py. A row is one chain on the dense net of a recipe
(docs/recipe_list.py), for each seed. Accuracy is that of the exported file on the validation split.
Each row is written as soon as it is measured, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter, truediv
from pathlib import Path
from typing import Any

from docs import pages
from docs.commands import chosen, command
from docs.measurement_rows import Measurement, Row, current, is_current, read
from docs.measurement_tables import MEASUREMENTS
from docs.recipes import trials
from framework import nn
from framework.cli.base import say
from framework.contracts import Catalog
from framework.errors import DataUnavailable
from framework.planning.parts import dataset_of, strategy_of
from framework.results.record import Record, quality_of
from framework.runner.baseline import Lab, fingerprint
from framework.study import Spec, Use

LINES = (  # of the size ledger
    "params_nonzero",
    "size_codebook_bytes",
    "size_entropy_bytes",
    "size_tflite_bytes",
    "size_tflite_compressed_bytes",
)
KEPT = (
    *LINES,
    "sparsity_asked",
    "sparsity_reached",
    "clusters_asked",
    "clusters_reached",
    "clusters_reached_per_channel",
    "bits_asked",
    "bits_reached",
    "touched_share",
    "quantized_share",
    "val_disagreement",
    "speedup_theoretical",
)
TIMES = ("fit_seconds", "speedup_measured", "speedup_measured_low", "speedup_measured_high")


def measure(row: Row, root: Path, lab: Lab) -> dict[str, Any]:
    """Compress, export and measure for each seed.

    Raises:
        SqueezelabError: a trial failed.
    """
    specs = row.specs(root, lab.catalog)
    quality = quality_of(lab.info(specs[0]).task)
    tried = [from_file(spec, root, lab) for spec in specs] if row.saved else specs
    # all seeds or none: the digest of a row is that of all of its seeds
    records = list(trials(row.name, tried, lab))
    values = _by_seed(records, quality)
    digits = " ".join(map("{:.4f}".format, values))
    say(f"{row.name}: {digits} ({records[0].times['fit_seconds']:.0f} s a seed)")
    return {
        "digest": row.digest(root, lab.catalog),
        **_described(row, specs[0], lab.catalog),
        "quality_name": quality,
        "quality": values,
        "baseline": _of_baseline(records, quality),
        "metrics": _series(KEPT, list(map(attrgetter("metrics"), records))),
        "ratios": {line: _ratios(records, line) for line in LINES},
        "times": _series(TIMES, list(map(attrgetter("times"), records))),
        "environment": fingerprint(),
    }


def _described(row: Row, spec: Spec, catalog: Catalog) -> dict[str, Any]:
    """What was measured, as it goes into the result; the spec is that of any seed."""
    knobs, epochs = [], 0
    for step in spec.compress:
        knobs.append(dict(step.knobs))
        epochs += strategy_of(step, catalog).budget()
    return {
        "net": "from_file" if row.saved else spec.architecture.name,
        "dataset": spec.dataset.name,
        "strategy": spec.strategy,
        "label": row.steps,
        "factor": row.factor,
        "knobs": knobs,
        "epochs": epochs,
        "seeds": list(row.seeds),
    }


def _series(names: Sequence[str], records: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Name -> the value of each record, of those that the first has."""
    series = {}
    for name in names:
        if name in records[0]:
            series[name] = [record[name] for record in records]
    return series


def _by_seed(records: Sequence[Record], name: str) -> list[float]:
    return [record.metrics[name] for record in records]


def _of_baseline(records: Sequence[Record], name: str) -> list[float]:
    """A metric of each seed's dense net, which is its own baseline and has no other."""
    return [record.metrics.get(f"baseline.{name}", record.metrics[name]) for record in records]


def _ratios(records: Sequence[Record], line: str) -> list[float]:
    """Dense / compressed on one line of the size ledger, by seed."""
    return list(map(truediv, _of_baseline(records, line), _by_seed(records, line)))


def from_file(spec: Spec, root: Path, lab: Lab) -> Spec:
    """The same chain on the trained net as a keras file has it."""
    dense = lab.baseline(spec.dense())
    model = nn.graph.build(dense.stage.graph)
    nn.graph.write_weights(model, dense.stage.weights)
    path = root / ".cache" / "saved" / f"{dense.digest}.keras"
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    version = lab.catalog.architectures.get("from_file").plugin_version
    knobs = lab.catalog.architectures.build("from_file", {"path": str(path)}).values()
    return replace(spec, architecture=Use("from_file", knobs, version=version))


def main() -> int:
    """Measure what is asked for, then write the page; 1 if a result fails its table's check."""
    return command(__doc__ or "", "MEASUREMENT", run)


def run(root: Path, names: list[str], catalog: Catalog) -> int:
    """As the command line.

    The rows out of date whose data is here, of all measurements or of the named ones.
    """
    named = chosen("measurement", names, MEASUREMENTS)
    lab, wrong = Lab(root, catalog), list[str]()
    for measurement in named or MEASUREMENTS:
        wrong += _measured(measurement, root, lab)
        # after each table: the next may take hours
        pages.write(root, catalog)
    for line in wrong:
        say(line)
    return int(bool(wrong))


def _measured(measurement: Measurement, root: Path, lab: Lab) -> list[str]:
    """Measure the rows of one table that are out of date; what is wrong with the table."""
    for row in measurement.rows:
        results = read(measurement, root)
        if is_current(row, results, root, lab.catalog):
            continue
        try:
            dataset_of(row.specs(root, lab.catalog)[0], lab.catalog, root).check_available(root)
        except DataUnavailable as error:
            say(f"{measurement.name}: left out. {error.what}")
            return []
        results[row.name] = measure(row, root, lab)
        # after each row, so that an interrupted run goes on where it stopped
        _write(measurement, results, root)
    return measurement.check(current(measurement, root, lab.catalog))


def _write(measurement: Measurement, results: Mapping[str, Any], root: Path) -> None:
    """The results of the table's rows, in its order; those of rows that it has no more are left."""
    kept = {}
    for row in measurement.rows:
        if row.name in results:
            kept[row.name] = results[row.name]
    file = measurement.file(root)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
