"""The page of a comparison: every configuration of every net, over its seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.report.compare.checklist import requirements
from framework.report.compare.methods import setting_names, setting_text
from framework.report.compare.pairs import sentence
from framework.report.facts.glossary import COMPARED
from framework.report.html.fields import (
    axes_among,
    filled,
    floor_of,
    measured_fields,
    parameter_fields,
    with_spreads,
)
from framework.report.html.model import SD, Entry, Field, Page, Sentence, Table
from framework.report.html.words import command, origin_of, typed, warnings_of
from framework.report.tables.layout import FORMATS
from framework.report.tables.text import listed
from framework.results.quantities import RATIO, Quantity, quantity

if TYPE_CHECKING:
    from framework.report.compare.comparison import Comparison
    from framework.report.compare.rows import Row
    from framework.report.compare.tables import Side
    from framework.results.record import Run

KINDS = {"dense": "baseline", "control": "control", "method": "trial"}
MOST_ROWS = 60  # of a table that is read without scripts; of more those of the front
BEHIND = "behind_control"
CAPTION = (
    "means over the seeds, exported files, validation split; ± is the sample standard deviation. "
    "Drop: against the dense net of the same seed; control: the identity strategy with the same "
    "fine-tuning. A seed's number leads to its run."
)


def page(
    comparison: Comparison, *, out: Path, figures: Sequence[Path], files: Sequence[str]
) -> Page:
    """All that is told of a comparison; arguments as of `of_study.page`."""
    sides = comparison.sides
    by_side = [list(map(_entry, [side] * len(side.rows), side.rows)) for side in sides]
    entries = list(chain.from_iterable(by_side))
    fields = list(with_spreads(_fields(comparison, entries), entries))
    known = {one.name: one for one in fields}
    # the axes are those of the first net, whose size is that of all
    size, quality = sides[0].size, sides[0].net.quality
    several = len(comparison.names) > 1
    warnings = chain.from_iterable(warnings_of(one, named=several) for one in comparison.studies)
    names = " ".join(comparison.names)
    asked = list(map(attrgetter("text", "why"), requirements(comparison.studies, sides)))
    again = command("report", NAME=names, KIND="compare", OVER=comparison.choices.over)
    return Page(
        title=f"{listed(comparison.names)}: methods side by side",
        warnings=list(dict.fromkeys(warnings)),
        results=list(_verdicts(sides)),
        tables=[_table(side, rows, known) for side, rows in zip(sides, by_side, strict=True)],
        fields=fields,
        entries=entries,
        x=size,
        y=quality,
        series="method",
        # nets are never drawn over one another: their sizes have nothing to do with each other
        panel="net" if len(sides) > 1 else "",
        floor=floor_of(entries, known[quality]),
        axes=axes_among(fields, [size, quality]),
        requirements=asked,
        notes=[f"{word}: {meaning}" for word, meaning in COMPARED.items()],
        commands=typed([again], out),
        origin=list(origin_of(list(_runs(sides)))),
        figures=figures,
        files=files,
    )


def _verdicts(sides: Iterable[Side]) -> Iterator[Sentence]:
    for side in sides:
        for pair in side.pairs:
            yield [f"{sentence(side.net, pair)}."]


def _runs(sides: Iterable[Side]) -> Iterator[Run]:
    for side in sides:
        for one in side.net.configurations:
            yield from one.runs.values()


def _entry(side: Side, row: Row) -> Entry:
    # the dense net and the control are of no method: they have looks of their own
    method = row.method if row.kind == "method" else None
    values: dict[str, Any] = {"net": side.net.name, "method": method, **dict(row.setting)}
    values |= row.means
    summaries = {side.net.quality: row.quality, side.net.drop: row.drop, BEHIND: row.behind}
    for name, one in summaries.items():
        if one is not None:
            values |= {name: one.mean, name + SD: one.deviation}
    # an empty text is a gap, which no column is shown for
    values |= {"seeds": len(row.one.runs), "epochs_spent": row.epochs or None}
    flags = "; ".join(row.flags)
    return Entry(
        label=f"{row.method} {setting_text(row.setting)}".strip(),
        kind=KINDS[row.kind],
        runs={f"seed {seed}": run.run_id for seed, run in row.one.runs.items()},
        values=values | {"flags": flags or None},
        front=row.front,
        failed="" if row.quality is not None else flags or "no seed has finished",
    )


def _fields(comparison: Comparison, entries: Sequence[Entry]) -> Iterator[Field]:
    """What a row is called, how good it is, how large, and what to know of it."""
    sides = comparison.sides
    settings = list(dict.fromkeys(chain.from_iterable(setting_names(one.names) for one in sides)))
    measured = set().union(*map(attrgetter("values"), entries)) - set(settings)
    # the axes have fields even where nothing has finished
    always = (sides[0].size, sides[0].net.quality)
    if len(sides) > 1:
        yield Field(name="net", head="net")
    yield from filled([Field(name="method", head="method")], entries)
    yield from filled(parameter_fields(entries, settings), entries)
    yield from measured_fields(comparison.catalog, measured, always=always)
    yield from filled([_behind(quantity(sides[0].net.drop, comparison.catalog))], entries)
    words = [Field(name="epochs_spent", head="epochs spent"), Field(name="flags", head="flags")]
    yield from filled(words, entries)


def _behind(drop: Quantity) -> Field:
    return Field(
        name=BEHIND,
        head="against control",
        axis=f"{drop.axis} against the control",
        format=drop.format,
        text=FORMATS[drop.format],
        doc="what the control of the same seed has more; below 0 is a gain",
        better="min",
    )


def _table(side: Side, rows: Sequence[Entry], known: Mapping[str, Field]) -> Table:
    """What is read without scripts."""
    shown = list(rows)
    more = ""
    if len(rows) > MOST_ROWS:
        shown = [row for row in rows if row.front or row.kind != "trial"]
        more = " Of the methods those on the front; all are further below."
    names = [side.net.quality, side.net.drop, BEHIND, "seeds", side.size, side.size + RATIO]
    names += ["size_tflite_compressed_bytes" + RATIO, "flags"]
    fields = filled([known[name] for name in dict.fromkeys(names) if name in known], shown)
    return Table(
        caption=f"{side.net.name}: {CAPTION}{more}",
        fields=list(map(attrgetter("name"), fields)),
        entries=shown,
    )
