"""Where the runs of a study are done: this process, processes beside it, or a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from framework.planning.resolve import first_value
from framework.runner.engine import sizing
from framework.runner.engine.here import InProcess

if TYPE_CHECKING:
    from framework.planning.plan import Plan
    from framework.runner.baseline import Lab
    from framework.runner.engine.interface import Engine
    from framework.study.study import Study
    from framework.tracking.store import Store


@dataclass(frozen=True, kw_only=True)
class Place:
    """What was asked for.

    Args:
        workers: processes beside this one; 0 for none, "auto" until it is settled.
        memory_bytes: that each worker may hold; None for its part of what is free.
        cluster: address of a Ray cluster, or `auto`; empty for none, else it goes before `workers`.
    """

    workers: int | Literal["auto"] = 0
    memory_bytes: int | None = None
    cluster: str = ""

    def settled(
        self,
        plan: Plan,
        opened: Callable[[], Store],
        *,
        fresh: bool = False,
        left: int | None = None,
    ) -> Place:
        """With a number of workers, as many as are worth starting where nobody gave one.

        Args:
            opened: the store, which tells what trials have taken; asked for only where it matters.
            fresh, left: as of `sizing.worth`.
        """
        if self.workers != "auto":
            return self
        limits: Any = {"fresh": fresh, "memory_bytes": self.memory_bytes, "left": left}
        count = sizing.worth(plan, opened(), **limits)
        return replace(self, workers=0 if self.cluster else count)


def engine_at(place: Place, lab: Lab, study: Study, *, say: Callable[[str], None]) -> Engine:
    """The engine of a place.

    Args:
        say: told what a person should know of the machines.

    Raises:
        UserError: there is no such cluster.
    """
    # each loads what only it needs
    if place.cluster:
        from framework.runner.engine.cluster.engine import Cluster

        return Cluster(
            lab.root,
            address=place.cluster,
            lab=lab,
            threads=study.train.threads,
            memory_bytes=place.memory_bytes,
            say=say,
        )
    if place.workers and place.workers != "auto":
        from framework.runner.engine.workers import Workers

        say(f"{place.workers} workers run the trials.")
        first = study.fix(first_value)
        return Workers(lab.root, slots=place.workers, memory_bytes=place.memory_bytes, first=first)
    return InProcess(lab)
