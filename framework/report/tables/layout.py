"""Which quantities the tables of results show, in which order, and how much of each.

What a quantity is called and how it is written is said by `results.quantities`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from framework.contracts import Catalog
from framework.report.tables.columns import Column, Text
from framework.report.tables.numbers import four_digits, grouped, percent, ratio
from framework.results.looks import PREFIX
from framework.results.quantities import RATIO, Quantity, quantities
from framework.results.replicates import SD

FORMATS: Mapping[str, Text] = {
    "percent": percent,
    "count": grouped,
    "decimals": four_digits,
    "significant": "{:.4g}".format,
    "tenths": "{:.1f}".format,
    "ratio": ratio,
}
SEEDS_COLUMN = Column(
    name="seeds",
    head="seeds",
    short="n",
    brief="n",
    text=grouped,
    doc="number of seeds of which the row is the mean",
)
NAMES = (
    Column(name="label", head="net", short="Net"),
    Column(name="architecture", head="architecture", short="Architecture"),
    Column(name="strategy", head="strategy", short="Strategy"),
)


@dataclass(frozen=True)
class Place:
    """Where a quantity is shown.

    Args:
        level: as of a `Column`.
        group, short, brief: heads where there is little room, as of a `Column`.
    """

    level: int = 0
    group: str = ""
    short: str = ""
    brief: str = ""


TESTED = (
    Column(
        name="test_seeds",
        head="n (test)",
        short="n",
        brief="n",
        text=grouped,
        doc="number of seeds, none of them of the search, under which the row was confirmed",
    ),
)
QUALITY: Mapping[str, Place] = {
    "val_accuracy": Place(group="Accuracy (%)", short="Val.", brief="accuracy %"),
    "accuracy_drop": Place(group="Accuracy (%)", short="Drop", brief="drop pt"),
    "val_r2": Place(group="R2", short="Val.", brief="R2"),
    "r2_drop": Place(group="R2", short="Drop", brief="drop"),
    "val_rmse": Place(level=1, short="Val. RMSE", brief="RMSE"),
    "val_mse": Place(level=1, short="Val. MSE", brief="MSE"),
    "val_auc": Place(short="Val. AUC", brief="AUC"),
}
TEST: Mapping[str, Place] = {
    "test_accuracy": Place(group="Test (%)", short="Mean", brief="test %"),
    "test_r2": Place(group="Test", short="Mean", brief="test R2"),
}
OTHERS: Mapping[str, Place] = {
    "params_total": Place(level=1, group="Parameters", short="Total"),
    "params_nonzero": Place(group="Parameters", short="Non-zero"),
    "params_nonzero_ratio": Place(group="Parameters", short="Ratio", brief="nz ratio"),
    "size_tflite_bytes": Place(level=2),
    "size_tflite_bytes_ratio": Place(group="File ratio", short=".tflite", brief="file ratio"),
    "size_tflite_compressed_bytes": Place(level=2),
    "size_tflite_compressed_bytes_ratio": Place(group="File ratio", short="zstd"),
    "size_dense_bytes": Place(level=2),
    "size_dense_bytes_ratio": Place(level=2),
    "size_sparse_bytes": Place(level=2),
    "size_sparse_bytes_ratio": Place(level=2),
    "size_codebook_bytes": Place(level=2),
    "size_codebook_bytes_ratio": Place(level=2),
    "size_entropy_bytes": Place(level=2),
    "size_entropy_bytes_ratio": Place(level=2),
    "macs_dense_ratio": Place(level=1, group="MACs ratio", short="Dense"),
    "speedup_theoretical": Place(level=1, group="MACs ratio", short="Theory"),
    "latency_us_p50": Place(short="Latency"),
    "speedup_measured": Place(short="Measured"),
    "sparsity_asked": Place(level=1, group="Sparsity (%)", short="Asked"),
    "sparsity_reached": Place(level=1, group="Sparsity (%)", short="Reached"),
    "clusters_asked": Place(level=1, group="Shared values", short="Asked"),
    "clusters_reached": Place(level=1, group="Shared values", short="Reached"),
    "clusters_reached_per_channel": Place(level=2, group="Shared values", short="A channel"),
    "bits_asked": Place(level=1, group="Bits a weight", short="Asked"),
    "bits_reached": Place(level=1, group="Bits a weight", short="Reached"),
    "touched_share": Place(level=2),
    "quantized_share": Place(level=1),
    "val_disagreement": Place(level=1),
}
# the theoretical speed-up and the ratio of all MACs say it, and a count of parameters its own
LEFT_OUT = ("params_total_ratio", "macs_dense", "macs_effective", "macs_effective_ratio")


def columns(catalog: Catalog) -> list[Column]:
    """Every column there may be; metrics of the user's own come after the quality."""
    stated = quantities(catalog)
    listed = {*QUALITY, *TEST, *OTHERS, *LEFT_OUT}
    others = {}
    for name in stated:
        # of test a study's table has the quality only, `confirm.csv` all
        if name not in listed and not name.startswith(PREFIX):
            # a metric that somebody wrote is one that they want to see
            others[name] = Place(level=1 if name.endswith(RATIO) else 0)
    return [
        *NAMES,
        SEEDS_COLUMN,
        *_placed(stated, QUALITY),
        *_placed(stated, TEST),
        *TESTED,
        *_placed(stated, others),
        *_placed(stated, OTHERS),
    ]


def _placed(stated: Mapping[str, Quantity], places: Mapping[str, Place]) -> Iterator[Column]:
    for name, place in places.items():
        yield column(stated[name], place)


def column(quantity: Quantity, place: Place = Place(), **others: Any) -> Column:
    """A quantity as a column."""
    heads = {"group": place.group, "short": place.short, "brief": place.brief}
    return Column(
        name=quantity.name,
        head=quantity.title,
        doc=quantity.doc,
        text=FORMATS[quantity.format],
        spread=f"{quantity.name}{SD}",
        better=quantity.better,
        level=place.level,
        **(heads | others),
    )
