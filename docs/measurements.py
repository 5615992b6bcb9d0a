"""What docs say of strategies: nets compressed and measured, written to docs/results/strategies.

    make measurements                      # what is out of date, then docs/strategies.md
    make measurements NAME="qat"           # one or several, whether out of date or not

A row is one chain on the dense net of a recipe (docs/recipes.py), for each seed. Accuracy is that
of the exported file on the validation split. A row carries the digest of what made it: the page
shows a row only as long as that is the row as it stands, and names those still to be measured. Each
is written as soon as it is measured, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from recipes import RECIPES, RESULTS, Recipe, command

from framework import nn, use
from framework.cli.base import say
from framework.contracts import Catalog
from framework.errors import DataUnavailable, SqueezelabError, UnknownName
from framework.planning.resolve import dataset_of
from framework.results.record import quality_of
from framework.runner import trial
from framework.runner.baseline import Lab, fingerprint
from framework.study import Spec, Use, digest_of
from framework.study.constraints import TOLERANCE

FOLDER = RESULTS / "strategies"
SEEDS = (0, 1, 2)
LINES = (
    "params_nonzero", "size_codebook_bytes", "size_entropy_bytes", "size_tflite_bytes",
    "size_tflite_compressed_bytes",
)  # fmt: skip
KEPT = (
    *LINES, "sparsity_asked", "sparsity_reached", "clusters_asked", "clusters_reached",
    "clusters_reached_per_channel",
    "bits_asked", "bits_reached", "touched_share", "quantized_share", "val_disagreement",
    "speedup_theoretical",
)  # fmt: skip
TIMES = ("fit_seconds", "speedup_measured", "speedup_measured_low", "speedup_measured_high")
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One chain on one net.

    Args:
        net: whose dense net it begins with.
        chain: the steps; none for the dense net itself.
        label: of the row; the chain by default.
        factor: `train.finetune_factor`.
        saved: the net is written to a keras file and compressed as `from_file`.
        seeds: for which it is measured.
    """

    net: Recipe
    chain: tuple[Use, ...] = ()
    label: str = ""
    factor: float = 2.0
    saved: bool = False
    seeds: tuple[int, ...] = SEEDS

    @property
    def name(self) -> str:
        """Net and label: one for each row of a measurement."""
        return f"{self.net.name}{' saved' if self.saved else ''}: {self.label or text(self.chain)}"

    def specs(self, root: Path, catalog: Catalog) -> list[Spec]:
        """One for each seed, resolved; of a saved net those of the net that is saved."""
        steps = []
        for step in self.chain:
            cls = catalog.strategies.get(step.name)
            steps.append(
                Use(
                    step.name,
                    catalog.strategies.build(step.name, dict(step.knobs)).values(),
                    "",
                    cls.plugin_version,
                )
            )
        dense = replace(self.net, seeds=self.seeds).specs(root, catalog)
        return [
            replace(
                spec, compress=tuple(steps), train=replace(spec.train, finetune_factor=self.factor)
            )
            for spec in dense
        ]

    def digest(self, root: Path, catalog: Catalog) -> str:
        """sha256 of all that decides it besides the machine."""
        reader = catalog.architectures.get("from_file").plugin_version if self.saved else 0
        return digest_of([reader, *(spec.digest for spec in self.specs(root, catalog))])


@dataclass(frozen=True)
class Measurement:
    """A table of rows.

    Args:
        title: what is asked, in a sentence.
        columns: which of `pages.COLUMNS` it shows.
        check: the rows' results -> what is wrong with them.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    check: Callable[[Mapping[str, Values]], list[str]] = lambda found: []

    def file(self, root: Path) -> Path:
        """Where its results lie."""
        return root / FOLDER / f"{self.name}.json"


def text(chain: Sequence[Use]) -> str:
    """A chain as it is written, without the word `use`."""

    def step(item: Use) -> str:
        knobs = ", ".join(
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in item.knobs.items()
        )
        return f"{item.name}({knobs})" if knobs else item.name

    return " + ".join(map(step, chain)) or "dense"


# --- what is measured -----------------------------------------------------------------------------

NETS = {recipe.name: recipe for recipe in RECIPES}
DIGITS = NETS["lenet5-digits"]
MNIST = Recipe(
    "lenet_300_100-mnist",
    "lenet_300_100_prune",
    (
        "dataset=mnist",
        "train.epochs=10",
        "train.batch_size=128",
        "train.learning_rate=0.002",
        "train.warmup_epochs=1",
    ),
)
SPARSITIES = (0.9, 0.95, 0.98, 0.99)
BLOCKS_SPARSITY = 0.9
LENET5_MNIST = Recipe(
    "lenet5-mnist",
    "lenet5_prune",
    ("dataset=mnist", "train.epochs=12", "train.batch_size=64", "train.augment=True"),
)


def at(sparsity: float) -> tuple[Use, ...]:
    """Every method at one sparsity, each for as many epochs, the dense net's included.

    First the controls by lot: under ERK proportions, as `magnitude_prune` and `dynamic_sparse` have
    them, and under those of one draw over all kernels.
    """
    return (
        use("random_prune", sparsity=sparsity, epochs=10),
        use("random_prune", sparsity=sparsity, layers="global", epochs=10),
        use("magnitude_prune", sparsity=sparsity, epochs=10),
        use("global_prune", sparsity=sparsity, epochs=10),
        use("gradient_prune", sparsity=sparsity, epochs=10),
        use("snip", sparsity=sparsity, epochs=20),
        use("lottery_ticket", sparsity=sparsity, rounds=1, epochs=10),
        use("dynamic_sparse", sparsity=sparsity, epochs=20),
        use("variational_prune", sparsity=sparsity, epochs=6, tune_epochs=4),
    )


CONTROL = use("identity", epochs=10)
AT_EACH = tuple(Row(MNIST, (step,), factor=1.0) for sparsity in SPARSITIES for step in at(sparsity))
# Would the masks of the weaker methods be better if they saw more? Their looks at the gradient,
# smaller and larger.
OTHER_LOOKS = tuple(
    Row(MNIST, (step,), factor=1.0)
    for step in (
        use("gradient_prune", sparsity=0.9, batches=16, epochs=10),
        use("snip", sparsity=0.9, samples=8192, epochs=20),
        use("dynamic_sparse", sparsity=0.9, batch_size=1024, epochs=20),
    )
)
TWICE_THE_RATE = tuple(
    Row(MNIST, (step,), f"{text((step,))}, finetune_factor=2", factor=2.0)
    for step in (CONTROL, *at(0.9))
)
BUILT_IN = (
    "lenet_300_100-digits", "lenet5-digits", "cnn-digits", "squeezenet-digits",
    "squeezenet_se-digits",
    "resnet8-digits",
    "lstm-digits_rows", "transformer-listops", "image_text-digits_vqa", "image_audio-digits_audio",
    "ds_cnn-digits_audio",
)  # fmt: skip
CHAINED = ("lenet5-digits", "squeezenet-digits", "lstm-digits_rows", "transformer-listops")


def chain_rows(net: str) -> tuple[Row, ...]:
    """Prune, share, quantize, with both kinds of scales."""
    begin = (
        use("magnitude_prune", sparsity=0.5, epochs=4),
        use("weight_cluster", clusters=16, epochs=2),
    )
    ends = [use("qat", scales=scales, epochs=1) for scales in ("per_tensor", "per_channel")]
    chains = (
        Row(NETS[net], (*begin, end), f"prune 0.5, 16 clusters, qat {end.knobs['scales']}")
        for end in ends
    )
    return (Row(NETS[net], (use("identity", epochs=7),)), *chains)


def qat_rows(row: Row) -> tuple[Row, ...]:
    """The float net, the control of its training, and its 8-bit file without training and with."""
    return (
        row,
        *(
            replace(row, chain=(step,))
            for step in (use("identity", epochs=2), use("ptq"), use("qat"))
        ),
    )


def as_sparse_as_asked(found: Mapping[str, Values]) -> list[str]:
    """Each row's file has the zeros that were asked for."""
    wrong = []
    for name, row in found.items():
        asked, reached = (
            row["metrics"].get(f"sparsity_{end}", [0.0]) for end in ("asked", "reached")
        )
        if max(abs(one - other) for one, other in zip(asked, reached, strict=True)) > 0.01:
            wrong.append(f"{name} has not the zeros that were asked for.")
    return wrong


def close_to_float(found: Mapping[str, Values]) -> list[str]:
    """Within a point of the float net, and nothing but biases and normalisation left out."""
    wrong = []
    for name, row in found.items():
        if row["strategy"] == "qat":
            drop = mean(row["baseline"]) - mean(row["quality"])
            wrong += [f"{name} loses {100 * drop:.2f} points."] if drop > 0.01 + TOLERANCE else []
            wrong += (
                [f"{name} leaves weights in float."]
                if min(row["metrics"]["touched_share"]) < 0.95
                else []
            )
    return wrong


def kept_to_the_end(found: Mapping[str, Values]) -> list[str]:
    """Half of the weights zero, 16 values in each tensor or in each channel of it."""
    wrong = []
    for name, row in found.items():
        if row["strategy"] == "identity":
            continue
        values = row["metrics"]
        whole = "clusters_reached" if "per_tensor" in name else "clusters_reached_per_channel"
        wrong += [f"{name} has lost zeros."] if min(values["sparsity_reached"]) < 0.499 else []
        wrong += [f"{name} has more than 16 values."] if max(values[whole]) > 16 else []
    return wrong


def faster(found: Mapping[str, Values]) -> list[str]:
    """Blocks have to be skipped, scattered zeros cannot be."""
    wrong = []
    for name, row in found.items():
        if row["strategy"] == "block_prune" and min(row["times"]["speedup_measured_low"]) < 1.5:
            wrong.append(f"{name} is not 1.5 times as fast as the dense net.")
    return wrong


MEASUREMENTS = (
    Measurement(
        "mnist-sparsity",
        "Which weights go: `lenet_300_100` on MNIST, each row trained for 20 epochs in all, the "
        "dense net for 10.",
        (Row(MNIST, (CONTROL,), factor=1.0), *AT_EACH, *OTHER_LOOKS, *TWICE_THE_RATE),
        ("quality", "drop", "zeros", "epochs", "against random"),
        as_sparse_as_asked,
    ),
    Measurement(
        "lenet5-mnist-99",
        "One threshold for all kernels at 99 % zeros: `lenet5` on MNIST, 12 epochs and 20 more.",
        tuple(
            Row(LENET5_MNIST, (step,), factor=1.0, seeds=(0,))
            for step in (use("identity", epochs=20), use("global_prune", sparsity=0.99, epochs=20))
        ),
        ("quality", "drop", "zeros", "epochs"),
        as_sparse_as_asked,
    ),
    Measurement(
        "qat",
        "Trained in 8 bits, beside the float net and 8 bits after training: every net on its "
        "built-in data.",
        tuple(row for name in BUILT_IN for row in qat_rows(Row(NETS[name])))
        + qat_rows(Row(DIGITS, saved=True)),
        ("quality", "drop", "touched", "quantized", "file ratio"),
        close_to_float,
    ),
    Measurement(
        "chains",
        "Half of the weights zero, 16 shared values, 8 bits: what the file has of it at the end.",
        tuple(row for name in CHAINED for row in chain_rows(name)),
        (
            "quality",
            "drop",
            "zeros",
            "clusters",
            "clusters a channel",
            "file ratio",
            "zstd ratio",
            "entropy ratio",
        ),
        kept_to_the_end,
    ),
    Measurement(
        "low-bits",
        "Few bits and few values: `lenet5` on digits.",
        tuple(Row(DIGITS, (use("identity", epochs=epochs),)) for epochs in (2, 4))
        + tuple(Row(DIGITS, (use("low_bit", bits=bits),)) for bits in (2, 3, 4, 5, 6, 7))
        + tuple(Row(DIGITS, (use("weight_cluster", clusters=count),)) for count in (4, 8, 16, 32)),
        ("quality", "drop", "bits", "clusters", "codebook ratio", "entropy ratio", "zstd ratio"),
    ),
    Measurement(
        "block-speed",
        "Zeros in blocks and scattered ones, each timed beside the dense net: `lenet_300_100` on "
        "digits.",
        tuple(
            Row(NETS["lenet_300_100-digits"], (step,))
            for step in (
                use("identity", epochs=4),
                *(
                    use(name, sparsity=BLOCKS_SPARSITY, epochs=4)
                    for name in ("magnitude_prune", "block_prune")
                ),
            )
        ),
        ("quality", "drop", "zeros", "speed-up", "theory", "file ratio"),
        faster,
    ),
)


# --- measuring ------------------------------------------------------------------------------------


def read(measurement: Measurement, root: Path) -> dict[str, Any]:
    """The rows as they were written, by name."""
    file = measurement.file(root)
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def current(item: Measurement, root: Path, catalog: Catalog) -> dict[str, Any]:
    """The rows as they were written, by name, without those made by what no longer stands here."""
    found = read(item, root)
    return {row.name: found[row.name] for row in item.rows if is_current(row, found, root, catalog)}


def is_current(row: Row, found: Mapping[str, Values], root: Path, catalog: Catalog) -> bool:
    """Whether a row's result is that of the row as it stands."""
    return row.name in found and found[row.name]["digest"] == row.digest(root, catalog)


def measure(row: Row, root: Path, lab: Lab) -> dict[str, Any]:
    """Compress, export and measure for each seed.

    Raises:
        SqueezelabError: a trial failed.
    """
    specs = row.specs(root, lab.catalog)
    run = [from_file(spec, root, lab) for spec in specs] if row.saved else specs
    quality = quality_of(lab.info(specs[0]).task)
    records = []
    for spec in run:
        record = trial.run(spec, lab)
        if record.reason:
            raise SqueezelabError(
                f"{row.name}, seed {spec.seed}: {record.reason}", given=record.error
            )
        records.append(record)
    values = [record.metrics[quality] for record in records]
    say(
        f"{row.name}: {' '.join(f'{value:.4f}' for value in values)} "
        f"({records[0].times['fit_seconds']:.0f} s a seed)"
    )
    metrics = {
        name: [r.metrics[name] for r in records] for name in KEPT if name in records[0].metrics
    }
    bases = [
        record.metrics.get(f"baseline.{quality}", record.metrics[quality]) for record in records
    ]
    return {
        "digest": row.digest(root, lab.catalog),
        "net": "from_file" if row.saved else specs[0].architecture.name,
        "dataset": specs[0].dataset.name,
        "strategy": specs[0].strategy,
        "label": row.label or text(row.chain),
        "factor": row.factor,
        "knobs": [dict(step.knobs) for step in specs[0].compress],
        "epochs": sum(
            lab.catalog.strategies.build(step.name, dict(step.knobs)).budget()
            for step in specs[0].compress
        ),
        "seeds": list(row.seeds),
        "quality_name": quality,
        "quality": values,
        "baseline": bases,
        "metrics": metrics,
        "ratios": {
            name: [
                record.metrics.get(f"baseline.{name}", record.metrics[name]) / record.metrics[name]
                for record in records
            ]
            for name in LINES
        },
        "times": {
            name: [record.times[name] for record in records]
            for name in TIMES
            if name in records[0].times
        },
        "environment": fingerprint(),
    }


def from_file(spec: Spec, root: Path, lab: Lab) -> Spec:
    """The same chain on the trained net as a keras file holds it."""
    dense = lab.baseline(spec.dense())
    model = nn.graph.build(dense.stage.graph)
    nn.graph.write_weights(model, dense.stage.weights)
    path = root / ".cache" / "saved" / f"{dense.digest}.keras"
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    version = lab.catalog.architectures.get("from_file").plugin_version
    knobs = lab.catalog.architectures.build("from_file", {"path": str(path)}).values()
    return replace(spec, architecture=Use("from_file", knobs, version=version))


def interval(differences: Sequence[float], *, comparisons: int = 1) -> tuple[float, float]:
    """(mean, half of its 95 % interval) of paired differences (Student's t, n - 1).

    Args:
        comparisons: how many intervals are to hold at once; each is made wider for it (Bonferroni).
    """
    from scipy.stats import t

    half = (
        t.ppf(1 - 0.025 / comparisons, len(differences) - 1)
        * stdev(differences)
        / np.sqrt(len(differences))
    )
    return mean(differences), float(half)


def main() -> int:
    """Measure what is asked for, then write the page; 1 if a result is not what was promised."""
    return command(__doc__ or "", "MEASUREMENT", run)


def run(root: Path, names: list[str], catalog: Catalog) -> int:
    """As the command line.

    The rows out of date whose data is here, of all measurements or of the named ones.
    """
    import pages

    known = {item.name: item for item in MEASUREMENTS}
    for name in names:
        if name not in known:
            raise UnknownName("measurement", name, known)
    lab, wrong = Lab(root, catalog), []
    for item in [known[name] for name in names] or MEASUREMENTS:
        wrong += _measured(item, root, lab)
        pages.write(root, catalog)
    for line in wrong:
        say(line)
    return int(bool(wrong))


def _measured(item: Measurement, root: Path, lab: Lab) -> list[str]:
    """Measure the rows of one table that are out of date; what is wrong with the table."""
    for row in item.rows:
        found = read(item, root)
        if is_current(row, found, root, lab.catalog):
            continue
        try:
            dataset_of(row.specs(root, lab.catalog)[0], lab.catalog, root).check_available(root)
        except DataUnavailable as error:
            say(f"{item.name}: left out. {error.what}")
            return []
        found[row.name] = measure(row, root, lab)
        kept = {other.name: found[other.name] for other in item.rows if other.name in found}
        item.file(root).parent.mkdir(parents=True, exist_ok=True)
        item.file(root).write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return item.check(current(item, root, lab.catalog))


if __name__ == "__main__":
    sys.exit(main())
