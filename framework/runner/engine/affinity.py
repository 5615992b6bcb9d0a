"""Which worker gets a run: tracing a net takes longer than a short training of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

from framework.study.spec import digest_of

if TYPE_CHECKING:
    from framework.study.spec import Spec


class Worker(Protocol):
    """One that does runs, and keeps the nets that it has traced for them."""

    traced: set[str]

    @property
    def is_busy(self) -> bool:
        """Whether it has a run that has not ended."""


W = TypeVar("W", bound=Worker)


def structure(spec: Spec) -> str:
    """What decides which nets are traced for a run: its architecture and the names of its steps."""
    return digest_of([spec.architecture.json(), [step.name for step in spec.compress]])


def apt(workers: Iterable[W], kind: str) -> W:
    """A worker that is free, if possible one that has traced nets of this structure."""
    free = [worker for worker in workers if not worker.is_busy]
    return min(free, key=lambda worker: kind not in worker.traced)
