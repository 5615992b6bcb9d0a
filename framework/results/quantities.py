"""What each number of a run is: by what a metric states of itself, and what follows from that.

A metric of the user's own is among them like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Literal

from framework.contracts.catalog import Catalog
from framework.contracts.plugins import Metric
from framework.results.fronts import Direction
from framework.results.record import QUALITY, quality_of

RATIO = "_ratio"  # the end of baseline / row
Format = Literal["percent", "count", "decimals", "significant", "ratio", "tenths"]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One number of a run, by its name in the store or in a table of results.

    Args:
        label: what it is, as on an axis.
        head: a shorter one, for a table.
        unit: in which it is shown; empty where label says it or there is none.
        format: how a value is written.
        better: whether more or less of it is wanted; None for what is neither.
        doc: what it means, in one sentence without its full stop.
        ledger: it is a line of the size ledger, or its ratio.
    """

    name: str
    label: str
    head: str
    unit: str = ""
    format: Format = "significant"
    better: Direction | None = None
    doc: str = ""
    ledger: bool = False

    @property
    def axis(self) -> str:
        """The label of an axis: `Validation accuracy (%)`."""
        return self.label[:1].upper() + self.label[1:] + self._unit_shown

    @property
    def title(self) -> str:
        """The head of a column: `val. accuracy (%)`."""
        return self.head + self._unit_shown

    @property
    def _unit_shown(self) -> str:
        # "non-zero parameters" says what is counted
        return "" if not self.unit or self.unit in self.label else f" ({self.unit})"


def quantity(name: str, catalog: Catalog) -> Quantity:
    """What is known of this name; of one that nobody states, the name itself."""
    plain = name.replace("_", " ")
    return quantities(catalog).get(name, Quantity(name=name, label=plain, head=plain))


def quantities(catalog: Catalog) -> dict[str, Quantity]:
    """Name -> what it is: of every metric, of what is compared with the baseline, of a trial."""
    every: dict[str, Quantity] = {}
    for name in catalog.metrics.names():
        for stated in _of_metric(catalog.metrics.get(name)):
            every[stated.name] = stated
    every.update(OF_A_TRIAL)
    return every


def counts(catalog: Catalog) -> set[str]:
    """The names of whole numbers."""
    return {stated.name for stated in quantities(catalog).values() if stated.format == "count"}


def ledger_lines(catalog: Catalog) -> set[str]:
    """The names of the lines of the size ledger, without their ratios."""
    lines = filter(attrgetter("ledger"), quantities(catalog).values())
    return {line.name for line in lines if line.format != "ratio"}


def spanned(directions: Mapping[str, Direction], task: str) -> tuple[str, str]:
    """The two objectives that order a study's tables and span its pictures.

    What a net costs, and how good it is: the first of each kind, in the order of the study.

    Args:
        directions: objective -> `max` or `min`, in the order of the study.

    Returns:
        (cost, quality); non-zero parameters and the task's own metric where the study asks for
        none.
    """
    cost = next(iter(costs(directions)), "params_nonzero")
    others = [name for name in directions if name != cost]
    others.sort(key=lambda name: (not _says_how_good(name), directions[name]))
    return cost, next(iter(others), quality_of(task))


def costs(directions: Mapping[str, Direction]) -> list[str]:
    """The objectives that a net costs, as its size, in the order of the study."""
    names = []
    for name, direction in directions.items():
        if direction == "min" and not _says_how_good(name):
            names.append(name)
    return names


def _says_how_good(name: str) -> bool:
    return name.startswith("val_") or name.endswith("_drop")


def _of_metric(metric: type[Metric]) -> Iterator[Quantity]:
    value = _value(metric)
    yield _on_validation(value) if metric.of_split else value
    if metric.of_split:
        yield _on_test(value)
    if metric.name in QUALITY.values():
        yield _drop(value)
    if metric.ledger:
        yield _ratio(value)


def _value(metric: type[Metric]) -> Quantity:
    label = metric.label or metric.name.replace("_", " ")
    return Quantity(
        name=metric.name,
        label=label,
        head=metric.head or label,
        # a share is stored as one, and shown in percent
        unit="%" if metric.format == "percent" else metric.unit,
        format=metric.format,
        better=metric.better,
        doc=_sentence(metric.summary()),
        ledger=metric.ledger,
    )


def _on_validation(value: Quantity) -> Quantity:
    return replace(
        value,
        name=f"val_{value.name}",
        label=f"validation {value.label}",
        head=f"val. {value.head}",
        doc=f"{value.doc}; of the validation split",
    )


def _on_test(value: Quantity) -> Quantity:
    """Of nets that `confirm` has trained, which no search has seen."""
    return replace(
        value,
        name=f"test_{value.name}",
        label=f"test {value.label}",
        head=f"test {value.head}",
        doc=f"{value.doc}; of the sealed test split, mean over seeds that no search has used",
    )


def _drop(quality: Quantity) -> Quantity:
    points = quality.format == "percent"
    doc = f"{quality.label} of the row's own baseline minus the row's; below 0 is a gain"
    return Quantity(
        name=f"{quality.name}_drop",
        label=f"{quality.label} drop" if points else f"drop in {quality.label}",
        head="drop" if points else f"drop in {quality.label}",
        unit="points" if points else "",  # 1 point = 0.01
        format=quality.format,
        better="min",
        doc=f"{doc}, in points (1 point = 0.01)" if points else doc,
    )


def _ratio(line: Quantity) -> Quantity:
    return Quantity(
        name=line.name + RATIO,
        label=f"{line.label}, baseline / row",
        head=f"{line.head} ratio",
        format="ratio",
        better="max",
        doc=f"baseline / row: {line.doc}",
        ledger=True,
    )


def _sentence(summary: str) -> str:
    """As a part of a longer sentence; code marks would be escaped in tables and captions."""
    text = summary.rstrip(".").replace("`", "")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _of_a_trial(*stated: Quantity) -> Mapping[str, Quantity]:
    return {quantity.name: quantity for quantity in stated}


OF_A_TRIAL = _of_a_trial(
    Quantity(
        name="speedup_theoretical",
        label="theoretical speed-up",
        head="theoretical speed-up",
        format="ratio",
        better="max",
        doc="multiply-accumulates of the baseline / those of the row whose weight is not zero; not "
        "a measured speed",
    ),
    Quantity(
        name="latency_us_p50",
        label="latency",
        head="latency",
        unit="us",
        format="tenths",
        better="min",
        doc="median time for one sample in microseconds, on one thread of the machine in "
        "provenance.json",
    ),
    Quantity(
        name="speedup_measured",
        label="measured speed-up",
        head="measured speed-up",
        format="ratio",
        better="max",
        doc="latency of the baseline / latency of the row, timed in turn",
    ),
    Quantity(
        name="sparsity_asked",
        label="sparsity asked",
        head="sparsity asked",
        unit="%",
        format="percent",
        doc="zeros that the strategy was asked for, in percent of the kernels it was to prune",
    ),
    Quantity(
        name="sparsity_reached",
        label="sparsity reached",
        head="sparsity reached",
        unit="%",
        format="percent",
        doc="zeros counted in the exported file, in percent of the same kernels",
    ),
    Quantity(
        name="clusters_asked",
        label="clusters asked",
        head="clusters asked",
        doc="distinct values that a kernel was to have at most",
    ),
    Quantity(
        name="clusters_reached",
        label="clusters reached",
        head="clusters reached",
        doc="distinct values that one tensor of the exported file has at most",
    ),
    Quantity(
        name="clusters_reached_per_channel",
        label="clusters a channel",
        head="clusters a channel",
        doc="distinct values that one output channel of the exported file has at most: with a "
        "scale, or a folded batch normalisation, for each channel a tensor has more than it was "
        "to have, and a channel has not",
    ),
    Quantity(
        name="bits_asked",
        label="bits asked",
        head="bits asked",
        doc="of a value of a kernel, asked for by the strategy or the number format",
    ),
    Quantity(
        name="bits_reached",
        label="bits reached",
        head="bits reached",
        doc="mean over the values of all kernels in the exported file: of their type, or what "
        "tells the levels of a grid apart",
    ),
    Quantity(
        name="touched_share",
        label="touched weights",
        head="touched",
        unit="%",
        format="percent",
        doc="weights that the last step asked anything of, in percent: the others stay as they "
        "were",
    ),
)
