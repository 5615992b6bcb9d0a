"""What is measured for docs/strategies.md: the tables, their rows, and what each has to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from statistics import mean

from docs.measurement_rows import SEEDS, Measurement, Row, Values, chain_text
from docs.recipe_list import RECIPES, Recipe
from framework import use
from framework.study import Use
from framework.study.constraints import TOLERANCE

NETS = {recipe.name: recipe for recipe in RECIPES}
DIGITS = NETS["lenet5-digits"]
LENET_300_100_DIGITS = NETS["lenet_300_100-digits"]
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
LENET5_MNIST = Recipe(
    "lenet5-mnist",
    "lenet5_prune",
    ("dataset=mnist", "train.epochs=12", "train.batch_size=64", "train.augment=True"),
)
SPARSITIES = (0.9, 0.95, 0.98, 0.99)
BLOCKS_SPARSITY = 0.9
BUILT_IN = (
    "lenet_300_100-digits",
    "lenet5-digits",
    "cnn-digits",
    "squeezenet-digits",
    "squeezenet_se-digits",
    "resnet8-digits",
    "lstm-digits_rows",
    "transformer-listops",
    "image_text-digits_vqa",
    "image_audio-digits_audio",
    "ds_cnn-digits_audio",
)
CHAINED = ("lenet5-digits", "squeezenet-digits", "lstm-digits_rows", "transformer-listops")


# --- rows -----------------------------------------------------------------------------------------


def rows(
    net: Recipe, steps: Iterable[Use], *, factor: float = 2.0, seeds: tuple[int, ...] = SEEDS
) -> tuple[Row, ...]:
    """One row for each step, which is the whole of its chain."""
    return tuple(Row(net, (step,), factor=factor, seeds=seeds) for step in steps)


def methods_at(sparsity: float) -> tuple[Use, ...]:
    """Every method at one sparsity, each for as many epochs, the dense net's included.

    First the random controls: under ERK proportions, as `magnitude_prune` and `dynamic_sparse` have
    them, and under those of one draw over all kernels.
    """
    # `snip` and `dynamic_sparse` begin with the untrained net: 10 of their 20 epochs are those that
    # the dense net of the others has had already
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
# Would the masks of the weaker methods be better if they saw more? Their looks at the gradient,
# smaller and larger.
OTHER_LOOKS = (
    use("gradient_prune", sparsity=0.9, batches=16, epochs=10),
    use("snip", sparsity=0.9, samples=8192, epochs=20),
    use("dynamic_sparse", sparsity=0.9, batch_size=1024, epochs=20),
)


def at_twice_the_rate(row: Row) -> Row:
    """The row under the usual `train.finetune_factor`, labelled with it."""
    return replace(row, factor=2.0, label=f"{chain_text(row.chain)}, finetune_factor=2")


def sparsity_rows() -> tuple[Row, ...]:
    """Every method at every sparsity, and at one of them seeing more, or at twice the rate."""
    methods = chain.from_iterable(map(methods_at, SPARSITIES))
    return (
        *rows(MNIST, (CONTROL, *methods, *OTHER_LOOKS), factor=1.0),
        *map(at_twice_the_rate, rows(MNIST, (CONTROL, *methods_at(0.9)))),
    )


def qat_rows(row: Row) -> tuple[Row, ...]:
    """The float net, the control of its training, and its 8-bit file without training and with."""
    return (
        row,
        replace(row, chain=(use("identity", epochs=2),)),
        replace(row, chain=(use("ptq"),)),
        replace(row, chain=(use("qat"),)),
    )


def all_qat_rows() -> tuple[Row, ...]:
    """Every net on its built-in data, and one that comes from a file."""
    nets = [Row(NETS[name]) for name in BUILT_IN]
    return tuple(chain.from_iterable(map(qat_rows, [*nets, Row(DIGITS, saved=True)])))


def chain_rows(net: str) -> tuple[Row, ...]:
    """Prune, share, quantize, with both kinds of scales."""
    begin = (
        use("magnitude_prune", sparsity=0.5, epochs=4),
        use("weight_cluster", clusters=16, epochs=2),
    )
    control = Row(NETS[net], (use("identity", epochs=7),))
    made = [control]
    for scales in ("per_tensor", "per_channel"):
        steps = (*begin, use("qat", scales=scales, epochs=1))
        made.append(Row(NETS[net], steps, f"prune 0.5, 16 clusters, qat {scales}"))
    return tuple(made)


def low_bit_rows() -> tuple[Row, ...]:
    """Fewer and fewer bits, then fewer and fewer values, after their controls."""
    bits = (use("low_bit", bits=count) for count in (2, 3, 4, 5, 6, 7))
    clusters = (use("weight_cluster", clusters=count) for count in (4, 8, 16, 32))
    controls = (use("identity", epochs=2), use("identity", epochs=4))
    return rows(DIGITS, (*controls, *bits, *clusters))


# --- checks ---------------------------------------------------------------------------------------


def as_sparse_as_asked(results: Mapping[str, Values]) -> list[str]:
    """Each row's file has the zeros that were asked for."""
    wrong = []
    for name, row in results.items():
        asked = row["metrics"].get("sparsity_asked", [0.0])
        reached = row["metrics"].get("sparsity_reached", [0.0])
        if max(abs(one - other) for one, other in zip(asked, reached, strict=True)) > 0.01:
            wrong.append(f"{name} has not the zeros that were asked for.")
    return wrong


def close_to_float(results: Mapping[str, Values]) -> list[str]:
    """Within a point of the float net, and nothing but biases and normalisation left out."""
    wrong = []
    for name, row in results.items():
        if row["strategy"] != "qat":
            continue
        drop = mean(row["baseline"]) - mean(row["quality"])
        if drop > 0.01 + TOLERANCE:
            wrong.append(f"{name} loses {100 * drop:.2f} points.")
        if min(row["metrics"]["touched_share"]) < 0.95:
            wrong.append(f"{name} leaves weights in float.")
    return wrong


def kept_to_the_end(results: Mapping[str, Values]) -> list[str]:
    """Half of the weights zero, 16 values in each tensor or in each channel of it."""
    wrong = []
    for name, row in results.items():
        if row["strategy"] == "identity":
            continue
        metrics = row["metrics"]
        # a scale for each channel makes 16 shared values 16 in each channel, more in the tensor
        whole = "clusters_reached" if "per_tensor" in name else "clusters_reached_per_channel"
        if min(metrics["sparsity_reached"]) < 0.499:
            wrong.append(f"{name} has lost zeros.")
        if max(metrics[whole]) > 16:
            wrong.append(f"{name} has more than 16 values.")
    return wrong


def faster(results: Mapping[str, Values]) -> list[str]:
    """Blocks have to be skipped, scattered zeros cannot be."""
    wrong = []
    for name, row in results.items():
        if row["strategy"] == "block_prune" and min(row["times"]["speedup_measured_low"]) < 1.5:
            wrong.append(f"{name} is not 1.5 times as fast as the dense net.")
    return wrong


# --- tables ---------------------------------------------------------------------------------------

MEASUREMENTS = (
    Measurement(
        "mnist-sparsity",
        "Which weights go: `lenet_300_100` on MNIST, each row trained for 20 epochs in all, the "
        "dense net for 10.",
        sparsity_rows(),
        ("quality", "drop", "zeros", "epochs", "against random"),
        as_sparse_as_asked,
    ),
    Measurement(
        "lenet5-mnist-99",
        "One threshold for all kernels at 99 % zeros: `lenet5` on MNIST, 12 epochs and 20 more.",
        rows(
            LENET5_MNIST,
            (use("identity", epochs=20), use("global_prune", sparsity=0.99, epochs=20)),
            factor=1.0,
            seeds=(0,),
        ),
        ("quality", "drop", "zeros", "epochs"),
        as_sparse_as_asked,
    ),
    Measurement(
        "qat",
        "Trained in 8 bits, beside the float net and 8 bits after training: every net on its "
        "built-in data.",
        all_qat_rows(),
        ("quality", "drop", "touched", "quantized", "file ratio"),
        close_to_float,
    ),
    Measurement(
        "chains",
        "Half of the weights zero, 16 shared values, 8 bits: what the file has of it at the end.",
        tuple(chain.from_iterable(map(chain_rows, CHAINED))),
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
        low_bit_rows(),
        ("quality", "drop", "bits", "clusters", "codebook ratio", "entropy ratio", "zstd ratio"),
    ),
    Measurement(
        "block-speed",
        "Zeros in blocks and scattered ones, each timed beside the dense net: `lenet_300_100` on "
        "digits.",
        rows(
            LENET_300_100_DIGITS,
            (
                use("identity", epochs=4),
                use("magnitude_prune", sparsity=BLOCKS_SPARSITY, epochs=4),
                use("block_prune", sparsity=BLOCKS_SPARSITY, epochs=4),
            ),
        ),
        ("quality", "drop", "zeros", "speed-up", "theory", "file ratio"),
        faster,
    ),
)
