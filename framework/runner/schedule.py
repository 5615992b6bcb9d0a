"""What is run next: which trial, each behind the baseline of its net; those and controls once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from framework.results.looks import ROLE as CONFIRM
from framework.runner.failures import FAILURES_AT_START
from framework.study.checks import BLIND

if TYPE_CHECKING:
    from concurrent.futures import Future

    from framework.results.record import Record
    from framework.runner.engine.interface import Engine
    from framework.runner.sampler import Sampler, Suggestion
    from framework.runner.settle import Settler
    from framework.study.spec import Spec

WINDOW = 8  # trials for each slot, of which an engine may choose
MOST = 64  # runs of further seeds, of which it may choose


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

    def next(
        self,
        *,
        is_spare: bool = False,
        choose: Callable[[Sequence[Spec]], int] = lambda specs: 0,
    ) -> Work | None:
        """Take the first that can begin; None while all wait for baselines, or there is none.

        Args:
            is_spare: of the further seeds.
            choose: of their trials the place of the one that is taken.
        """
        ready = self._ready(is_spare=is_spare)
        work = next(ready, None)
        if work and work.is_spare and work.number >= 0:
            alike = [work, *islice((other for other in ready if other.number >= 0), MOST)]
            work = alike[choose([one.spec for one in alike])]
        if work:
            self._waiting.remove(work)
        return work

    def _ready(self, *, is_spare: bool) -> Iterator[Work]:
        """What can begin, in its order."""
        for work in [work for work in self._waiting if work.is_spare == is_spare]:
            # what a dense net that failed is compared with tells nothing
            if work.role == "control" and work.dense in self.failed:
                self._waiting.remove(work)
            elif work.is_dense or work.dense in self.dense.keys() | self.failed.keys():
                yield work


class Remaining:
    """Numbers of trials, asked of the sampler in their order.

    They are begun in it, too, where questions hang on results. Where none does, the engine chooses
    among the next ones, so that workers do what they have traced nets for; not before the first
    are begun, whose failure ends a study.

    Args:
        exhausted: called when every spec that can be found was asked; what is left is cut then.
    """

    def __init__(
        self,
        sampler: Sampler,
        engine: Engine,
        settler: Settler,
        *,
        exhausted: Callable[[], None],
    ) -> None:
        self._sampler, self._engine, self._settler = sampler, engine, settler
        self._exhausted = exhausted
        self._numbers: list[int] = []
        self._asked: dict[int, Suggestion] = {}  # of those that are left

    def __len__(self) -> int:
        return len(self._numbers)

    def extend(self, numbers: Iterable[int]) -> None:
        """Add trials, in the order of their numbers."""
        self._numbers.extend(numbers)

    def clear(self) -> None:
        """Leave no trial."""
        self._numbers.clear()
        self._asked.clear()

    @property
    def is_ready(self) -> bool:
        """Whether there is one, and all is told that the next question hangs on."""
        return bool(self._numbers) and self._sampler.ready(self._numbers[0])

    def take(self) -> tuple[int, Suggestion] | None:
        """Number and question of the trial that is begun next; None if there is none any more.

        `is_ready` has to hold, and one of the engine's slots is free.
        """
        for number in islice(tuple(self._numbers), self._room()):
            question = self._asked.get(number) or self._sampler.ask(number)
            if question is None:
                self._numbers = [left for left in self._numbers if left < number]
                self._exhausted()
                break
            self._asked[number] = question
        if not self._asked:
            return None
        asked = sorted(self._asked)
        specs = [self._settler.settle(self._asked[number].spec) for number in asked]
        number = asked[self._engine.choose(specs)] if len(asked) > 1 else asked[0]
        self._numbers.remove(number)
        return number, self._asked.pop(number)

    def _room(self) -> int:
        slots = self._engine.slots
        is_first = self._numbers[0] < FAILURES_AT_START
        is_free = self._sampler.study.sampler in BLIND
        return 1 if slots == 1 or is_first or not is_free else WINDOW * slots
