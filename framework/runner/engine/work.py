"""A worker's side: a process that does one run after another for its coordinator."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import TYPE_CHECKING

from framework.planning.own_plugins import catalog_of
from framework.runner import measurement, settle, trial
from framework.runner.baseline import Lab
from framework.runner.engine import handed
from framework.runner.engine.handed import Handed, Parcel
from framework.system import child

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from framework.results.record import Record
    from framework.study.spec import Spec

ORPHANED = 1  # exit code of a worker whose coordinator is gone
_events: list[Connection] = []  # the way to the coordinator, and the lab: of this process
_labs: list[Lab] = []


def begin(
    events: Connection,
    root: Path,
    plugins: Path | None,
    log: Path,
    *,
    cores: int,
    is_handed: bool = False,
) -> None:
    """The start of the process.

    Args:
        events: takes ("phase", name) and ("epoch", number, values).
        root: the project.
        plugins: its plug-ins as they were when the study began, if it has any.
        log: gets what libraries print.
        cores: of the machine that are this worker's.
        is_handed: samples lie there as they were handed over, for there are no data sets.
    """
    # a terminal interrupts all of its processes: it is the coordinator that decides
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    child.die_with_parent()  # also while it stands still
    printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    # TensorFlow reads it when it is loaded: with more operations of a net at once than it has cores
    # a worker takes its neighbours' time, and no bit depends on it
    os.environ["TF_NUM_INTEROP_THREADS"] = str(cores)
    _events.append(events)
    source = partial(Handed, root) if is_handed else None
    _labs.append(Lab(root, catalog_of(root, folder=plugins), source=source))


def _end_with_parent() -> None:
    """End at once when the coordinator is gone: nobody would take the result."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(ORPHANED)


def load(first: Spec | None, *, measures: bool = False) -> None:
    """Load the libraries, and the data of a spec, before there is a run to be done.

    What goes wrong is told by the run that needs it.

    Args:
        measures: also what trials are compared with, if the dense net lies in the cache.
    """
    lab = _labs[0]
    with suppress(Exception):
        if first:
            lab.splits(first)
        # not before it is known what is left open: it would be of another net
        if first and measures and lab.has_baseline(first) and not settle.left_open(first, lab):
            measurement.dense_net(first, lab, lab.baseline(first))


def run(spec: Spec, seconds: float | None) -> Record:
    """One run; see `trial.run`."""
    (events,) = _events

    def report(epoch: int, values: Mapping[str, float]) -> None:
        events.send(("epoch", epoch, {name: float(value) for name, value in values.items()}))

    def phase(name: str) -> None:
        events.send(("phase", name))

    return trial.run(spec, _labs[0], seconds=seconds, report=report, phase=phase, is_timed=False)


def time(spec: Spec, file: bytes, reference: bytes) -> dict[str, float]:
    """Latency of a file; see `measurement.latencies`."""
    return measurement.latencies(file, reference, spec, _labs[0])


def qualities(specs: Sequence[Spec]) -> list[float]:
    """How good nets are as they come; see `settle.qualities_of`."""
    return settle.qualities_of(specs, _labs[0])


def pack(spec: Spec) -> Parcel:
    """The samples of a spec, for other machines; see `handed.pack`."""
    return handed.pack(spec, _labs[0])
