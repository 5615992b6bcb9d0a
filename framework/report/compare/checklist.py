"""What an honest result contains, asked of all studies of a comparison together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from framework.report.collected import averaged_over_seeds
from framework.report.facts.checklist import SEEDED, Requirement, checklist
from framework.report.frame import StudyRuns
from framework.report.pareto import pareto_frame
from framework.results.record import Run

if TYPE_CHECKING:
    from framework.report.compare.tables import Side


def requirements(studies: Sequence[StudyRuns], sides: Iterable[Side]) -> list[Requirement]:
    """Met where every study meets it; else why not, of which study.

    What another study of the same data has run beside it counts as compared with, and seeds count
    whichever study they are of.

    Args:
        studies: a run per seed.
        sides: what was made of them, a net each.
    """
    missing: dict[str, list[tuple[str, str]]] = {}
    for study in studies:
        whole = averaged_over_seeds(study)
        for one in checklist(whole, pareto_frame(whole), beside=list(_beside(study, studies))):
            missing.setdefault(one.text, []).extend((study.name, why) for why in one.missing)
    told = {text: _told(why, studies) for text, why in missing.items()} | {SEEDED: _seeds(sides)}
    return [Requirement(text, why) for text, why in told.items()]


def _beside(study: StudyRuns, studies: Sequence[StudyRuns]) -> Iterator[Run]:
    for other in studies:
        if other.resolved["dataset"] == study.resolved["dataset"] and other is not study:
            yield from other.finished


def _seeds(sides: Iterable[Side]) -> list[str]:
    """How many configurations have no spread."""
    counts = [len(row.one.runs) for side in sides for row in side.rows]
    alone = sum(count < 2 for count in counts)
    return [f"{alone} of {len(counts)} configurations have one seed or none"] if alone else []


def _told(missing: Sequence[tuple[str, str]], studies: Sequence[StudyRuns]) -> list[str]:
    """Each reason once, with its studies where others do not have it."""
    every = set(map(attrgetter("name"), studies))
    by_reason: dict[str, set[str]] = {}
    for name, why in missing:
        by_reason.setdefault(why, set()).add(name)
    told = []
    for why, names in by_reason.items():
        told.append(why if names == every else f"{', '.join(sorted(names))}: {why}")
    return told
