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
        self.done: dict[tuple[int, int], Run] = {}  # by trial and seed

    def recall(self, runs: Mapping[tuple[int, int], Run]) -> None:
        """Take in those of earlier sessions; more seeds than are asked for now are left out."""
        self.done = {key: run for key, run in runs.items() if key[1] in self.seeds}

    def of(self, number: int) -> list[Run]:
        """Those of a trial."""
        keys = [(number, seed) for seed in self.seeds]
        return [self.done[key] for key in keys if key in self.done]

    def missing(self, number: int, spec: Spec) -> Iterator[Work]:
        """What is left to be run of a trial with this spec."""
        for seed in self.seeds:
            if (number, seed) not in self.done:
                yield Work(ROLE, replace(spec, seed=seed), number, is_spare=True)

    def left(self, wanted: int) -> int:
        """How many runs are left of so many trials."""
        return wanted * len(self.seeds) - len(self.done)

    def mean(self, run: Run) -> Run:
        """A trial as the mean over its seeds, as far as they are done."""
        return averaged([run, *self.of(run.number)], self._study.constraints)
