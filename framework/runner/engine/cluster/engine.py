"""Runs on the nodes of a Ray cluster, one at a time in each of their slots.

Data and clocks stay with this machine: samples are prepared here and handed over, never those of
the test split, and files are timed here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.planning.own_plugins import snapshot
from framework.runner.engine import handed
from framework.runner.engine.affinity import apt, structure
from framework.runner.engine.cluster import joining
from framework.runner.engine.cluster.hand import Needs
from framework.runner.engine.cluster.nodes import Nodes
from framework.runner.engine.cluster.slot import Slot
from framework.runner.engine.workers import LOOK_SECONDS, Workers
from framework.system import interrupt

if TYPE_CHECKING:
    from framework.results.record import Record
    from framework.runner.baseline import Lab
    from framework.runner.engine.interface import Task
    from framework.study.spec import Spec

PATIENCE_SECONDS = 10.0  # in which nodes answer and actors start, until it is told


class Cluster:
    """Does runs on every node that can be used, whoever joins or leaves meanwhile.

    Args:
        root: the project.
        address: of the cluster's head, or `auto`; see `joining.join`.
        lab: knows nets and data sets; it loads neither.
        threads: with which the study trains, a CPU each.
        memory_bytes: that each worker may hold; None for its part of what its node has free.
        say: told of nodes that join, are gone, or are not used.

    Raises:
        UserError: Ray is not installed, or there is no cluster to be joined.
    """

    def __init__(
        self,
        root: Path,
        *,
        address: str,
        lab: Lab,
        threads: int,
        memory_bytes: int | None,
        say: Callable[[str], None],
    ) -> None:
        self._root, self._lab, self._say = root, lab, say
        self._here = Workers(root, slots=1, memory_bytes=memory_bytes)
        self._parcels: dict[Path, Any] = {}  # what Ray keeps, by its place in the project
        plugins = snapshot(root)
        self._ray = joining.join(address, plugins)
        needs = Needs(threads, memory_bytes, plugins.name if plugins else "")
        self._nodes = Nodes(self._ray, root, needs=needs, say=say)

    @property
    def slots(self) -> int:
        """How many are ready; one where none is, for a run waits for whoever comes."""
        return max(1, sum(slot.is_ready for slot in self._nodes.slots))

    def choose(self, specs: Sequence[Spec]) -> int:
        """The run for which a slot that is free has traced the nets, if there is one."""
        if not self._has_free():  # it waits for whoever comes
            return 0
        _, place = apt(self._usable(), list(map(structure, specs)))
        return place

    def submit(self, task: Task) -> Future[Record]:
        """Hand a run to a slot that is free, if possible one that has traced such a net.

        Waits where the last slot has gone.
        """
        kind = structure(task.spec)
        parcels = self._needed(task.spec)
        self._wait_for_one()
        slot, _ = apt(self._usable(), [kind])
        keeps = partial(handed.write, self._root / handed.baseline_of(task.spec))
        return slot.submit(task, kind, parcels, keeps=keeps)

    def ended(self, futures: Collection[Future[Record]]) -> set[Future[Record]]:
        """Wait until a run has ended, and follow the nodes meanwhile."""
        while True:
            self._look()
            done = {future for future in futures if future.done()}
            if done or not any(slot.is_busy for slot in self._nodes.slots):
                return done

    def time(self, spec: Spec, file: bytes, reference: bytes) -> dict[str, float]:
        """Latency of a file, on this machine: all files of a study by one clock."""
        return self._here.time(spec, file, reference)

    def qualities(self, specs: Sequence[Spec]) -> list[float]:
        """How good nets are as they come, by the worker of this machine."""
        return self._here.qualities(specs)

    def close(self) -> None:
        """End the actors and the worker of this machine, and leave the cluster."""
        self._here.close()
        with suppress(self._ray.exceptions.RayError):  # its head may be gone
            self._nodes.close()
        joining.leave(self._ray)

    def _look(self) -> None:
        """Wait a moment for anything to come, and take it in."""
        slots = [slot for slot in self._nodes.slots if slot.is_busy or not slot.is_ready]
        awaited = [slot.waits_for for slot in slots]
        if awaited:
            self._ray.wait(awaited, timeout=LOOK_SECONDS)
        else:
            time.sleep(LOOK_SECONDS)
        interrupt.check()
        self._nodes.look()

    def _usable(self) -> list[Slot]:
        return [slot for slot in self._nodes.slots if slot.is_ready]

    def _has_free(self) -> bool:
        """Whether there is a slot that a run can be handed to."""
        return not all(slot.is_busy for slot in self._usable())

    def _wait_for_one(self) -> None:
        """Until there is, whenever it comes."""
        told = time.monotonic() + PATIENCE_SECONDS
        while not self._has_free():
            if time.monotonic() > told:
                told = math.inf
                self._say("Waiting for a node that can be used.")
            self._look()

    def _needed(self, spec: Spec) -> dict[str, Any]:
        """What a run of a spec needs of the project; Ray keeps each of it once."""
        makers = {handed.data_of(spec, self._lab.shapes(spec)): partial(self._pack, spec)}
        for file in handed.net_files(spec, self._lab):
            makers[file] = partial(handed.read, self._root / file)
        dense = handed.baseline_of(spec)
        # a node that has to do without trains it itself, to the same bits
        if (self._root / dense).exists():
            makers[dense] = partial(handed.read, self._root / dense)
        for place in makers.keys() - self._parcels.keys():
            self._parcels[place] = self._ray.put(makers[place]())
        return {str(place): self._parcels[place] for place in makers}

    def _pack(self, spec: Spec) -> handed.Parcel:
        """The samples of a spec, prepared by a process that ends: the coordinator holds none."""
        try:
            return self._here.pack(spec)
        finally:
            self._here.close()
