"""Further seeds of what a search has asked: they replicate its configurations, and ask nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from framework.results.replicates import averaged
from framework.runner.schedule import Work

if TYPE_CHECKING:
    from framework.results.record import Run
    from framework.study.spec import Spec
    from framework.study.study import Study

ROLE = "replicate"


class Replicates:
    """The runs of a study under all seeds but its first.

    Args:
        study: resolved.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self.seeds = range(study.seed + 1, study.seed + study.seeds)
        self._done: dict[int, dict[int, Run]] = {}  # trial -> seed -> run
        self._means: dict[int, Run] = {}  # by trial: all are asked for whenever a run has ended

    def recall(self, runs: Mapping[tuple[int, int], Run]) -> None:
        """Take in those of earlier sessions, also under more seeds than are asked for now."""
        for run in runs.values():
            self.add(run)

    def add(self, run: Run) -> None:
        """Take in one that has ended."""
        self._done.setdefault(run.number, {})[run.seed] = run
        self._means.pop(run.number, None)

    def of(self, number: int) -> list[Run]:
        """Those of a trial."""
        return list(self._done.get(number, {}).values())

    def missing(self, number: int, spec: Spec) -> Iterator[Work]:
        """What is left to be run of a trial with this spec."""
        for seed in self.seeds:
            if seed not in self._done.get(number, {}):
                yield Work(ROLE, replace(spec, seed=seed), number, is_spare=True)

    def count(self, trials: int) -> int:
        """How many of so many trials are done, of the seeds that are asked for."""
        asked = (runs for number, runs in self._done.items() if number < trials)
        return sum(len(runs.keys() & set(self.seeds)) for runs in asked)

    def left(self, trials: int) -> int:
        """How many runs are left of so many trials."""
        return trials * len(self.seeds) - self.count(trials)

    def mean(self, run: Run) -> Run:
        """A trial as the mean over its seeds, as far as they are done.

        Args:
            run: of the study's first seed, of which a trial has one.
        """
        others = self.of(run.number)
        if others and run.number not in self._means:
            self._means[run.number] = averaged([run, *others], self._study.constraints)
        return self._means.get(run.number, run)
