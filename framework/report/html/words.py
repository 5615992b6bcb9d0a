"""What the pages say in sentences: what came out, what to beware of, how it was made."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from framework.errors import UserError
from framework.report.facts.checklist import at_chance, edited_metrics, toys
from framework.report.facts.gaps import gap_sentences
from framework.report.facts.head import trial_counts
from framework.report.frame import ARCHITECTURE, StudyRuns, metric_values
from framework.report.html.elements import cell, with_spread
from framework.report.html.model import Entry, Field, RunLink, Sentence
from framework.report.pages import capital
from framework.report.resolved import alternatives
from framework.report.selection import tag_values
from framework.report.tables.text import listed
from framework.results.quantities import RATIO
from framework.results.record import Run
from framework.system.commands import as_typed
from framework.system.paths import find_root

LOSS = 0.01  # of accuracy (1 point) or R2: what a reader would give up for a smaller net
TAGS = (("git", "Revision"), ("host", "Machine"))
ONE_WORD = re.compile(r"[\w.@=+/:,-]+")  # of a shell
PLAIN = re.compile(r'[^"$`\\!]+')  # what double quotes keep as it is


# --- what came out --------------------------------------------------------------------------------


def results_of(
    runs: StudyRuns, size: str, entries: Sequence[Entry], known: Mapping[str, Field]
) -> Iterator[Sentence]:
    """How many trials, how good the dense nets are, and the smallest net that loses nothing.

    Args:
        size: name of the field that a net costs.
        known: the fields by name.
    """
    best = [one for one in entries if one.front]
    count = f"{len(best)} {'is' if len(best) == 1 else 'are'} on the front"
    yield [f"Trials: {trial_counts(runs)}; {count if best else 'none is on the front'}."]
    quality = known.get(runs.quality)
    if quality is None:
        return
    for entry in entries:
        if entry.kind == "baseline" and entry.values.get(quality.name) is not None:
            yield ["The dense net reaches ", _link(_shown(quality, entry), entry), "."]
    losses = [one for one in best if runs.drop in known and one.values.get(runs.drop) is not None]
    if losses:
        yield _smallest(losses, quality, known[runs.drop], _sizes(size, known))


def _smallest(
    best: Sequence[Entry], quality: Field, drop: Field, sizes: Sequence[Field]
) -> Sentence:
    """The smallest net that loses next to nothing; where there is none, that which loses least."""
    word = "1 point" if drop.format == "percent" else f"{LOSS:g}"
    small = [one for one in best if one.values[drop.name] <= LOSS]
    if small:
        first = min(small, key=lambda one: one.values[sizes[0].name])
        head = f"The smallest net within {word} of its dense net is "
    else:
        first = min(best, key=lambda one: one.values[drop.name])
        head = f"No net of the front stays within {word} of its dense net; nearest is "
    size = f"{sizes[0].axis or sizes[0].head}: {cell(sizes[0], first.values[sizes[0].name])}"
    if len(sizes) > 1:
        size += f" ({cell(sizes[1], first.values.get(sizes[1].name))} smaller)"
    return [head, _link(first.label, first), f", with {_shown(quality, first)}. {size}."]


def _sizes(name: str, known: Mapping[str, Field]) -> list[Field]:
    """The size, and how it compares with the baseline's where it is a line of the ledger."""
    return [known[one] for one in (name, name + RATIO) if one in known]


def _shown(one: Field, entry: Entry) -> str:
    return with_spread(one, entry) + (" %" if one.format == "percent" else "")


def _link(label: str, entry: Entry) -> RunLink:
    return RunLink(label, next(iter(entry.runs.values())))


# --- what to beware of ----------------------------------------------------------------------------


def warnings_of(runs: StudyRuns, *, named: bool = False) -> Iterator[str]:
    """What a reader has to know before any number.

    Args:
        named: say of which study, where a page is of several.
    """
    of = f"study {runs.name}: " if named else ""
    names = toys(runs)
    if names:
        verb = "is a toy" if len(names) == 1 else "are toys"
        count = alternatives(runs.resolved[ARCHITECTURE])
        scope = f"{count} (data set, architecture) pair{'s' if count > 1 else ''}"
        yield f"{listed(names)} {verb}: do not generalise from this page ({scope})."
    for line in (*at_chance(runs), *edited_metrics(runs), *gap_sentences(runs)):
        yield f"{capital(f'{of}{line}')}."


# --- how it was made ------------------------------------------------------------------------------


def command(target: str, **variables: str) -> str:
    """A line for a shell, as the Makefile has it; what is empty is left out."""
    words = [f"{name}={_quoted(value)}" for name, value in variables.items() if value]
    return " ".join(["make", target, *words])


def _quoted(value: str) -> str:
    """One word of a shell, in double quotes where they are enough: `as_typed` knows those."""
    if ONE_WORD.fullmatch(value):
        return value
    return f'"{value}"' if PLAIN.fullmatch(value) else shlex.quote(value)


def typed(commands: Sequence[str], out: Path) -> list[str]:
    """Commands as one types them in the project that a folder belongs to."""
    try:
        root = find_root(out)
    except UserError:
        root = None
    return [as_typed(line, root) for line in commands]


def origin_of(every: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """Revision, machine, seconds and beginning of some runs."""
    for tag, head in TAGS:
        values = sorted(set(tag_values(every, tag)) - {""})
        if values:
            yield head, listed(values)
    if "true" in tag_values(every, "dirty"):
        yield "Changes", "some runs were made from files that were not committed"
    seconds = metric_values(every, "seconds")
    if seconds:
        yield "Seconds", f"{sum(seconds):,.0f} in {len(seconds)} runs"
    starts = [run.start_ms for run in every if run.start_ms]
    if starts:
        first = datetime.fromtimestamp(min(starts) / 1000, UTC)
        yield "Begun", first.strftime("%Y-%m-%d %H:%M UTC")
