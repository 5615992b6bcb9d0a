"""Stands for Optuna: what is asked is a hash of the seed, of results told and of runs at work."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.study.spec import digest_of

if TYPE_CHECKING:
    from framework.runner.sampler import Observed
    from framework.study.study import Study


class StandInPast:
    """Stands for the sampler's trials, as Optuna is shown them."""

    def __init__(self, study: Study) -> None:
        """As the one that it stands for."""

    def study(self, told: Sequence[Observed], running: Sequence[str], sampler: Any) -> Question:
        """What is asked after exactly these trials.

        Args:
            sampler: as `sampler_of` returns it.
        """
        results = [(one.optuna, one.values, dict(one.violations)) for one in told]
        return Question(digest_of([sampler, results, list(running)]))


def sampler_of(name: str, seed: int) -> tuple[str, int]:
    """Stands for a sampler of Optuna's."""
    return name, seed


class Question:
    """Stands for an Optuna study that is asked once, and for its trial."""

    number = 0

    def __init__(self, digest: str) -> None:
        self._draw = random.Random(digest)
        self._fixed: Mapping[str, Any] = {}
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, Any] = {}
        self.system_attrs: dict[str, Any] = {"asked": digest[:8]}

    def ask(self) -> Question:
        """The trial."""
        return self

    def get_trials(self, *, deepcopy: bool) -> list[Question]:
        """The trial."""
        return [self]

    def enqueue_trial(self, values: Mapping[str, Any]) -> None:
        """Fix what is suggested."""
        self._fixed = values

    def suggest_categorical(self, name: str, options: Sequence[Any]) -> Any:
        """One of them."""
        return self._suggested(name, options[int(self._draw.random() * len(options))])

    def suggest_float(self, name: str, low: float, high: float, **_: Any) -> Any:
        """A number of two digits: some are asked twice."""
        return self._suggested(name, round(low + self._draw.random() * (high - low), 2))

    def suggest_int(self, name: str, low: int, high: int, **_: Any) -> Any:
        """A whole number."""
        return self._suggested(name, self._draw.randint(low, high))

    def _suggested(self, name: str, value: Any) -> Any:
        self.params[name] = self._fixed.get(name, value)
        return self.params[name]
