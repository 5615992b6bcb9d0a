"""The report as Markdown: one page of quality against size, one of speed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from framework.report.facts.checklist import at_chance, edited_metrics, toy_warning, unmet
from framework.report.facts.head import facts
from framework.report.frame import StudyRuns, seeds_of
from framework.report.pareto import axes_of
from framework.report.speed import protocol, speed_columns, speed_frame
from framework.report.tables.columns import Column, columns_of, markdown
from framework.report.tables.layout import columns as every_column
from framework.report.tables.text import listed, markdown_text

# where it is not the task's own quality
AXIS_WORDS = {"val_rmse": "RMSE", "val_mse": "MSE", "val_auc": "AUC"}
SEED_NOTE = "n = 1 seed: no interval is shown"
MEAN_NOTE = "Each row is a mean over the seeds; s.d. is the sample standard deviation over them"
RATIO_NOTE = (
    "Ratios are baseline / row, each on the same line of the size ledger; above 1 is smaller than "
    "the baseline"
)
ROW_NOTES = (
    "**baseline**: the dense net; **control**: the identity strategy, the same fine-tuning "
    "without compression; "
    "**trial**: on the Pareto front of the finished trials that meet the constraints, largest "
    "first",
    "The search saw the validation split, so the front is optimistic; the headline of a paper "
    "is the test split",
    "Nothing here is a measured speed: that is in `speed.md`, apart, because it depends on the "
    "machine",
)


def page(runs: StudyRuns, frame: pd.DataFrame) -> str:
    """The report as one Markdown page."""
    columns = columns_of(frame, every_column(runs.catalog), level=2)
    quality = AXIS_WORDS.get(axes_of(runs).quality, runs.quality_word)
    blocks = [
        f"# {markdown_text(runs.name)}: {quality} against size",
        markdown_text(runs.study.get("question", "")),
        *_warnings(runs),
        "\n".join(f"- {head}: {markdown_text(text)}" for head, text in facts(runs, frame)),
        *no_front(runs, frame),
        markdown(frame, columns_of(frame, every_column(runs.catalog), level=1)),
        f"![{quality} against size](pareto.svg)",
        "## The size ledger",
        # too wide for one table: the lines of the ledger have one of their own
        markdown(frame, list(filter(_in_ledger, columns))),
        "## How to read it",
        _list(notes(runs, columns)),
        "## Asked of an honest result and not met here",
        _list(map(markdown_text, unmet(runs, frame))),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _in_ledger(column: Column) -> bool:
    return column.name in ("label", "architecture") or column.level == 2


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}." for sentence in sentences)


def _warnings(runs: StudyRuns) -> list[str]:
    """What a reader has to know before any number, a paragraph each."""
    paragraphs = toy_warning(runs)
    for line in (*at_chance(runs), *edited_metrics(runs)):
        sentence = line[0].upper() + line[1:]
        paragraphs.append(f"**{markdown_text(sentence)}.**")
    return paragraphs


def speed_page(runs: StudyRuns) -> str:
    """Size and latency next to each other, as one Markdown page."""
    frame = speed_frame(runs)
    blocks = [
        f"# {markdown_text(runs.name)}: speed and size",
        protocol(runs),
        markdown(frame, columns_of(frame, speed_columns(runs), level=0)),
        "- **measured speed-up**: latency of the baseline / latency of the row; an interval that "
        "holds 1 shows no difference.",
        "- **theoretical speed-up**: multiply-accumulates of the baseline / those of the row whose "
        "weight is not zero.",
        f"- **{runs.quality_word}**: of the exported file on the validation split.",
    ]
    return "\n\n".join(blocks) + "\n"


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


def seed_note(runs: StudyRuns) -> str:
    """How many seeds the rows are of."""
    return MEAN_NOTE if any(map(seeds_of, runs.trials)) else SEED_NOTE


def notes(runs: StudyRuns, columns: Iterable[Column]) -> list[str]:
    """What the rows and columns mean, in Markdown, without full stops."""
    shares = " (accuracies as shares of 1)" if runs.quality == "val_accuracy" else ""
    nets = ""
    if runs.several_nets:
        nets = "; each row is measured against the baseline of its own architecture"
    return [
        *ROW_NOTES,
        seed_note(runs),
        f"{RATIO_NOTE}{nets}",
        *_axes_note(runs),
        *_meanings(columns),
        f"`pareto.csv` has this table and `trials.csv` every trial with exact numbers{shares}; "
        "`provenance.json` leads from each row to its run; `timing.csv` has the seconds",
    ]


def _axes_note(runs: StudyRuns) -> list[str]:
    """Which two of several objectives the figure shows."""
    if len(runs.objectives) <= len(("size", "quality")):
        return []
    axes = axes_of(runs)
    names = markdown_text(listed(list(runs.objectives)))
    shown = markdown_text(f"{axes.quality} against {axes.size}")
    return [
        f"The front is that of {names} together. The figure, and the order of the rows, have "
        f"{shown} alone, so that points of the front may lie below others there"
    ]


def _meanings(columns: Iterable[Column]) -> Iterator[str]:
    for column in columns:
        if column.doc:
            yield f"**{markdown_text(column.head)}**: {markdown_text(column.doc)}"
