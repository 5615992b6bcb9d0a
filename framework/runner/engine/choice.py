"""Where the runs of a study are done: this process, processes beside it, or a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from framework.planning.resolve import first_value
from framework.runner.engine import sizing
from framework.runner.engine.here import InProcess

if TYPE_CHECKING:
    from framework.runner.baseline import Lab
    from framework.runner.engine.interface import Engine
    from framework.study.study import Study
    from framework.tracking.history import History


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
        study: Study,
        history: Callable[[], History],
        *,
        left: int | None = None,
    ) -> Place:
        """With a number of workers, as many as are worth starting where nobody gave one.

        Args:
            history: tells what trials have taken; asked for only where it matters.
            left: as of `sizing.worth`.
        """
        if self.workers != "auto":
            return self
        count = sizing.worth(study, history(), memory_bytes=self.memory_bytes, left=left)
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
