"""What became of each trial, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from framework.report.facts.gaps import GAPS
from framework.report.frame import StudyRuns
from framework.report.pareto import LARGEST, front, point
from framework.results.fronts import Direction
from framework.results.record import Run
from framework.study.constraints import TOLERANCE, feasible

ON_FRONT = "on the front"


def outcomes(runs: StudyRuns) -> dict[int, str]:
    """Number of a trial -> what became of it, and why; those without a result too."""
    best = front(runs)
    on_front = {run.number for run in best}
    texts = {}
    for run in runs.trials:
        texts[run.number] = ON_FRONT if run.number in on_front else _cause(runs, run, best)
    for why, numbers in runs.gaps.items():
        texts.update(dict.fromkeys(numbers, GAPS[why]))
    return dict(sorted(texts.items()))


def _cause(runs: StudyRuns, run: Run, best: Sequence[Run]) -> str:
    """Why a trial is on no front."""
    if run.status == "FAILED":
        return f"failed: {run.tags.get('reason') or 'unknown'}"
    if not feasible(run.metrics):
        return broken_text(runs, run)
    if run in runs.unranked:
        return "measured by an earlier version of a metric"
    values = point(run, runs.objectives)
    if values is None:
        return "an objective has no finite value"
    rival = next((one for one in best if _beats(one, run, runs.objectives)), None)
    return f"dominated by trial {rival.number}" if rival else "the same spec as another trial"


def broken_text(runs: StudyRuns, run: Run) -> str:
    """`breaks accuracy_drop at most 0.01 (0.0321)`."""
    texts = []
    for kind, metric, limit in runs.resolved.get("constraints", ()):
        value = run.metrics.get(metric)
        over = None if value is None else (value - limit) * (1 if kind == "AtMost" else -1)
        if over is not None and over > TOLERANCE:
            word = "at most" if kind == "AtMost" else "at least"
            texts.append(f"{metric} {word} {limit:g} ({value:.4g})")
    return f"breaks {', '.join(texts) or 'a constraint'}"


def _beats(one: Run, other: Run, directions: Mapping[str, Direction]) -> bool:
    """Whether a run is nowhere worse, and somewhere better."""
    gains = []
    for name, direction in directions.items():
        gain = one.metrics.get(name, LARGEST) - other.metrics.get(name, LARGEST)
        gains.append(gain if direction == "max" else -gain)
    return min(gains) >= 0 and max(gains) > 0
