"""The tables of a confirmation: exact for CSV, and as a reader wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from framework.report.compare.methods import setting_names
from framework.report.compare.tables import exact_frame, setting_cells, spread
from framework.report.frame import in_order, object_frame
from framework.report.tables.layout import FORMATS
from framework.report.tables.table import Cell, Head, Table, words
from framework.report.tables.text import shortened
from framework.results.quantities import RATIO, Quantity, quantity

if TYPE_CHECKING:
    import pandas as pd

    from framework.contracts import Catalog
    from framework.report.compare.rows import Row
    from framework.report.compare.tables import Side

GAP = "gap"  # validation minus test, of the same file
SIZES = ("params_nonzero", "size_tflite_bytes", "size_tflite_compressed_bytes")
# of a search, not of what it ends with
LEFT_OUT = ("front", "best", "equal_to_best", "test_seeds")


def trial_of(row: Row) -> int | None:
    """The number of the trial that found a configuration; None of dense nets and controls."""
    numbers = {run.number for run in row.one.runs.values()} - {-1}
    return min(numbers, default=None)


def in_table_order(side: Side) -> list[Row]:
    """Dense net and controls, then the trials from the largest to the smallest."""
    references = [row for row in side.rows if row.kind != "method"]
    trials = [row for row in side.rows if row.kind == "method"]
    trials.sort(key=lambda row: (-row.means.get(side.size, 0.0), row.one.digest))
    return [*references, *trials]


def confirm_frame(sides: Sequence[Side]) -> pd.DataFrame:
    """A row for each configuration, every number exact.

    Returns:
        (configurations, columns), dtype object; gaps are None.
    """
    exact = exact_frame(sides)
    cells: dict[str, Any] = {row["configuration"]: row for row in exact.to_dict("records")}
    rows: list[dict[str, Any]] = []
    for side in sides:
        for row in in_table_order(side):
            gap = side.net.gap_of(row.one)
            values: dict[str, Any] = {**cells[row.one.digest], "trial": trial_of(row)}
            if gap is not None:
                values |= {GAP: gap.mean, f"{GAP}_sd": gap.deviation}
                values |= {f"{GAP}_low": gap.low, f"{GAP}_high": gap.high}
            rows.append(values)
    ends = [f"{GAP}{end}" for end in ("", "_sd", "_low", "_high")]
    columns = [name for name in exact.columns if name not in LEFT_OUT]
    # beside the two that it lies between
    place = 1 + max(map(columns.index, in_order([f"{s.net.tested}_high" for s in sides], columns)))
    columns[place:place] = ends
    return object_frame(rows, [columns[0], "row", "trial", *columns[2:]])


def confirm_table(
    side: Side, catalog: Catalog, *, name: str = "confirm", brief: bool = False
) -> Table:
    """All configurations of one net.

    Args:
        name: as of a `Table`.
        brief: for a terminal, where columns are scarce.
    """
    net, settings = side.net, setting_names(side.names)
    quality, test = quantity(net.quality, catalog), quantity(net.tested, catalog)
    unit = "points" if quality.format == "percent" else quality.head
    # the size that spans the front comes first, whichever it is
    sizes = list(dict.fromkeys([side.size, *(SIZES[-1:] if brief else SIZES)]))
    ratios = [] if brief else [f"{size}{RATIO}" for size in sizes]
    stated = [quality, test, Quantity(name=GAP, label=GAP, head=f"{GAP} ({unit})")]
    stated += [quantity(size, catalog) for size in [*sizes, *ratios]]
    heads = [words("method"), *(Head(name=one, text=one) for one in ("trial", *settings, "n"))]
    heads += [Head(name=one.name, text=one.title, doc=one.doc) for one in stated]
    rows = []
    for row in in_table_order(side):
        number = trial_of(row)
        cells = [Cell(row.method), Cell("" if number is None else str(number))]
        cells += [*setting_cells(row, settings), Cell(str(len(row.one.runs)))]
        summaries = (row.quality, row.test, net.gap_of(row.one))
        cells += [Cell(spread(one, quality.format)) for one in summaries]
        cells += [_size_cell(row, size, "count") for size in sizes]
        cells += [_size_cell(row, ratio, "ratio") for ratio in ratios]
        rows.append([*cells, Cell("; ".join(row.flags))])
    first = ["method", "trial", net.quality, net.tested, GAP, side.size, f"{side.size}{RATIO}"]
    table = Table(name=name, caption=caption(side), heads=[*heads, words("flags")], rows=rows)
    return replace(table, first=first).without_empty()


def caption(side: Side) -> str:
    """Of the table of one net: what its numbers mean."""
    seeds = sorted({len(row.one.runs) for row in side.rows if row.one.runs})
    count = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else "".join(map(str, seeds))
    return (
        f"{shortened(side.net.name, 48)}, trained anew under n = {count} new seeds: mean ± sample "
        f"standard deviation, exported file; test measured once."
    )


def _size_cell(row: Row, name: str, form: str) -> Cell:
    value = row.means.get(name)
    return Cell("" if value is None else FORMATS[form](value))
