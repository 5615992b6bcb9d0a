"""What the study loop reports to its observers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from framework.planning.plan import Plan
    from framework.results.record import Record


@dataclass(frozen=True)
class Running:
    """A run that is at work.

    Args:
        what: "baseline", "control" or "trial 3".
        tried: of a trial, the values that tell it from the others.
        epochs: how many it is expected to take; a strategy that looks for something may take more.
    """

    what: str
    tried: str = ""
    epochs: int = 0


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run that has ended, and the status of the study; for the progress lines.

    Args:
        what: "baseline", "control" or "trial 3".
        net: the architecture, where the study searches over several; empty otherwise.
        tried: as of `Running`.
        position, of: trials done and wanted; 0 for a run that is no trial.
        front: trials on the front; None where nothing is searched.
        is_on_front: this one is among them.
        volume: the front's hypervolume; None where it has none, or where it is not told.
        gain: by how much this trial made it grow.
        eta_seconds: until the session ends, with its last trial or its `hours`; None if unknown.
    """

    what: str
    record: Record
    values: Mapping[str, float]
    net: str = ""
    tried: str = ""
    position: int = 0
    of: int = 0
    front: int | None = 0
    is_on_front: bool = False
    volume: float | None = None
    gain: float = 0.0
    failed: int = 0
    eta_seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a session ended.

    Args:
        parent: run id of the study's parent run.
        ran: trials run in this session.
        out_of_time: stopped by `hours` before the last trial.
        done, wanted: trials, all sessions together.
    """

    plan: Plan
    generation: int
    parent: str
    ran: int
    out_of_time: bool
    done: int
    wanted: int


class Interrupted(KeyboardInterrupt):
    """A study that was asked to stop.

    Args:
        outcome: how far it has come; nothing of it is RUNNING any more.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Observer(Protocol):
    """What a person sees of a study while it runs."""

    def begin(self, plan: Plan, *, done: int, wanted: int, what: str = "trials") -> None:
        """Before anything runs; `what` is what is counted."""

    def epoch(self, running: Running, epoch: int, values: Mapping[str, float]) -> None:
        """After each epoch of training."""

    def phase(self, running: Running, name: str) -> None:
        """When a run begins something else: training, exporting, timing."""

    def ended(self, event: Ended) -> None:
        """After each run."""

    def ending(self) -> None:
        """Once, when a single run is at work and none is left to begin."""

    def say(self, text: str) -> None:
        """A sentence."""
