"""The report as Markdown: one page of quality against size, one of speed."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from framework.report.facts.checklist import (
    at_chance,
    checklist,
    edited_metrics,
    toy_warning,
)
from framework.report.facts.gaps import gap_sentences
from framework.report.facts.head import facts
from framework.report.facts.setup import machine
from framework.report.frame import StudyRuns
from framework.report.pages import GLOSSARY_LINK, asked_of, capital, listing
from framework.report.pareto import axes_of
from framework.report.speed import protocol, speed_columns, speed_frame
from framework.report.tables.columns import columns_of, markdown
from framework.report.tables.fit import without_constant
from framework.report.tables.front import front_table, ledger_table
from framework.report.tables.markup import table_markdown
from framework.report.tables.table import Table
from framework.report.tables.text import listed, markdown_text

# where it is not the task's own quality
AXIS_WORDS = {"val_rmse": "RMSE", "val_mse": "MSE", "val_auc": "AUC"}
MOST_TRIALS = 200  # of the page on speed; of more the front
WHERE = "## Where and when"  # all that depends on the machine stands below it


def page(runs: StudyRuns, frame: pd.DataFrame) -> str:
    """The report as one Markdown page: results first.

    Args:
        frame: what `pareto_frame` gave.
    """
    quality = AXIS_WORDS.get(axes_of(runs).quality, runs.quality_word)
    blocks = [
        f"# {markdown_text(runs.name)}: {quality} against size",
        markdown_text(runs.study.get("question", "")),
        *_warnings(runs),
        *no_front(runs, frame),
        *_shown(front_table(runs, frame)),
        f"![{quality} against size](pareto.svg)",
        *map(markdown_text, _axes_sentence(runs)),
        GLOSSARY_LINK,
        "## The size ledger",
        *_shown(ledger_table(runs, frame)),
        "## What was run",
        "\n".join(f"- {head}: {markdown_text(text)}" for head, text in facts(runs, frame)),
        *asked_of(checklist(runs, frame)),
        WHERE,
        listing(machine(runs)),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _shown(table: Table) -> Iterator[str]:
    """A table with its caption above it and its notes below it."""
    table = without_constant(table)
    yield markdown_text(table.caption)
    yield table_markdown(table)
    yield listing(table.notes)


def _warnings(runs: StudyRuns) -> list[str]:
    """What a reader has to know before any number, a paragraph each."""
    paragraphs = toy_warning(runs)
    for line in (*at_chance(runs), *edited_metrics(runs), *gap_sentences(runs)):
        paragraphs.append(f"**{markdown_text(capital(line))}.**")
    return paragraphs


def _axes_sentence(runs: StudyRuns) -> list[str]:
    """Which two of several objectives the figure, and the order of rows, have."""
    axes = axes_of(runs)
    shown = {axes.size, axes.quality}
    if shown == set(runs.objectives):
        return []
    return [
        f"The front is that of {listed(list(runs.objectives))} together. The figure, and the order "
        f"of the rows, have {axes.quality} against {axes.size} alone, so that points of the front "
        f"may lie below others there; AXES= chooses others."
    ]


def speed_page(runs: StudyRuns) -> str:
    """Size and latency next to each other, as one Markdown page."""
    count, left_out = len(runs.finished), ""
    frame = speed_frame(runs, only_front=count > MOST_TRIALS)
    if count > MOST_TRIALS:
        left_out = f"Of {count:,} trials those on the front; all are in `timing.csv`."
    blocks = [
        f"# {markdown_text(runs.name)}: speed and size",
        protocol(runs),
        left_out,
        markdown(frame, columns_of(frame, speed_columns(runs), level=0)),
        "- **measured speed-up**: latency of the baseline / latency of the row; an interval that "
        "holds 1 shows no difference.",
        "- **theoretical speed-up**: multiply-accumulates of the baseline / those of the row whose "
        "weight is not zero.",
        f"- **{runs.quality_word}**: of the exported file on the validation split.",
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def no_front(runs: StudyRuns, frame: pd.DataFrame) -> list[str]:
    """Why the table has no row of the front, if it has none."""
    if (frame["row"] == "front").any():
        return []
    if not runs.finished:
        return [
            "**No trial has finished, so there is no front.** The reasons of failed trials are in "
            "`trials.csv`."
        ]
    return [
        "**No finished trial meets the constraints, so there is no front.** All trials are in "
        "`trials.csv`."
    ]
