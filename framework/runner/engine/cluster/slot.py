"""A slot of a node, as the coordinator sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import TrialCancelled
from framework.results.record import Record
from framework.runner.engine import handed
from framework.runner.engine.affinity import Traced
from framework.runner.engine.cancelling import CANCELLED_TEXT
from framework.runner.engine.cluster.hand import Hand, Needs
from framework.runner.engine.interface import WorkerDied
from framework.system import paths

if TYPE_CHECKING:
    from framework.runner.engine.interface import Task

GONE = "its node or its process is gone"


class Slot:
    """One actor on one node. It is not started again: what takes its place is another slot.

    Args:
        ray: the library.
        root: the project.
        node: (id, name) of the node.
        number, of: which of the node's slots it is, and how many there are.
    """

    def __init__(
        self, ray: Any, root: Path, node: tuple[str, str], *, number: int, of: int, needs: Needs
    ) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray, self._root, (identity, self.name) = ray, root, node
        self.number = number
        self._actor = (
            ray.remote(Hand)
            .options(
                num_cpus=needs.cpus,
                max_restarts=0,
                max_task_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(identity, soft=False),
            )
            .remote(number, of=of, needs=needs)
        )
        self.traced = Traced()
        self.end = ""  # why it is of no use any more
        self.has_started = False
        self._task: Task | None = None
        self.greet()

    @property
    def is_busy(self) -> bool:
        """Whether it has a run that has not ended."""
        return self._task is not None

    @property
    def waits_for(self) -> Any:
        """What Ray is to be asked about: its answer to a greeting, or the stream of its run."""
        return self._stream if self.is_busy else self._greeting

    def greet(self) -> None:
        """Ask whether it is there; until it answers it is not ready."""
        self.is_ready, self._greeting = False, self._actor.greet.remote()

    def submit(
        self, task: Task, kind: str, parcels: Mapping[str, Any], *, keeps: Callable[[Any], None]
    ) -> Future[Record]:
        """Begin a run.

        Args:
            kind: structure of its net.
            parcels: path from the project -> what belongs there.
            keeps: takes the dense net that was trained for it, where the project has none yet.
        """
        self._task, self._result, self._keeps = task, Future[Record](), keeps
        self._logs = ("", "")  # of a run that has failed: its path there, and here
        self.traced.note(kind)
        sends_dense = not (self._root / handed.baseline_of(task.spec)).exists()
        run = self._actor.run.options(num_returns="streaming")
        self._stream = run.remote(task.spec, task.seconds, parcels, sends_dense=sends_dense)
        return self._result

    def look(self) -> None:
        """Take in what has come from there, or end what somebody has cancelled."""
        if self._task and self._task.is_cancelled():
            self.stop()
            self.end = CANCELLED_TEXT
            ended = Record(reason=TrialCancelled.reason, error=CANCELLED_TEXT, node=self.name)
            self._close().set_result(ended)
        while not self.end and self._ray.wait([self.waits_for], timeout=0)[0]:
            try:
                # an answered greeting stays answered: there is no more to come
                if not self.is_busy:
                    if not self.is_ready:
                        self._ray.get(self._greeting)
                        self.is_ready = self.has_started = True
                    return
                self._take(*self._ray.get(next(self._stream)))
            except self._ray.exceptions.RayActorError:
                self._end(GONE)
            except self._ray.exceptions.RayError as error:
                self._end(str(error).strip().rpartition("\n")[2])

    def lose(self) -> None:
        """Its node is gone, whatever Ray knows of the actor."""
        if not self.end:
            self._end(GONE)

    def stop(self) -> None:
        """End the actor, and with it its worker."""
        self._ray.kill(self._actor)

    def _take(self, what: str, *values: Any) -> None:
        task = self._task
        # what the store refuses to take in is raised here, and is no fault of the worker's
        if what == "epoch" and task:
            task.report(*values)
        elif what == "phase" and task:
            task.phase(*values)
        elif what == "dense":
            self._keeps(values[0])
        elif what == "log":
            self._keep_log(*values)
        elif what == "record":
            result = values[0]
            # a failure names its log, where it can be read
            error = result.error.replace(*self._logs) if result.reason else result.error
            self._close().set_result(replace(result, error=error, node=self.name))
        elif what == "died":
            self._close().set_exception(WorkerDied(values[0], self._logs[1]))
        else:
            self._close().set_exception(values[0])

    def _keep_log(self, there: str, printed: bytes) -> None:
        """Write the log of a run that has failed into the project: its node may go."""
        log = paths.logs(self._root) / f"{self.name.replace('/', '-')}-{self.number}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(printed)
        self._logs = there, str(log.relative_to(self._root))

    def _close(self) -> Future[Record]:
        """The future of its run, which has ended."""
        self._task = None
        return self._result

    def _end(self, why: str) -> None:
        self.end = why
        # also one that lives on after an error of Ray's would keep its CPUs
        self.stop()
        if self.is_busy:
            self._close().set_exception(WorkerDied(why, f"Ray's logs on {self.name}"))
