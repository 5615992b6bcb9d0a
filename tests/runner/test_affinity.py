"""Which worker gets which run."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from framework.nn.reuse import STRUCTURES
from framework.runner.engine.affinity import Traced, apt
from framework.runner.schedule import Remaining


@dataclass
class Worker:
    """One that does nothing."""

    done: Sequence[str] = ()
    is_busy: bool = False
    traced: Traced = field(default_factory=Traced)

    def __post_init__(self) -> None:
        for kind in self.done:
            self.traced.note(kind)


@pytest.mark.parametrize(
    ("done", "kinds", "chosen"),
    [
        (["", ""], "ab", (0, 0)),  # nobody has anything: the first of both
        (["a", ""], "a", (0, 0)),
        (["a", ""], "ab", (0, 0)),  # each has its own
        (["a", "b"], "b", (1, 0)),
        (["a", "b"], "cb", (1, 1)),  # what is traced goes before what comes first
        (["ab", "c"], "ab", (0, 1)),  # the last one before others
        (["abcde", "f"], "ag", (0, 0)),  # the nets of the first of five are gone
    ],
)
def test_a_free_worker_does_what_it_has_traced(
    done: list[str], kinds: str, chosen: tuple[int, int]
) -> None:
    workers = [Worker(each) for each in done]
    worker, place = apt(workers, list(kinds))
    assert (workers.index(worker), place) == chosen


def test_one_that_is_free_takes_what_no_other_has_and_does_not_wait() -> None:
    workers = [Worker("a", is_busy=True), Worker("b")]
    assert apt(workers, ["a", "c"]) == (workers[1], 1)
    assert apt(workers, ["a", "a"]) == (workers[1], 0)


def test_a_worker_that_is_made_anew_has_traced_nothing() -> None:
    traced = Worker("ab").traced
    assert (traced.age("b"), traced.age("a"), traced.age("c")) == (0, 1, STRUCTURES)
    traced.clear()
    assert traced.age("b") == STRUCTURES


class Engine:
    """Workers that take equally long for each trial."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.workers = [Worker() for _ in range(slots)]

    def choose(self, specs: Sequence[str]) -> int:
        return apt(self.workers, specs)[1]


def taken(kinds: Sequence[str], *, slots: int, sampler: str) -> list[tuple[int, int]]:
    """(worker, number) of each trial in the order in which they are begun."""
    engine: Any = Engine(slots)
    asked: Any = SimpleNamespace(
        study=SimpleNamespace(sampler=sampler),
        ready=lambda number: True,
        ask=lambda number: SimpleNamespace(spec=kinds[number]) if number < len(kinds) else None,
    )
    ends: list[int] = []
    settler: Any = SimpleNamespace(settle=lambda spec: spec)
    remaining = Remaining(asked, engine, settler, exhausted=lambda: ends.append(len(remaining)))
    remaining.extend(range(len(kinds) + 2))
    begun, busy = [], deque[Worker]()
    while remaining.is_ready and (next_one := remaining.take()):
        number, question = next_one
        worker, _ = apt(engine.workers, [str(question.spec)])
        worker.traced.note(str(question.spec))
        worker.is_busy = True
        begun.append((engine.workers.index(worker), number))
        busy.append(worker)
        if len(busy) == slots:
            busy.popleft().is_busy = False
    # the space was found to be exhausted, once, with nothing of it cut that could be asked
    assert len(ends) == 1
    assert sorted(number for _, number in begun) == list(range(len(kinds)))
    return begun


@pytest.mark.parametrize("order", ["in blocks", "mixed"])
def test_two_workers_trace_most_structures_once(order: str) -> None:
    blocks = [kind for kind in "abcdefgh" for _ in range(5)]
    kinds = blocks if order == "in blocks" else [blocks[7 * place % 40] for place in range(40)]
    begun = taken(kinds, slots=2, sampler="grid")
    assert [number for _, number in begun][:3] == [0, 1, 2]
    # sixteen where trials are begun in the order of their numbers
    assert len({(worker, kinds[number]) for worker, number in begun}) <= 11


@pytest.mark.parametrize(("slots", "sampler"), [(1, "grid"), (2, "tpe"), (2, "nsga2")])
def test_the_order_stays_where_questions_hang_on_results(slots: int, sampler: str) -> None:
    begun = taken(["a", "b"] * 10, slots=slots, sampler=sampler)
    assert [number for _, number in begun] == list(range(20))
