"""What an honest compression result contains, and what this report cannot show of it.

It says so by itself.
"""

from __future__ import annotations

import pandas as pd

from framework.report.frame import StudyRuns
from framework.report.resolved import names_of
from framework.results import chance, metric_versions
from framework.results.record import BASELINE_PREFIX

TOYS = ("mnist", "digits")  # small-image sets on which nearly every method looks good
RATIOS = (2, 4, 8, 16, 32)
NEAR = 2**0.5  # a ratio is covered by a point within this factor
OPERATING_POINTS = 5
MANY_CLASSES = 20


def toys(runs: StudyRuns) -> list[str]:
    """The parts of the study that count as toys.

    MNIST, digits, LeNets, and what the study itself calls a toy.
    """
    dataset = runs.resolved["dataset"]["use"]
    nets = [name for name in names_of(runs.resolved["architecture"]) if name.startswith("lenet")]
    return [dataset, *nets] if runs.study.get("toy", dataset in TOYS) else nets


def unmet(runs: StudyRuns, frame: pd.DataFrame) -> list[str]:
    """The requirements that this report does not meet, a line each, with any id.

    Args:
        frame: what `pareto_frame` gave.
    """
    lines = [
        "S1 the digests of the splits are not printed",
        *at_chance(runs),
        *mixed_versions(runs),
        _theoretical_speedup(frame),
        _top5(runs, frame),
        _control(runs),
        _competitors(runs),
        _operating_points(frame),
        "S8, A11 n = 1 seed: no mean, no standard deviation",
        "A4, A7, A8, S9 code revision and machine are in provenance.json, not on this page",
        "A5, A6 the architecture and the methods are named with their versions, without "
        "descriptions and citations",
        _collapse(runs),
    ]
    return [line for line in lines if line]


def at_chance(runs: StudyRuns) -> list[str]:
    """One line for each baseline that is no better than guessing."""
    nets = [(runs.net(run) if runs.several_nets else "", run) for run in runs.baselines]
    said = [
        (f" of {net}" if net else "", chance.warning(run.metrics, runs.task)) for net, run in nets
    ]
    return [
        f"the baseline{whose} is {text}: drops and ratios say nothing"
        for whose, text in said
        if text
    ]


def mixed_versions(runs: StudyRuns) -> list[str]:
    """What several versions of a metric measured, and how many trials it leaves unranked."""
    shown = [*runs.baselines, *runs.controls, *runs.finished]
    names = sorted({metric_versions.plugin_of(name) for run in shown for name in run.metrics})
    mixed = [
        name for name in names if len({metric_versions.version_of(run, name) for run in shown}) > 1
    ]
    left = (
        f"; {len(runs.unranked)} trials of earlier versions are not ranked" if runs.unranked else ""
    )
    return (
        [f"measured by several versions of a metric, not to be compared: {', '.join(mixed)}{left}"]
        if mixed
        else []
    )


def _theoretical_speedup(frame: pd.DataFrame) -> str:
    if "speedup_theoretical" in frame.columns:
        return ""
    return "S3 no theoretical speed-up: multiply-accumulates with zero weights are not told apart"


def _top5(runs: StudyRuns, frame: pd.DataFrame) -> str:
    many = (
        runs.study.get("classes", 0 if runs.resolved["dataset"]["use"] in TOYS else MANY_CLASSES)
        >= MANY_CLASSES
    )
    asked = many and runs.task == "classes" and "val_top5" not in frame.columns
    return f"S4 no top-5 accuracy (asked for from {MANY_CLASSES} classes on)" if asked else ""


def _control(runs: StudyRuns) -> str:
    if not runs.controls:
        return "S5 no control: the identity strategy has no finished run"
    without = {runs.net(run) or "" for run in runs.finished} - {
        runs.net(run) or "" for run in runs.controls
    }
    return f"S5 no control of {', '.join(sorted(without))}" if without else ""


def _competitors(runs: StudyRuns) -> str:
    used = {name for run in runs.finished for name in run.tags.get("strategy", "").split("+")}
    missing = [kind for kind in ("magnitude", "random") if not any(kind in name for name in used)]
    return f"S6, A14, A15 not compared with {' and '.join(missing)} pruning" if missing else ""


def _operating_points(frame: pd.DataFrame) -> str:
    column = "params_nonzero_ratio"
    rows = frame[frame["row"] == "front"]
    reached = (
        {float(value) for value in rows[column] if value is not None}
        if column in rows.columns
        else set()
    )
    bare = [
        wanted
        for wanted in RATIOS
        if not any(wanted / NEAR <= value <= wanted * NEAR for value in reached)
    ]
    if len(reached) >= OPERATING_POINTS and not bare:
        return ""
    gaps = f", none near {', '.join(f'{wanted}x' for wanted in bare)}" if bare else ""
    return f"S7 {len(reached)} different ratios of non-zero parameters on the front{gaps}"


def _collapse(runs: StudyRuns) -> str:
    """Collapse: less than half of the baseline's quality."""
    names = (runs.quality, BASELINE_PREFIX + runs.quality)
    pairs = [[run.metrics.get(name) for name in names] for run in runs.finished]
    if any(
        own is not None and base is not None and own < base / 2 and base > 0 for own, base in pairs
    ):
        return ""
    return f"A9 no trial goes on to where {runs.quality_word} collapses (half of the baseline's)"
