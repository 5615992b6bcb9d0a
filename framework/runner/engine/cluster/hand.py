"""A slot of a node, as it is there: a worker process, and files that were handed over."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.runner.baseline import fingerprint
from framework.runner.engine import handed
from framework.runner.engine.interface import Task, WorkerDied
from framework.system import child, paths

if TYPE_CHECKING:
    from framework.results.record import Record
    from framework.study.spec import Spec

DIGITS = 16  # of a sha256
LOG_BYTES = 65_536  # that are sent of what a worker printed


def environment() -> dict[str, str]:
    """What besides the spec decides the bits of a result: the fingerprint, and our own code."""
    package, digest = Path(__file__).parents[3], hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package)}\n".encode() + file.read_bytes())
    return fingerprint() | {"squeezelab": digest.hexdigest()[:DIGITS]}


def folder() -> Path:
    """What this job has on this node, beside Ray's own files."""
    import ray

    context = ray.get_runtime_context()
    ours = f"squeezelab-{context.get_job_id()}-{context.get_node_id()[:DIGITS]}"
    return Path(context.get_temp_dir(), context.get_session_name(), ours)


def clean() -> None:
    """Remove it."""
    shutil.rmtree(folder(), ignore_errors=True)


@dataclass(frozen=True)
class Needs:
    """What each slot is started with.

    Args:
        cpus: of each, as many as threads train.
        memory_bytes: that its worker may hold; None for its part of what is free.
        plugins: name of the folder of plug-ins that every node has; empty if there is none.
    """

    cpus: int
    memory_bytes: int | None
    plugins: str


class Hand:
    """Does one run after another in a process of its own, as `Workers` does.

    Args:
        number: of the slot, from 0.
        of: how many slots the node has.
    """

    def __init__(self, number: int, *, of: int, needs: Needs) -> None:
        from framework.runner.engine.workers import Workers  # the coordinator needs none of it

        # Ray sets it, the coordinator does not: a library that sums in threads has other bits
        os.environ.pop("OMP_NUM_THREADS", None)
        self._root = folder()
        self._root.mkdir(parents=True, exist_ok=True)
        if needs.plugins:
            handed.write(paths.plugins(self._root), handed.read(_sent(needs.plugins)))
        share = child.free_memory_share()
        self._workers = Workers(
            self._root,
            slots=1,
            number=number,
            memory_bytes=needs.memory_bytes or (share // of if share else None),
            cores=needs.cpus,
            is_handed=True,
        )
        self._log = paths.logs(self._root) / f"worker-{number}.log"

    def greet(self) -> int:
        """The process that this is: an answer that it is there."""
        return os.getpid()

    def run(
        self, spec: Spec, seconds: float | None, parcels: Mapping[str, Any], *, sends_dense: bool
    ) -> Iterator[tuple[Any, ...]]:
        """Do a run; what it sends meanwhile, and in the end its record.

        Args:
            parcels: path from the project -> where Ray keeps what belongs there.
            sends_dense: the coordinator has no dense net of the spec yet.

        Yields:
            ("epoch", number, values) and ("phase", name), then ("dense", parcel) where one was
            trained, ("log", path here, end of it) where it failed, and as the last ("record",
            record), ("died", why) or ("refused", error).
        """
        import ray

        for place, reference in parcels.items():
            # asked for only where it is not there yet: it travels to a node once
            if not (self._root / place).exists():
                handed.write(self._root / place, ray.get(reference))
        sent = deque[tuple[Any, ...]]()

        def report(epoch: int, values: Mapping[str, float]) -> None:
            sent.append(("epoch", epoch, dict(values)))

        def phase(name: str) -> None:
            sent.append(("phase", name))

        future = self._workers.submit(Task(spec, seconds, report, phase=phase))
        while not future.done() or sent:
            while sent:
                yield sent.popleft()
            if not future.done():
                self._workers.look()
        dense = self._root / handed.baseline_of(spec)
        if sends_dense and dense.is_dir():
            yield "dense", handed.read(dense)
        yield from self._ended(future)

    def _ended(self, future: Future[Record]) -> Iterator[tuple[Any, ...]]:
        """What became of a run."""
        log = str(self._log.relative_to(self._root))
        try:
            result = future.result()
        except WorkerDied as error:
            yield "log", log, self._printed()
            yield "died", error.why
        except Exception as error:  # noqa: BLE001  (what the machine refuses to any run)
            yield "refused", error
        else:
            if result.reason:
                yield "log", log, self._printed()
            yield "record", result

    def _printed(self) -> bytes:
        """The end of what the worker printed."""
        return self._log.read_bytes()[-LOG_BYTES:] if self._log.exists() else b""


def _sent(name: str) -> Path:
    """The folder of plug-ins, which Ray puts on the path as a module of its name."""
    return next(Path(entry, name) for entry in sys.path if Path(entry, name).is_dir())
