"""The tables of a comparison: exact for CSV, and as a reader wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from framework.report.compare.methods import number_text, setting_names
from framework.report.frame import in_order, object_frame
from framework.report.statistics.intervals import Summary
from framework.report.tables.grid import Cell, Grid
from framework.report.tables.layout import FORMATS
from framework.results.quantities import RATIO, quantity

if TYPE_CHECKING:
    from framework.contracts import Catalog
    from framework.report.compare.configurations import Net
    from framework.report.compare.methods import Named
    from framework.report.compare.pairs import Pair
    from framework.report.compare.rows import Row

# beside the size that spans the front
RATIOS = ("params_nonzero", "size_tflite_compressed_bytes")
FROM_CONTROL = "_from_control"  # the end of a drop that is not against the dense net
TEST_SEEDS = "test_seeds"  # under which it was confirmed
BEST_MARK, FRONT_MARK, SPENT = "≈", "front", "epochs spent"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One net of a comparison, with all that is said of it.

    Args:
        size: the metric that its front weighs against the quality.
    """

    net: Net
    names: Sequence[Named]
    rows: Sequence[Row]
    pairs: Sequence[Pair]
    size: str


# --- exact ----------------------------------------------------------------------------------------


def exact_frame(sides: Sequence[Side]) -> pd.DataFrame:
    """A row for each configuration, every number exact.

    Returns:
        (configurations, columns), dtype object; gaps are None.
    """
    rows: list[dict[str, Any]] = []
    for side in sides:
        rows += [_exact(side.net, row) for row in side.rows]
    settings = _unique(name for side in sides for name in setting_names(side.names))
    # what a row is called comes first, then how good it is, and its digest last
    first = ["net", "row", "method", *settings, "seeds", "flags"]
    for side in sides:
        drop = side.net.drop
        for name in (side.net.quality, drop, f"{drop}{FROM_CONTROL}"):
            first += _with_ends(name)
        first += [*_with_ends(side.net.tested), TEST_SEEDS]
    last = ["front", "best", "equal_to_best", "epochs_spent", "configuration"]
    measured = sorted({name for row in rows for name in row} - {*first, *last})
    present = {name for row in rows for name in row} | {*settings}
    return object_frame(rows, in_order(_unique([*first, *measured, *last]), present))


def _exact(net: Net, row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {"net": net.name, "row": row.kind, "method": row.method}
    values |= dict(row.setting)
    values["seeds"] = " ".join(map(str, row.one.runs))
    values["flags"] = "; ".join(row.flags)
    values |= _ends(net.quality, row.quality) | _ends(net.drop, row.drop)
    values |= _ends(f"{net.drop}{FROM_CONTROL}", row.behind) | _ends(net.tested, row.test)
    if row.test is not None:
        values[TEST_SEEDS] = row.test.seeds
    # the mean of a quality is there already, by all seeds that have it
    values |= {name: value for name, value in row.means.items() if name not in values}
    values |= {"front": row.front, "best": row.best, "equal_to_best": row.equal}
    return values | {"epochs_spent": row.epochs, "configuration": row.one.digest}


def _ends(name: str, one: Summary | None) -> dict[str, Any]:
    if one is None:
        return {}
    numbers = (one.mean, one.deviation, one.low, one.high)
    return dict(zip(_with_ends(name), numbers, strict=True))


def _with_ends(name: str) -> list[str]:
    return [name, f"{name}_sd", f"{name}_low", f"{name}_high"]


def verdicts_frame(sides: Sequence[Side]) -> pd.DataFrame:
    """A row for each pair of methods, exact.

    Returns:
        (pairs, columns), dtype object; gaps are None.
    """
    columns = ["net", "first", "second", "verdict", "why", "difference", "low", "high"]
    columns += ["confidence", "settings", "seeds", "left_out", "pooled"]
    rows: list[Mapping[str, Any]] = []
    for side in sides:
        for pair in side.pairs:
            verdict = vars(pair.verdict) | {"verdict": pair.verdict.word}
            pooled = pair.difference.pooled if pair.difference is not None else None
            more = {"net": side.net.name, "difference": pair.mean, "pooled": pooled}
            rows.append(vars(pair) | verdict | more)
    return object_frame(rows, columns)


def origins(sides: Sequence[Side]) -> dict[str, Any]:
    """From each configuration to its runs: digest -> seed -> id, host, code revision."""
    answers: dict[str, Any] = {}
    for side in sides:
        for one in side.net.configurations:
            runs = {}
            for seed, run in one.runs.items():
                tags = {key: run.tags[key] for key in ("study", "host", "git") if key in run.tags}
                runs[str(seed)] = {"run_id": run.run_id} | tags
            answers[one.digest] = runs
    return answers


# --- for a reader ---------------------------------------------------------------------------------


def net_grid(side: Side, catalog: Catalog, *, brief: bool = False) -> Grid:
    """All configurations of one net.

    Args:
        brief: for a terminal, where columns are scarce.
    """
    settings = setting_names(side.names)
    ratios = _unique([side.size, *RATIOS])
    quality = quantity(side.net.quality, catalog)
    drop = quantity(side.net.drop, catalog)
    test = quantity(side.net.tested, catalog)
    heads = ["method", *settings, "n", quality.title, drop.title, "against control"]
    heads += [test.title, "n (test)"]
    heads += [quantity(f"{name}{RATIO}", catalog).title for name in ratios]
    heads += [SPENT, FRONT_MARK, "flags"]
    rows = []
    for row in side.rows:
        # in the order of the heads
        cells = [Cell(row.method), *setting_cells(row, settings), Cell(str(len(row.one.runs)))]
        cells.append(quality_cell(row, quality.format))
        cells += [Cell(spread(one, drop.format)) for one in (row.drop, row.behind, row.test)]
        cells.append(Cell(str(row.test.seeds) if row.test is not None else ""))
        cells += [_ratio_cell(row, name) for name in ratios]
        cells += [Cell(row.epochs), Cell("yes" if row.front else ""), Cell("; ".join(row.flags))]
        rows.append(cells)
    grid = Grid(heads=heads, rows=rows)
    if brief:
        grid = grid.without(("against control", SPENT, heads[-4]))
    return grid.without_empty()


def over_grid(side: Side, over: str, catalog: Catalog) -> Grid:
    """The quality, with the values of one setting as columns.

    Args:
        over: a setting of the net by its name, or its whole path as `compress.0.sparsity`.
    """
    known = setting_names(side.names)
    name = over if over in known else over.rpartition(".")[2]
    values = sorted({dict(row.setting)[name] for row in side.rows if name in dict(row.setting)})
    others = [one for one in known if one != name]
    form = quantity(side.net.quality, catalog).format
    # what is left of a name without the knob that became the columns
    lines: dict[tuple[str, ...], dict[Any, Cell]] = {}
    for row in side.rows:
        if row.kind == "method":
            setting = dict(row.setting)
            key = (row.method, *(_text(setting.get(one)) for one in others))
            lines.setdefault(key, {})[setting.get(name)] = quality_cell(row, form)
    rows = []
    for key, cells in lines.items():
        rows.append([*map(Cell, key), *(cells.get(value, Cell("")) for value in values)])
    heads = ["method", *others, *(f"{name}={number_text(value)}" for value in values)]
    return Grid(heads=heads, rows=rows)


def quality_cell(row: Row, form: str) -> Cell:
    """`97.20 ± 0.31`, bold if best, with a mark if equal to it in practice."""
    mark = BEST_MARK if row.equal else ""
    return Cell(f"{mark}{spread(row.quality, form)}", bold=row.best)


def spread(one: Summary | None, form: str) -> str:
    """Mean and sample standard deviation; the mean alone of one seed."""
    if one is None:
        return ""
    text = FORMATS[form]
    return (
        text(one.mean) if one.deviation is None else (f"{text(one.mean)} ± {text(one.deviation)}")
    )


def _ratio_cell(row: Row, name: str) -> Cell:
    value = row.means.get(f"{name}{RATIO}")
    return Cell("" if value is None else FORMATS["ratio"](value))


def setting_cells(row: Row, settings: Sequence[str]) -> list[Cell]:
    """A cell for each setting; empty where the row has none of it."""
    values = dict(row.setting)
    return [Cell(_text(values.get(name))) for name in settings]


def _text(value: Any) -> str:
    return "" if value is None else number_text(value)


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
