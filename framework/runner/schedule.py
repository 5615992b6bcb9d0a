"""What is run next: each trial behind the baseline of its net, every baseline and control once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.results.looks import ROLE as CONFIRM

if TYPE_CHECKING:
    from concurrent.futures import Future

    from framework.results.record import Record
    from framework.runner.sampler import Suggestion
    from framework.study.spec import Spec


@dataclass(frozen=True)
class Work:
    """A run that is to be done.

    Args:
        role: `baseline`, `control`, `trial`, `replicate` or `confirm`.
        number, suggestion: of a trial; a replicate has the number of its trial.
        is_spare: of a further seed: done when the first one has no work.
    """

    role: str
    spec: Spec
    number: int = -1
    suggestion: Suggestion | None = None
    is_spare: bool = False

    @property
    def what(self) -> str:
        """What a person is told of it: `baseline`, `trial 3`, `trial 3 seed 1` of a further one."""
        what = self.role if self.number < 0 else f"trial {self.number}"
        if what == CONFIRM:
            what = "dense" if self.is_dense else "control"
        return f"{what} seed {self.spec.seed}" if self.is_spare else what

    @property
    def is_dense(self) -> bool:
        """Whether it is a dense net that others wait for; a trial may be without steps, too."""
        return self.role == "baseline" or (self.role == CONFIRM and not self.spec.compress)

    @property
    def is_timed(self) -> bool:
        """Whether its latency is of interest: what is confirmed is a quality."""
        return self.role != CONFIRM

    @property
    def dense(self) -> str:
        """Digest of its baseline's spec."""
        return self.spec.dense().digest


@dataclass(frozen=True)
class Flight:
    """A run that is at work.

    Args:
        future: of its record.
    """

    run_id: str
    work: Work
    future: Future[Record]


class Schedule:
    """Work in the order in which it was added, as far as its baseline is there.

    Knows what was run in earlier sessions by `dense` (digest of a baseline's spec -> its run) and
    `controls` (digests of their specs).
    """

    def __init__(self) -> None:
        self.dense: dict[str, str] = {}
        self.controls: set[str] = set()  # those that need not be run
        self.failed: dict[str, tuple[str, Record]] = {}  # baselines: run id and record by digest
        self._begun: set[str] = set()  # digests of baselines
        self._waiting: deque[Work] = deque()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def count(self, role: str) -> int:
        """How much work of a role waits."""
        return sum(work.role == role for work in self._waiting)

    def refer(self, spec: Spec, control: Spec, *, is_spare: bool = False) -> None:
        """Add the baselines of a spec and of a control, and it, unless they are there or added."""
        # the control has a baseline of its own where the training is searched
        for dense in (spec.dense(), control.dense()):
            if dense.digest not in self.dense.keys() | self._begun:
                self._begun.add(dense.digest)
                self._waiting.append(Work("baseline", dense, is_spare=is_spare))
        if control.digest not in self.controls:
            self.controls.add(control.digest)
            self._waiting.append(Work("control", control, is_spare=is_spare))

    def add(self, work: Work) -> None:
        """Add a trial or a replicate."""
        self._waiting.append(work)

    def again(self, work: Work) -> None:
        """Do work that came to nothing once more, before all else."""
        self._waiting.appendleft(work)

    def next(self, *, is_spare: bool = False) -> Work | None:
        """Take the first that can begin; None while all wait for baselines, or there is none.

        Args:
            is_spare: of the further seeds.
        """
        for work in [work for work in self._waiting if work.is_spare == is_spare]:
            # what a dense net that failed is compared with tells nothing
            if work.role == "control" and work.dense in self.failed:
                self._waiting.remove(work)
            elif work.is_dense or work.dense in self.dense.keys() | self.failed.keys():
                self._waiting.remove(work)
                return work
        return None
