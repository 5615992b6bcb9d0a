"""What an honest compression result contains, and what this report cannot show of it.

It says so by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from framework.report.facts.citations import sources
from framework.report.facts.gaps import gap_sentences
from framework.report.frame import StudyRuns, metric_names
from framework.report.resolved import alternatives, names_of
from framework.report.selection import tag_values
from framework.report.tables.text import listed, markdown_text
from framework.results import chance, metric_versions
from framework.results.record import BASELINE_PREFIX, Run
from framework.results.replicates import SEEDS

TOYS = ("mnist", "digits")  # small-image sets on which nearly every method looks good
TOP5 = "Top-1 accuracy, and top-5 where classes are many"
SEEDED = "Mean and sample standard deviation over seeds, with n"
RATIOS = (2, 4, 8, 16, 32)
NEAR = 2**0.5  # a ratio is covered by a point within this factor
OPERATING_POINTS = 5
MANY_CLASSES = 20


@dataclass(frozen=True)
class Requirement:
    """What an honest compression result contains, and why this one does not, if so.

    Args:
        text: a sentence without full stop.
        missing: why it is not met, each a clause; empty where it is.
    """

    text: str
    missing: Sequence[str] = ()

    @property
    def why(self) -> str:
        """What is missing, in one line."""
        return "; ".join(self.missing)


def toys(runs: StudyRuns) -> list[str]:
    """The parts of the study that count as toys.

    MNIST, digits, LeNets, and what the study itself calls a toy.
    """
    dataset = runs.resolved["dataset"]["use"]
    lenets = [name for name in names_of(runs.resolved["architecture"]) if name.startswith("lenet")]
    return [dataset, *lenets] if runs.study.get("toy", dataset in TOYS) else lenets


def toy_warning(runs: StudyRuns) -> list[str]:
    """One line that flags a toy data set or net."""
    names = toys(runs)
    if not names:
        return []
    verb = "is a toy" if len(names) == 1 else "are toys"
    pairs = alternatives(runs.resolved["architecture"])
    scope = f"{pairs} (data set, architecture) pair{'s' if pairs > 1 else ''}"
    subject = markdown_text(listed(names))
    return [f"**{subject} {verb}**: do not generalise from this page ({scope})."]


def checklist(
    runs: StudyRuns, frame: pd.DataFrame, *, beside: Sequence[Run] = ()
) -> list[Requirement]:
    """What is asked of an honest result, in the order in which a reader would ask.

    Args:
        frame: what `pareto_frame` gave.
        beside: finished trials of other studies that stand on the same page.
    """
    shown = [*runs.baselines, *runs.controls, *runs.finished, *beside]
    # a sentence -> why it is not met, with nothing where it is
    asked = {
        "The numbers are those that were measured": edited_metrics(runs),
        "Every trial has a result or a reason": gap_sentences(runs),
        "The baseline is better than guessing": at_chance(runs),
        "Each metric was measured by one version of it": mixed_versions(runs),
        "Data set, net, methods and metrics are identified by name, version and digest": _data(
            runs
        ),
        "The data are more than a toy": [_toy(runs)],
        "Baseline and control are measured as the rows are": [_control(runs)],
        "The methods compared include magnitude and random pruning": [
            _competitors([*runs.finished, *beside])
        ],
        "Five operating points or more, over ratios from 2 to 32, as reached": [
            _operating_points(frame)
        ],
        "The search goes on to where the net collapses": [_collapse(runs)],
        "Ratio and theoretical speed-up stand side by side, as baseline / row": [
            _theoretical_speedup(frame)
        ],
        TOP5: [_top5(runs, frame)],
        SEEDED: [_seeds(runs)],
        "All rows are of one code revision, without uncommitted changes": _revisions(shown),
        "Library versions and processor are known": [_environment(runs)],
        "Each method and net has its source, in setup.md of KIND=setup": _sources(runs),
    }
    if runs.task != "classes":
        del asked[TOP5]
    return [Requirement(text, list(filter(None, why))) for text, why in asked.items()]


def unmet(runs: StudyRuns, frame: pd.DataFrame) -> list[str]:
    """Why requirements are not met, a clause each."""
    return [why for one in checklist(runs, frame) for why in one.missing]


def at_chance(runs: StudyRuns) -> list[str]:
    """One line for each baseline that is no better than guessing."""
    lines = []
    for run in runs.baselines:
        net = runs.net(run) if runs.several_nets else ""
        whose = f" of {net}" if net else ""
        warning = chance.warning(run.metrics, runs.task)
        if warning:
            lines.append(f"the baseline{whose} is {warning}: drops and ratios say nothing")
    return lines


def edited_metrics(runs: StudyRuns) -> list[str]:
    """One line for each run whose numbers in the store are not those that it measured."""
    lines = []
    for run in (*runs.baselines, *runs.controls, *runs.finished):
        clauses = runs.edited.get(run.run_id, ())
        if clauses:
            whose = f"trial {run.number}" if run.number >= 0 else run.tags.get("role", "a run")
            lines.append(f"the store was edited: of {whose}, {'; '.join(clauses)}")
    return lines


def mixed_versions(runs: StudyRuns) -> list[str]:
    """What several versions of a metric measured, and how many trials it leaves unranked."""
    shown = [*runs.baselines, *runs.controls, *runs.finished]
    # several values of the store come from one metric, as its own and the baseline's
    plugins = sorted(set(map(metric_versions.plugin_of, metric_names(shown))))
    told_apart, mixed = metric_versions.one_each(shown), []
    for name in plugins:
        versions = {metric_versions.version_of(run, name) for run in told_apart}
        if len(versions) > 1:
            mixed.append(name)
    if not mixed:
        return []
    names = ", ".join(mixed)
    count = len(runs.unranked)
    left_out = f"; {count} trials of earlier versions are not ranked" if count else ""
    return [f"measured by several versions of a metric, not to be compared: {names}{left_out}"]


def _data(runs: StudyRuns) -> list[str]:
    digests = [name for name in runs.data if name.endswith("sha256")]
    return [] if digests else ["the runs have noted no digest of their data"]


def _toy(runs: StudyRuns) -> str:
    names = toys(runs)
    if not names:
        return ""
    return f"{listed(names)} {'is a toy' if len(names) == 1 else 'are toys'}"


def _revisions(shown: Sequence[Run]) -> list[str]:
    revisions = set(tag_values(shown, "git")) - {""}
    reasons = []
    if "unknown" in revisions or not revisions:
        reasons.append("the revision of some runs is not known")
    if len(revisions) > 1:
        reasons.append(f"they are of {len(revisions)} revisions")
    if "true" in tag_values(shown, "dirty"):
        reasons.append("there were uncommitted changes")
    return reasons


def _environment(runs: StudyRuns) -> str:
    return "" if runs.study.get("environment") else "the study has not noted them"


def _sources(runs: StudyRuns) -> list[str]:
    without = [name for name, source in sources(runs) if not source]
    return [f"no source is stated of {listed(without)}"] if without else []


def _theoretical_speedup(frame: pd.DataFrame) -> str:
    if "speedup_theoretical" in frame.columns:
        return ""
    return "no theoretical speed-up: multiply-accumulates with zero weights are not told apart"


def _top5(runs: StudyRuns, frame: pd.DataFrame) -> str:
    # an older study.json does not say how many classes there are; the toys have ten
    default = 0 if runs.resolved["dataset"]["use"] in TOYS else MANY_CLASSES
    many = runs.study.get("classes", default) >= MANY_CLASSES
    asked = many and runs.task == "classes" and "val_top5" not in frame.columns
    return f"no top-5 accuracy (asked for from {MANY_CLASSES} classes on)" if asked else ""


def _control(runs: StudyRuns) -> str:
    if not runs.controls:
        return "no control: the identity strategy has no finished run"
    without = runs.nets(runs.finished) - runs.nets(runs.controls)
    return f"no control of {', '.join(sorted(without))}" if without else ""


def _competitors(trials: Iterable[Run]) -> str:
    # the tag of a chain has the names of its strategies, which say what they prune by
    used = " ".join(tag_values(trials, "strategy"))
    missing = " and ".join(kind for kind in ("magnitude", "random") if kind not in used)
    return f"not compared with {missing} pruning" if missing else ""


def _operating_points(frame: pd.DataFrame) -> str:
    column = "params_nonzero_ratio"
    rows = frame[frame["row"] == "front"]
    reached = set(rows[column].dropna().astype(float)) if column in rows.columns else set()
    uncovered = [f"{wanted}x" for wanted in RATIOS if not _near(wanted, reached)]
    if len(reached) >= OPERATING_POINTS and not uncovered:
        return ""
    gaps = f", none near {', '.join(uncovered)}" if uncovered else ""
    return f"{len(reached)} different ratios of non-zero parameters on the front{gaps}"


def _near(wanted: float, reached: Iterable[float]) -> bool:
    return any(wanted / NEAR <= value <= wanted * NEAR for value in reached)


def _seeds(runs: StudyRuns) -> str:
    averaged = all(SEEDS in run.tags for run in runs.finished)
    return "" if runs.finished and averaged else "n = 1 seed: no mean, no standard deviation"


def _collapse(runs: StudyRuns) -> str:
    """Collapse: less than half of the baseline's quality."""
    for run in runs.finished:
        quality = run.metrics.get(runs.quality)
        base = run.metrics.get(BASELINE_PREFIX + runs.quality)
        # an R2 below 0 is below its half from the start
        if quality is not None and base is not None and base > 0 and quality < base / 2:
            return ""
    return f"no trial goes on to where {runs.quality_word} collapses (half of the baseline's)"
