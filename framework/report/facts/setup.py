"""The experimental set-up: what was trained on what, how, where, and what it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from statistics import median
from typing import Any

from framework.report.facts.head import limits_text, sampler_text, task_text
from framework.report.frame import StudyRuns, metric_values, picked
from framework.report.resolved import names_of, options_of, value_text
from framework.report.selection import tag_values
from framework.report.tables.table import Cell, Table, words
from framework.report.tables.text import listed, shortened

SPLITS = ("train", "calibration", "validation", "test")
UNKNOWN = "unknown"
HOUR = 3600.0


def paragraph(runs: StudyRuns) -> str:
    """The set-up in sentences, for a paper to begin from."""
    # what a reviewer asks first: of what, on what, how trained, how chosen, how measured
    study = runs.resolved
    nets, dataset = listed(names_of(study["architecture"])), study["dataset"]["use"]
    steps = map(listed, map(names_of, study["compress"]))
    train = study["train"]
    seeds = int(runs.study.get("seeds", 1))
    sentences = [
        f"We compress {nets} on {dataset} ({task_text(runs) or 'task not stated'}) by "
        f"{', then '.join(steps) or 'nothing'}.",
        f"The dense net is trained for {value_text(train['epochs'])} epochs in batches of "
        f"{value_text(train['batch_size'])}.",
        f"{len(runs.trials)} configurations are chosen by {sampler_text(study)}, for "
        f"{listed(list(map(' '.join, runs.objectives.items())))}"
        f"{f', subject to {limits}' if (limits := limits_text(study['constraints'])) else ''}.",
        f"Each is trained under {seeds} seed{'s' if seeds > 1 else ''}. All numbers are of the "
        f"exported TensorFlow Lite file on the validation split; the test split is sealed.",
    ]
    return " ".join(sentences)


def hyperparameters(runs: StudyRuns) -> Table:
    """Every setting of the study, defaults included."""
    rows: list[list[Cell]] = []
    rules, last = [], ""
    for part, name, value in _settings(runs.resolved):
        # a part is named where it begins
        if part != last:
            rules.append(len(rows))
        rows.append([Cell(part if part != last else ""), Cell(name), Cell(value)])
        last = part
    heads = list(map(words, ("part", "setting", "value or range")))
    return Table(
        name=f"{runs.name}-setup",
        caption=f"All settings of {shortened(runs.name, 40)}; a range is searched.",
        heads=heads,
        rows=rows,
        rules=rules[1:],
    )


def _settings(study: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(part, setting, value), in the order of a study file."""
    parts = [("data", study["dataset"]), ("net", study["architecture"])]
    parts += [(f"step {number}", step) for number, step in enumerate(study["compress"], start=1)]
    for place, part in parts:
        for option in options_of(part):
            label = option.get("label", option["use"])
            title = f"{place}: {label}"
            yield title, "plug-in", f"{option['use']}, version {option['version']}"
            for name, value in option["knobs"].items():
                yield title, name, value_text(value)
    for name, value in study["train"].items():
        yield "training", name, value_text(value)
    yield "search", "sampler", sampler_text(study)


def data_card(runs: StudyRuns) -> list[str]:
    """What is known of the data, plain sentences without full stops."""
    used = runs.resolved["dataset"]
    # the plug-in may be of a project that is not here
    lines = [f"{used['use']}, version {used['version']}"]
    if used["use"] in runs.catalog.datasets.names():
        plugin = runs.catalog.datasets.get(used["use"])
        lines = [f"{lines[0]}: {plugin.summary().rstrip('.')}", f"Source: {plugin.source()}"]
    sizes = picked(runs.data, SPLITS)
    if sizes:
        lines.append(f"Samples: {', '.join(map('{0[1]} {0[0]}'.format, sizes.items()))}")
    for name in sorted(runs.data):
        if name.endswith("sha256"):
            lines.append(f"{name.replace('_', ' ')}: {runs.data[name]}")
    lines.append(f"Task: {task_text(runs) or UNKNOWN}")
    return [line.rstrip(".") for line in lines]


def machine(runs: StudyRuns) -> list[str]:
    """Where it ran, on which revision, with which versions, and how long; without full stops."""
    every = [runs.parent, *runs.baselines, *runs.controls, *runs.trials]
    revisions = sorted(set(tag_values(every, "git")) - {""}) or [UNKNOWN]
    dirty = "true" in tag_values(every, "dirty")
    hosts = sorted(set(tag_values(every, "host")) - {""}) or [UNKNOWN]
    environment = runs.study.get("environment", {})
    known = filter(itemgetter(1), environment.items())
    versions = ", ".join(map(" ".join, known))
    return [
        f"Code: revision {listed(revisions)}{', with uncommitted changes' if dirty else ''}",
        f"Machine: {listed(hosts)}",
        f"Processor and versions: {versions or UNKNOWN}",
        *budgets(runs),
    ]


def budgets(runs: StudyRuns) -> list[str]:
    """What was spent, without full stops."""
    # of all that was trained, whoever trained it
    seconds = metric_values([*runs.baselines, *runs.controls, *runs.trials], "seconds")
    lines = [
        f"Budget: {runs.study.get('trials', len(runs.trials))} trials asked for, "
        f"{len(runs.trials)} ended"
    ]
    if seconds:
        fit = metric_values(runs.finished, "fit_seconds")
        of_fit = f", of it {median(fit):.3g} s in training" if fit else ""
        each = metric_values(runs.trials, "seconds")
        typical = f"; a trial {median(each):.3g} s{of_fit}, medians" if each else ""
        lines.append(
            f"Time: {sum(seconds):,.0f} s ({sum(seconds) / HOUR:.2f} h) in baselines, controls and "
            f"trials{typical}"
        )
    return lines
