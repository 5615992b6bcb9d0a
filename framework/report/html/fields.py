"""The columns of a page: what the other tables know of them, and which are shown where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from framework.contracts import Catalog
from framework.report.html.encode import is_number
from framework.report.html.model import SD, WORDS, Entry, Field
from framework.report.tables.columns import Column
from framework.report.tables.layout import FORMATS, columns
from framework.results.quantities import Quantity, quantities, quantity

RUINED = 0.10  # below the control: drawn at the edge, so that the figure shows where one decides
MOST_AXES = 8
CHOSEN = ("architecture", "strategy", "method")  # words that tell configurations apart
NAMES = {text: name for name, text in FORMATS.items()}
MEASURED = ("latency_us_p50", "speedup_measured", "seconds")  # on one machine, and told as such
SECONDS = Field(
    name="seconds", head="seconds", format="tenths", text=FORMATS["tenths"], better="min", level=2
)


def field_of(column: Column, stated: Quantity | None) -> Field:
    """A column of the other tables, and what is stated of its quantity."""
    return Field(
        name=column.name,
        head=column.head,
        axis=stated.axis if stated else "",
        format=NAMES.get(column.text, WORDS),
        text=column.text,
        doc=column.doc,
        better=column.better,
        log=stated is not None and stated.ledger,
        level=column.level,
    )


def measured_fields(
    catalog: Catalog, names: Iterable[str], *, always: Sequence[str] = ()
) -> Iterator[Field]:
    """Those of the names that the tables know, in the order of the tables.

    Args:
        always: names that have a field even where no table knows them.
    """
    wanted = {*names, *always}
    stated = quantities(catalog)
    for column in columns(catalog):
        if column.name in wanted:
            wanted.remove(column.name)
            yield field_of(column, stated.get(column.name))
    # an objective may be of a plug-in that is no longer here, or be left out of the tables
    for name in sorted(wanted & set(always)):
        one = quantity(name, catalog)
        text = FORMATS[one.format]
        yield Field(
            name=name, head=one.title, axis=one.axis, format=one.format, text=text, log=one.ledger
        )
    if "seconds" in wanted - set(always):
        yield SECONDS


def parameter_fields(entries: Sequence[Entry], names: Sequence[str]) -> list[Field]:
    """A field for each parameter that varies: numbers where all values are."""
    lasts = [name.rpartition(".")[2] for name in names]
    fields = []
    for name, last in zip(names, lasts, strict=True):
        values = present(entries, name)
        numeric = bool(values) and all(map(is_number, values))
        # a name's last word, where no other knob is called so
        head = last if lasts.count(last) == 1 else name
        field = Field(name=name, head=head, searched=True, log=_over_decades(values))
        if numeric:
            field = replace(field, format="significant", text=FORMATS["significant"])
        fields.append(field)
    return fields


def present(entries: Iterable[Entry], name: str) -> list[Any]:
    """The values of a field that there are."""
    values = (entry.values.get(name) for entry in entries)
    return [value for value in values if value is not None]


def filled(fields: Iterable[Field], entries: Sequence[Entry]) -> list[Field]:
    """Those that any row has a value of."""
    fields = list(fields)
    empty = _empty({one.name for one in fields}, entries)
    return [one for one in fields if one.name not in empty]


def with_spreads(fields: Iterable[Field], entries: Sequence[Entry]) -> Iterator[Field]:
    """Behind each field that of its standard deviation over seeds, where rows have one."""
    fields = list(fields)
    names = set(map(attrgetter("name"), fields))
    without = names | _empty({name + SD for name in names}, entries)
    for one in fields:
        yield one
        spread = one.name + SD
        if spread not in without:
            yield Field(name=spread, head="s.d.", format=one.format, text=one.text, level=2)


def _empty(names: Iterable[str], entries: Iterable[Entry]) -> set[str]:
    """Those of the names of which no row has a value."""
    empty = set(names)
    for entry in entries:
        # soon few are left to look for
        empty -= {name for name in empty if entry.values.get(name) is not None}
    return empty


def floor_of(entries: Sequence[Entry], quality: Field) -> float | None:
    """Below which a net is ruined; None where none is, or where all are."""
    references = [entry for entry in entries if entry.kind == "control"]
    references = references or [entry for entry in entries if entry.kind == "baseline"]
    wanted = list(filter(is_number, present(references, quality.name)))
    if not wanted or quality.better != "max":
        return None
    floor = max(wanted) - RUINED
    values = list(filter(is_number, present(entries, quality.name)))
    return float(f"{floor:.4g}") if min(values) < floor else None


def axes_among(fields: Iterable[Field], results: Sequence[str]) -> list[str]:
    """Of the parallel coordinates: what was searched, then what came out; none without both."""
    fields = list(fields)
    searched = [one.name for one in fields if one.searched or one.name in CHOSEN]
    ends = [one.name for one in fields if one.name in results]
    return [*searched[: MOST_AXES - len(ends)], *ends] if searched else []


def _over_decades(values: Sequence[Any]) -> bool:
    """Whether a knob was drawn over decades, as a rate is: over more than two."""
    numbers = [value for value in values if is_number(value)]
    return (
        bool(numbers)
        and len(numbers) == len(values)
        and min(numbers) > 0
        and (max(numbers) / min(numbers) > 100)
    )
