"""Where the runs of a study are done: this process, processes beside it, or a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.planning.resolve import first_value
from framework.runner.engine.here import InProcess

if TYPE_CHECKING:
    from framework.runner.baseline import Lab
    from framework.runner.engine.interface import Engine
    from framework.study.study import Study


@dataclass(frozen=True, kw_only=True)
class Place:
    """What was asked for.

    Args:
        workers: processes beside this one; 0 for none.
        memory_bytes: that each worker may hold; None for its part of what is free.
        cluster: address of a Ray cluster, or `auto`; empty for none, else it goes before `workers`.
    """

    workers: int = 0
    memory_bytes: int | None = None
    cluster: str = ""


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
    if place.workers:
        from framework.runner.engine.workers import Workers

        say(f"{place.workers} workers run the trials.")
        first = study.fix(first_value)
        return Workers(lab.root, slots=place.workers, memory_bytes=place.memory_bytes, first=first)
    return InProcess(lab)
