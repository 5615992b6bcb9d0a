"""What a page says, as frozen values: columns, rows, sentences, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.report.tables.columns import Text
from framework.results.fronts import Direction

WORDS = "text"  # the format of what is no number
SD = "_sd"  # behind the name of a field: the field of its standard deviation over seeds


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column.

    Args:
        name: in the store or in a table of results.
        head: of a column, with its unit.
        axis: the same in full, for a drawing; the head by default.
        format: a key of `layout.FORMATS`, or `text`.
        text: a value as it is shown.
        doc: what it means, without a full stop; empty where the head says it.
        better: which direction is wanted, if any.
        log: it is drawn on a logarithmic scale.
        level: 0 in every table, 1 in the table of all runs, 2 as an axis and in the panel of a run.
        searched: it is a parameter of the configuration.
    """

    name: str
    head: str
    axis: str = ""
    format: str = WORDS
    text: Text = str
    doc: str = ""
    better: Direction | None = None
    log: bool = False
    level: int = 1
    searched: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row: a run, or a configuration with its runs.

    Args:
        label: what the row is called, as `trial 12`.
        kind: `baseline`, `control` or `trial`.
        runs: run ids by what tells them apart, as `seed 0`; one of a single run, by the empty text.
        values: name of a field -> Python value; what is missing has no key or None.
        front: it is on the front.
        feasible: it meets the constraints.
        failed: why it has no result; empty where it has one.
    """

    label: str
    kind: str
    runs: Mapping[str, str]
    values: Mapping[str, Any]
    front: bool = False
    feasible: bool = True
    failed: str = ""


@dataclass(frozen=True)
class RunLink:
    """A part of a sentence that leads to a run."""

    text: str
    run_id: str


Sentence = Sequence[str | RunLink]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows that are shown without scripts.

    Args:
        caption: plain text.
        fields: names, in their order.
    """

    caption: str
    fields: Sequence[str]
    entries: Sequence[Entry]


@dataclass(frozen=True, kw_only=True)
class Page:
    """All of one page; every text is plain and is escaped where it is written.

    Args:
        title, question: the head.
        warnings: what a reader has to know before any number.
        results: what came out, a sentence each.
        tables: the fronts.
        fields, entries: all columns and rows.
        x, y: names of the fields that the scatter shows first.
        series: name of the field whose values have a colour each; empty for one colour.
        panel: name of the field whose values are shown one at a time; empty for all together.
        floor: of the values of `y`; what lies below is drawn at the edge. None for all in place.
        limits: (name of a field, value) of constraints.
        axes: names of the fields of the parallel coordinates.
        facts: (what, text) of the set-up.
        notes: how the page is to be read.
        requirements: (what an honest result contains, why it is not met; empty where it is).
        commands: as they are typed.
        origin: (what, text) of revision, machine, versions and seconds.
        figures: PNG files, which have `.pdf` and `.svg` beside them.
        files: names of the files beside the page.
    """

    title: str
    fields: Sequence[Field]
    entries: Sequence[Entry]
    x: str
    y: str
    question: str = ""
    warnings: Sequence[str] = ()
    results: Sequence[Sentence] = ()
    tables: Sequence[Table] = ()
    series: str = ""
    panel: str = ""
    floor: float | None = None
    limits: Sequence[tuple[str, float]] = ()
    axes: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    requirements: Sequence[tuple[str, str]] = ()
    commands: Sequence[str] = ()
    origin: Sequence[tuple[str, str]] = ()
    figures: Sequence[Path] = ()
    files: Sequence[str] = ()
