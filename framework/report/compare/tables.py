"""The tables of a comparison: exact for CSV, and as a reader wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from framework.report.compare.methods import number_text, setting_names, setting_text
from framework.report.compare.pairs import region_of
from framework.report.frame import in_order, object_frame
from framework.report.statistics.intervals import Summary
from framework.report.tables.layout import FORMATS
from framework.report.tables.table import Cell, Head, Table, words
from framework.report.tables.text import shortened
from framework.results.quantities import RATIO, Quantity, quantity

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
BEHIND, TEST_N = "against control", "n (test)"
MOST_NAMED = 4  # rows in a note


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


def net_table(side: Side, catalog: Catalog, *, name: str = "compare", brief: bool = False) -> Table:
    """All configurations of one net.

    Args:
        name: as of a `Table`.
        brief: for a terminal, where columns are scarce.
    """
    settings = setting_names(side.names)
    ratios = _unique([side.size, *RATIOS])
    quality, drop = quantity(side.net.quality, catalog), quantity(side.net.drop, catalog)
    numbers = [quality, drop, replace(drop, name=BEHIND, head=BEHIND, unit="")]
    seeds = Quantity(name=TEST_N, label=TEST_N, head=TEST_N)
    numbers += [quantity(side.net.tested, catalog), seeds]
    numbers += [quantity(f"{ratio}{RATIO}", catalog) for ratio in ratios]
    heads = [words("method"), *map(_setting_head, settings), Head(name="n", text="n")]
    heads += [Head(name=one.name, text=one.title, doc=one.doc) for one in numbers]
    heads += [Head(name=SPENT, text=SPENT), words(FRONT_MARK), words("flags")]
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
    first = ["method", *settings, side.net.quality, side.net.drop, f"{side.size}{RATIO}"]
    methods = [place for place, row in enumerate(side.rows) if row.kind == "method"]
    table = Table(
        name=name,
        caption=caption(side),
        heads=heads,
        rows=rows,
        first=[*first, "flags", FRONT_MARK],
        rules=methods[:1],
    )
    if brief:
        table = table.without((BEHIND, SPENT, numbers[-1].name))
    return table.without_empty()


def caption(side: Side) -> str:
    """Of the tables of one net: what its numbers mean."""
    seeds = sorted({len(row.one.runs) for row in side.rows if row.one.runs})
    count = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
    return (
        f"{shortened(side.net.name, 48)}: exported file, validation split; mean ± sample standard "
        f"deviation over n = {count} seeds."
    )


def notes(side: Side) -> list[str]:
    """What is to be known of a net's table, plain sentences without full stops."""
    points = side.net.quality == "val_accuracy"
    region = region_of(side.net) * (100 if points else 1)
    return [
        "Drop: against the dense net of the same seed; control: identity strategy with the same "
        "fine-tuning",
        f"Bold: best of a setting; ≈: equal to it within {region:g} {'points' if points else 'R2'}",
        "Ratios are dense / row; above 1 is smaller",
        *_flag_notes(side.rows),
    ]


def _flag_notes(rows: Sequence[Row]) -> list[str]:
    """Which rows have which flag, where a table has no room for a column of them."""
    flagged: dict[str, list[str]] = {}
    for row in rows:
        for flag in row.flags:
            flagged.setdefault(flag, []).append(f"{row.method} {setting_text(row.setting)}".strip())
    notes = []
    for flag, names in flagged.items():
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        notes.append(f"{flag}: {'; '.join(names[:MOST_NAMED])}{more}")
    return notes


def _setting_head(name: str) -> Head:
    return Head(name=name, text=name)


def over_table(side: Side, over: str, catalog: Catalog, *, name: str = "over") -> Table:
    """The quality, with the values of one setting as columns.

    Args:
        over: a setting of the net by its name, or its whole path as `compress.0.sparsity`.
        name: as of a `Table`.
    """
    known = setting_names(side.names)
    setting_name = over if over in known else over.rpartition(".")[2]
    settings = [dict(row.setting) for row in side.rows]
    values = sorted({one[setting_name] for one in settings if setting_name in one})
    others = [one for one in known if one != setting_name]
    form = quantity(side.net.quality, catalog).format
    # what is left of a name without the knob that became the columns
    lines: dict[tuple[str, ...], dict[Any, Cell]] = {}
    for row in side.rows:
        if row.kind == "method":
            setting = dict(row.setting)
            key = (row.method, *(_text(setting.get(one)) for one in others))
            lines.setdefault(key, {})[setting.get(setting_name)] = quality_cell(row, form)
    rows = []
    for key, cells in lines.items():
        rows.append([*map(Cell, key), *(cells.get(value, Cell("")) for value in values)])
    heads = [words("method"), *map(_setting_head, others)]
    heads += [_setting_head(f"{setting_name}={number_text(value)}") for value in values]
    return Table(name=name, caption=caption(side), heads=heads, rows=rows)


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
