"""The facts at the head of a report: what was studied, and how many trials it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import filterfalse
from operator import itemgetter
from typing import Any

import pandas as pd

from framework.report.frame import StudyRuns
from framework.report.resolved import part_text, train_text
from framework.report.selection import tag_values
from framework.report.tables.numbers import four_digits, percent
from framework.study.constraints import feasible
from framework.study.overrides import key_of
from framework.study.spec import HOW_MUCH

TASKS = {
    "binary": "a decision between two classes",
    "regression": "regression of one number",
    "reconstruction": "reconstruction of the input",
}


def facts(runs: StudyRuns, frame: pd.DataFrame) -> list[tuple[str, str]]:
    """(what, text) for the head of the page; what does not apply is left out."""
    study = runs.resolved
    # what changes how much is run is left out, so that the same trials make the same page
    overrides = filterfalse(_how_much, runs.study.get("overrides", ()))
    # in the order in which a reader asks: on what, of what, how, and what came of it
    blocks = [
        ("Overrides", " ".join(overrides)),
        ("Data set", part_text(study["dataset"])),
        ("Task", task_text(runs)),
        ("Architecture", part_text(study["architecture"])),
        ("Compression", "; then ".join(map(part_text, study["compress"]))),
        ("Training", train_text(study["train"])),
        ("Objectives", ", ".join(map(" ".join, runs.objectives.items()))),
        ("Constraints", limits_text(study["constraints"])),
        ("Sampler", sampler_text(study)),
        ("Trials", trial_counts(runs)),
        ("Baseline", baseline_text(runs, frame)),
        ("Study digest", runs.parent.tags.get("study_digest", "")),
    ]
    return list(filter(itemgetter(1), blocks))


def limits_text(constraints: Iterable[tuple[str, str, float]]) -> str:
    """`accuracy_drop at most 0.01, val_accuracy at least 0.9`."""
    texts = ", ".join(f"{metric} {kind} {limit:g}" for kind, metric, limit in constraints)
    return texts.replace("AtMost", "at most").replace("AtLeast", "at least")


def trial_counts(runs: StudyRuns) -> str:
    """`30 (29 finished, 1 failed: timeout)`."""
    why = _reasons(runs)
    parts = [
        f"{len(runs.finished)} finished",
        f"{len(runs.failed)} failed{f': {why}' if why else ''}",
    ]
    # they are finished all the same: a constraint keeps a trial off the front and fails nothing
    infeasible = len(runs.finished) - sum(feasible(run.metrics) for run in runs.finished)
    if infeasible:
        parts.append(f"{infeasible} of the finished break a constraint")
    return f"{len(runs.trials)} ({', '.join(parts)})"


def sampler_text(study: Mapping[str, Any]) -> str:
    """All that decides the questions of a search, from a resolved study's JSON."""
    # left out of the JSON where each question waits for every result
    ahead = f", ahead {study['ahead']}" if "ahead" in study else ""
    return f"{study['sampler']}{ahead}, seed {study['seed']}"


def _reasons(runs: StudyRuns) -> str:
    """Why trials failed, each reason with its count where there are several."""
    reasons = Counter(tag_values(runs.failed, "reason", default="unknown"))
    if len(reasons) <= 1:
        return "".join(reasons)
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))


def task_text(runs: StudyRuns) -> str:
    """What is asked of the nets, where `study.json` says it."""
    if runs.study.get("task") == "classes":
        return f"classification into {runs.study['classes']} classes"
    return TASKS.get(runs.task, "")


def baseline_text(runs: StudyRuns, frame: pd.DataFrame) -> str:
    """How good each baseline is on the validation split."""
    rows = frame[frame["row"] == "baseline"].to_dict("records")
    measured = [row for row in rows if row.get(runs.quality) is not None]
    values = []
    for row in measured:
        value = _quality_text(runs, row)
        values.append(f"{value} ({_whose(row)})" if len(measured) > 1 else value)
    return f"{'; '.join(values)} on the validation split, exported file" if values else ""


def _whose(row: dict[Any, Any]) -> str:
    """The architecture of a baseline, and which rows it belongs to where its label says it."""
    return f"{row.get('architecture') or ''} {row['label'].removeprefix('baseline')}".strip()


def _quality_text(runs: StudyRuns, row: dict[Any, Any]) -> str:
    if runs.quality == "val_accuracy":
        return f"{percent(row[runs.quality])} %"
    text = f"R2 {four_digits(row[runs.quality])}"
    for name in ("rmse", "mse", "auc"):
        value = row.get(f"val_{name}")
        if value is not None:
            text += f", {runs.catalog.metrics.get(name).label} {value:.4g}"
    return text


def _how_much(setting: str) -> bool:
    """Whether an override changes how much is run and not what."""
    return key_of(setting) in HOW_MUCH
