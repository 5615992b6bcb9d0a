"""The page of one study: every baseline, control and trial, of very many trials some."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import ceil
from operator import attrgetter
from pathlib import Path

from framework.report.facts.checklist import checklist
from framework.report.facts.head import facts
from framework.report.facts.setup import machine
from framework.report.figures.front import axes_shown
from framework.report.frame import (
    ARCHITECTURE,
    StudyRuns,
    seeds_of,
    varying_parameters,
)
from framework.report.html.fields import (
    MEASURED,
    axes_among,
    filled,
    measured_fields,
    parameter_fields,
    present,
    with_spreads,
)
from framework.report.html.model import SD, Entry, Field, Page, Table
from framework.report.html.words import (
    command,
    results_of,
    typed,
    warnings_of,
)
from framework.report.pages import capital
from framework.report.pareto import (
    Axes,
    axes_of,
    front,
    pareto_frame,
    references_shown,
    row_of,
    ruined,
    ruined_sentence,
)
from framework.results.record import Run
from framework.results.replicates import ids_of
from framework.study.constraints import feasible

STRATEGY = "strategy"
STEP = re.compile(r"compress\.\d+")  # which plug-in a step is: the strategy says it of all steps
MOST_TRIALS = 3000  # that a browser draws and sorts in a moment
MOST_PARAMETERS = 4  # beside the results in the table of the front
NOTES = (
    "The search saw the validation split, so the front is optimistic; the headline of a paper is "
    "the test split",
    "Ratios are baseline / row, each on the same line of the size ledger; above 1 is smaller than "
    "the baseline",
    "The front is of the finished trials that meet the constraints, by all objectives together; "
    "the line in the drawing is by its two axes alone",
    "Seconds and latencies are of the machine that is named below",
)


def page(runs: StudyRuns, *, out: Path, figures: Sequence[Path], files: Sequence[str]) -> Page:
    """All that is told of a study.

    Args:
        out: the folder of the page, by which its commands are typed.
        figures: PNG files.
        files: names of the files beside the page.
    """
    axes = axes_of(runs)
    trials = _drawn(runs)
    entries = list(_entries(runs, trials))
    fields = list(with_spreads(_fields(runs, axes, entries), entries))
    known = {one.name: one for one in fields}
    frame = pareto_frame(runs)
    x, y = axes_shown(runs)
    return Page(
        title=f"{runs.name}: {runs.quality_word} against size",
        question=runs.study.get("question", ""),
        warnings=[*warnings_of(runs), *_left_out(runs, trials)],
        results=list(results_of(runs, axes.size, entries, known)),
        tables=[_front_table(runs, axes, entries, known)],
        fields=fields,
        entries=entries,
        x=axes.size,
        y=axes.quality,
        # what has a colour: the net, else the strategy, where there are several
        series=next((name for name in (ARCHITECTURE, STRATEGY) if name in known), ""),
        floor=y.floor,
        limits=[*product([axes.size], x.limits), *product([axes.quality], y.limits)],
        axes=axes_among(fields, [axes.size, axes.quality, *runs.objectives]),
        facts=facts(runs, frame),
        notes=NOTES,
        requirements=list(map(attrgetter("text", "why"), checklist(runs, frame))),
        commands=typed(_commands(runs), out),
        # of the runs, never of the moment at which the page is written: same runs, same bytes
        origin=_origin(runs),
        figures=figures,
        files=files,
    )


def _commands(runs: StudyRuns) -> list[str]:
    settings = " ".join(runs.study.get("overrides", ()))
    return [command(target, NAME=runs.name, SET=settings) for target in ("study", "report")]


def _origin(runs: StudyRuns) -> list[tuple[str, str]]:
    """Code, machine, versions, seconds; and the digest by which the study is found."""
    stated = [line.partition(": ") for line in machine(runs)]
    digest = runs.parent.tags.get("study_digest", "")
    return [*((what, text) for what, _, text in stated), ("Study digest", digest)]


# --- rows -----------------------------------------------------------------------------------------


def _drawn(runs: StudyRuns) -> list[Run]:
    """The trials of the page: all, or the front and some of the others, evenly by their number."""
    step = ceil(len(runs.trials) / MOST_TRIALS)
    if step <= 1:
        return list(runs.trials)
    kept = set(map(attrgetter("run_id"), [*front(runs), *runs.trials[::step]]))
    return [run for run in runs.trials if run.run_id in kept]


def _left_out(runs: StudyRuns, trials: Sequence[Run]) -> Iterator[str]:
    every = len(runs.trials)
    if len(trials) < every:
        step = ceil(every / MOST_TRIALS)
        yield (
            f"Drawings and rows below are {len(trials):,} of {every:,} trials: "
            f"the front, and of the others one in {step}. All are in trials.csv."
        )


def _entries(runs: StudyRuns, trials: Iterable[Run]) -> Iterator[Entry]:
    varying = varying_parameters(runs)
    # this page is of one machine's runs anyway: it leads to each of them
    measured = [*runs.objectives, *MEASURED]
    for kind, label, run in references_shown(runs):
        values = row_of(runs, kind, run, varying=varying, shown=measured)
        yield Entry(label=label, kind=kind, runs=_ids(run), values=values)
    best = set(map(attrgetter("run_id"), front(runs)))
    for run in trials:
        values = row_of(runs, "trial", run, varying=varying, shown=measured)
        entry = Entry(
            label=f"trial {run.number}{' (edited)' if run.run_id in runs.edited else ''}",
            kind="trial",
            runs=_ids(run),
            values=values,
            front=run.run_id in best,
            feasible=feasible(run.metrics),
        )
        yield entry if run.status == "FINISHED" else _failed_entry(entry, run, varying)


def _failed_entry(entry: Entry, run: Run, varying: Iterable[str]) -> Entry:
    """Of a trial that failed its configuration: half a result is none."""
    kept = {ARCHITECTURE, STRATEGY, "seconds", *varying}
    values = {name: value for name, value in entry.values.items() if name in kept}
    why = run.tags.get("reason", "unknown")
    return Entry(label=entry.label, kind="trial", runs=entry.runs, values=values, failed=why)


def _ids(run: Run) -> dict[str, str]:
    """The run, or those of each seed of a mean."""
    ids = ids_of(run)
    return {f"seed {seed}": run_id for seed, run_id in ids.items()} if len(ids) > 1 else ids


# --- columns --------------------------------------------------------------------------------------


def _fields(runs: StudyRuns, axes: Axes, entries: Sequence[Entry]) -> list[Field]:
    """Architecture, strategy and parameters, then what was measured."""
    varying = varying_parameters(runs)
    names: set[str] = set().union(*map(attrgetter("values"), entries)) - set(varying)
    trials = [entry for entry in entries if entry.kind == "trial"]
    # what all trials have is told in the set-up
    heads = [name for name in (ARCHITECTURE, STRATEGY) if len(set(present(trials, name))) > 1]
    others = names - {ARCHITECTURE, STRATEGY, "label", "trial"}
    knobs = [name for name in varying if name != ARCHITECTURE and not STEP.fullmatch(name)]
    fields = [
        *(Field(name=name, head=name) for name in heads),
        *parameter_fields(entries, knobs),
        *measured_fields(runs.catalog, others, always=(axes.size, axes.quality)),
    ]
    shown = filled(fields, entries)
    # a study of which nothing has finished has axes all the same
    return [one for one in fields if one in shown or one.name in (axes.size, axes.quality)]


def _front_table(
    runs: StudyRuns,
    axes: Axes,
    entries: Sequence[Entry],
    known: dict[str, Field],
) -> Table:
    """What is read without scripts: the front without the nets that are ruined."""
    rows = [one for one in entries if one.kind != "trial"]
    lost = set(map(attrgetter("run_id"), ruined(runs)))
    kept = [one for one in entries if one.front and lost.isdisjoint(one.runs.values())]
    rows += sorted(kept, key=lambda one: -one.values[axes.size])
    searched = [one.name for one in known.values() if one.searched][:MOST_PARAMETERS]
    results = [one.name for one in known.values() if one.level == 0 and not one.searched]
    # a spread stands beside its mean
    results = [name for name in results if not name.endswith(SD)]
    names = dict.fromkeys([*searched, *results, axes.size, axes.quality])
    shown = filled([known[name] for name in names], rows)
    seeds = "means over seeds" if any(map(seeds_of, runs.trials)) else "one seed, no interval"
    more = f" {capital(sentence)}." if (sentence := ruined_sentence(runs)) else ""
    caption = (
        f"The front of {runs.name}, largest first, below the dense net and the control with the "
        f"same fine-tuning; exported files on the validation split; {seeds}. "
        f"Each name leads to its run.{more}"
    )
    return Table(caption=caption, fields=list(map(attrgetter("name"), shown)), entries=rows)
