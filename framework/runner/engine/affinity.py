"""Which worker gets which run: tracing a net takes longer than a short training of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Protocol, TypeVar

from framework.nn.reuse import STRUCTURES
from framework.study.spec import digest_of

if TYPE_CHECKING:
    from framework.study.spec import Spec


class Worker(Protocol):
    """One that does runs, and keeps the nets that it has traced for the last of them."""

    traced: Traced

    @property
    def is_busy(self) -> bool:
        """Whether it has a run that has not ended."""


W = TypeVar("W", bound=Worker)


class Traced:
    """The structures of a worker's runs, the last one first."""

    def __init__(self) -> None:
        self._kinds: list[str] = []

    def note(self, kind: str) -> None:
        """It runs one of this structure."""
        self._kinds = [kind, *(other for other in self._kinds if other != kind)][:STRUCTURES]

    def clear(self) -> None:
        """It is another process now."""
        self._kinds.clear()

    def age(self, kind: str) -> int:
        """How many others it has run since; `STRUCTURES` if its nets are not there."""
        return self._kinds.index(kind) if kind in self._kinds else STRUCTURES


def structure(spec: Spec) -> str:
    """What decides which nets are traced for a run: its architecture and the names of its steps."""
    return digest_of([spec.architecture.json(), [step.name for step in spec.compress]])


def apt(workers: Iterable[W], kinds: Sequence[str]) -> tuple[W, int]:
    """A free worker, and the place of the run that it does at least cost.

    A structure that it has traced, the last one before others; else one that no other worker has,
    so that each comes to have its own; of equal ones the first run and the first worker.

    Args:
        kinds: structures of runs, in their order.
    """
    everyone = list(workers)

    def cost(place: int, worker: W) -> tuple[int, bool]:
        age = worker.traced.age(kinds[place])
        owned = any(other.traced.age(kinds[place]) < STRUCTURES for other in everyone)
        return age, age == STRUCTURES and owned

    free = [worker for worker in everyone if not worker.is_busy]
    place, worker = min(product(range(len(kinds)), free), key=lambda pair: cost(*pair))
    return worker, place
