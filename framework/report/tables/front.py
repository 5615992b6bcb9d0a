"""The front beside its baseline and control, as a reader wants it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import filterfalse
from typing import Any

import pandas as pd

from framework.report.frame import (
    ARCHITECTURE,
    StudyRuns,
    in_order,
    seeds_of,
    varying_parameters,
)
from framework.report.pareto import TEST_SEEDS, axes_of, ruined, ruined_sentence
from framework.report.resolved import names_of, short_names
from framework.report.tables.columns import Column, columns_of, markdown, table_of
from framework.report.tables.layout import columns as every_column
from framework.report.tables.table import Table
from framework.report.tables.text import listed, shortened
from framework.results.quantities import RATIO

LONGEST_NAME = 40  # signs, in a caption
CHOSEN = re.compile(r"architecture|compress\.\d+")
SETTING = Column(name="setting", head="setting", short="Setting")
RATIO_NOTE = "Ratios are baseline / row, each on the same line; above 1 is smaller"
NO_SPREAD = ", so there is no ±"
CONTROL_NOTE = "Control: identity strategy with the same fine-tuning. Bold: best of a column"


def front_table(runs: StudyRuns, frame: pd.DataFrame) -> Table:
    """Baselines, controls and the front, without ruined nets.

    Args:
        frame: what `pareto_frame` gave.
    """
    shown = with_settings(runs, listed_rows(runs, frame))
    every = every_column(runs.catalog)
    # of no rows there is the head alone
    columns = columns_of(shown, [every[0], SETTING, *every[1:]], level=1) or every[:1]
    compared = list(shown["row"] == "front")
    notes = [RATIO_NOTE, CONTROL_NOTE, *filter(None, [ruined_sentence(runs)])]
    if runs.several_nets:
        notes.append("Each row is measured against the baseline of its own architecture")
    if not any(compared):
        notes.append("No trial is on the front")
    return table_of(
        shown,
        columns,
        name=runs.name,
        caption=f"Pareto front of {subject(runs)}: {_measured_on_both(runs, shown)}.",
        compared=compared,
        notes=notes,
    )


def ledger_table(runs: StudyRuns, frame: pd.DataFrame) -> Table:
    """Every line of the size ledger with its ratio to the baseline's."""
    shown = with_settings(runs, listed_rows(runs, frame))
    every = every_column(runs.catalog)
    columns = columns_of(
        shown, [every[0], SETTING, *filter(partial(_in_ledger, runs), every[1:])], level=2
    )
    columns = columns or every[:1]
    ratios = [column.name for column in columns if column.name.endswith(RATIO)]
    table = table_of(
        shown,
        columns,
        name=f"{runs.name}-ledger",
        caption=f"Size ledger of {subject(runs)}: baseline / row on each line, {seeds_text(runs)}.",
        compared=list(shown["row"] == "front"),
        notes=[RATIO_NOTE, *filter(None, [ruined_sentence(runs)])],
    )
    # which net a row is of comes before how small it is
    return replace(table, first=[ARCHITECTURE, *ratios])


def ledger_frame(runs: StudyRuns, frame: pd.DataFrame) -> pd.DataFrame:
    """What a ledger has of `pareto_frame`, exact."""
    lines = {name for name in frame.columns if name.removesuffix(RATIO) in runs.ledger_lines}
    kept = {"row", "label", "trial", *lines, *varying_parameters(runs)}
    return frame[[name for name in frame.columns if name in kept]]


def terminal(runs: StudyRuns, frame: pd.DataFrame) -> str:
    """The front as a table that a terminal has room for, and what is not in it."""
    always = (axes_of(runs).quality,)
    columns = columns_of(frame, every_column(runs.catalog), level=0, always=always)
    table = markdown(listed_rows(runs, frame), columns, brief=True)
    note = ruined_sentence(runs)
    return f"{table}\n\n{note}." if note else table


def listed_rows(runs: StudyRuns, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that are not ruined."""
    lost = {run.number for run in ruined(runs)}
    kept = [trial not in lost for trial in frame["trial"]] if lost else [True] * len(frame)
    return frame.loc[kept].reset_index(drop=True)


def with_settings(runs: StudyRuns, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a column `setting`: what varies, in words."""
    names = in_order(varying_parameters(runs), frame.columns)
    # which plug-in was chosen is the name of the strategy or of the architecture
    short = short_names(list(filterfalse(CHOSEN.fullmatch, names)))
    settings = [setting_text(row, short) for row in frame.to_dict("records")]
    return frame.assign(setting=pd.Series(settings, dtype=object))


def setting_text(values: Mapping[Any, Any], short: Mapping[str, str]) -> str:
    """`sparsity=0.91, epochs=4`; empty without a value.

    Args:
        short: name -> how it is written.
    """
    texts = []
    for name, word in short.items():
        value = values.get(name)
        if value is not None:
            # of a step the plug-in says all
            head = "" if CHOSEN.fullmatch(name) else f"{word}="
            texts.append(f"{head}{value_text(value)}")
    return ", ".join(texts)


def value_text(value: Any) -> str:
    """A setting as a reader wants it: `0.9`, `0.8313`, `16`, `erk`."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def subject(runs: StudyRuns) -> str:
    """`squeezenet_prune (squeezenet on digits)`, not too long for a caption."""
    nets = listed(names_of(runs.resolved[ARCHITECTURE]))
    of = shortened(f"{nets} on {runs.resolved['dataset']['use']}", LONGEST_NAME)
    return f"{shortened(runs.name, LONGEST_NAME)} ({of})"


def _measured_on_both(runs: StudyRuns, shown: pd.DataFrame) -> str:
    """As `measured`, and of the test split where rows are confirmed on it."""
    counts = sorted(set(shown[TEST_SEEDS].dropna())) if TEST_SEEDS in shown.columns else []
    if not counts:
        return measured(runs)
    # one split may have a spread where the other has none
    validation = seeds_text(runs).removesuffix(NO_SPREAD)
    return f"exported file; validation: {validation}; test: {_over(counts).removesuffix(NO_SPREAD)}"


def measured(runs: StudyRuns) -> str:
    """On what, over how many seeds, and what ± means."""
    return f"exported file, validation split; {seeds_text(runs)}"


def seeds_text(runs: StudyRuns) -> str:
    """`n = 1 seed`, or `mean ± sample standard deviation over n = 3 seeds`."""
    counts = sorted({count for run in runs.finished for count in seeds_of(run).values()})
    return _over(counts or [1])


def _over(counts: Sequence[int]) -> str:
    """What is shown of values under so many seeds, the fewest first."""
    if counts[-1] == 1:
        return f"n = 1 seed{NO_SPREAD}"
    count = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    return f"mean ± sample standard deviation over n = {count} seeds"


def _in_ledger(runs: StudyRuns, column: Column) -> bool:
    line = column.name.removesuffix(RATIO)
    return column.name == ARCHITECTURE or line in runs.ledger_lines
