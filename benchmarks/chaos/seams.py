"""Where the simulation takes the place of the world: nothing else of the study loop is replaced."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from benchmarks.chaos import lab, questions, studies
from benchmarks.chaos.moments import Clock, Moments
from benchmarks.chaos.server import Database, MemoryFiles, Server, SimulatedClient
from benchmarks.chaos.tables import SimulatedTables
from framework.planning import own_plugins
from framework.runner import measurement, sampler, study_runs, trial
from framework.runner.engine import cancelling
from framework.system import interrupt
from framework.tracking import client, history, store

STARTUP, REDRAWS = 2, 3  # of the sampler: small enough that small studies get beyond them
PAUSE_SECONDS = 20.0  # between two attempts at a store that is silent: more of them take time alone
ENVIRONMENT = {"machine": "simulated"}


def _without_indent(value: Any, *, indent: int | None = None, **options: Any) -> str:
    """Files are written without line breaks: Python has that in C, and a tenth of the time."""
    return _encoder(*options.items()).encode(value)


@cache
def _encoder(*options: tuple[str, Any]) -> json.JSONEncoder:
    """Made once: `json.dumps` makes one for each text."""
    return json.JSONEncoder(**dict(options))


COMPACT = SimpleNamespace(
    dumps=_without_indent, loads=json.loads, JSONDecodeError=json.JSONDecodeError
)


Place = tuple[Any, str, Any]
"""Who has it, under which name, and what stands there meanwhile."""
ALIKE: tuple[Place, ...] = (  # in every world
    (history, "LOOK_SECONDS", history.LEASE_OVER_SECONDS / 2),
    (client, "PAUSE_SECONDS", PAUSE_SECONDS),
    (own_plugins, "plugin_files", lambda *_: {}),
    (study_runs, "fingerprint", lambda: ENVIRONMENT),
    (cancelling, "is_cancelled", lambda *_: False),
    (cancelling, "forget", lambda *_: None),
    (trial, "_done", lab.done),
    (trial, "TrialJob", lab.Job),
    (trial, "gc", SimpleNamespace(collect=lambda: 0, freeze=lambda: None)),
    (measurement, "latencies", lab.latencies),
    (sampler, "STARTUP", STARTUP),
    (sampler, "REDRAWS", REDRAWS),
    (sampler, "enumerate_specs", studies.enumerated),
)
# below the sampler, whose rule of what trial n is asked from is what is tried
WITHOUT_OPTUNA: tuple[Place, ...] = (
    (sampler, "_Past", questions.StandInPast),
    (sampler, "_sampler", questions.sampler_of),
)


@contextmanager
def placed(
    clock: Clock, moments: Moments, database: Database, *, host: str, optuna: bool
) -> Iterator[None]:
    """Let the study loop run in a simulated world.

    Args:
        host: the machine's name.
        optuna: ask Optuna itself.
    """
    # below the store and its client, whose order of writes and second attempts are tried
    server = Server(database, moments, clock)
    tags = {"host": host, "git": "unknown", "dirty": "unknown"}
    places: list[Place] = [(module, "time", clock) for module in _with(time)]
    places += [(module, "json", COMPACT) for module in _with(json)]
    places += [
        (interrupt, "check", moments.check),
        (interrupt, "pause", moments.pause),
        (store, "Client", lambda _uri: SimulatedClient(server)),
        (
            store,
            "Tables",
            lambda _root, _uri, mlflow: SimulatedTables(database, moments, clock, client=mlflow),
        ),
        (store, "RunFiles", lambda _root, mlflow: MemoryFiles(database, moments, mlflow)),
        (study_runs, "host_tags", lambda _root: tags),
    ]
    with _replaced([*ALIKE, *places, *(() if optuna else WITHOUT_OPTUNA)]):
        yield


@cache
def _with(library: ModuleType) -> list[ModuleType]:
    """The modules of the runner and of the store that use a module of Python's."""
    users = []
    for name, module in sys.modules.items():
        is_played = name.startswith(("framework.runner", "framework.tracking"))
        if is_played and vars(module).get(library.__name__) is library:
            users.append(module)
    return users


@contextmanager
def _replaced(places: Sequence[Place]) -> Iterator[None]:
    log = logging.getLogger("framework")
    before = []
    for owner, name, value in places:
        before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)
    log.disabled = True  # of what the store is tried again for
    try:
        yield
    finally:
        log.disabled = False
        for owner, name, value in before:
            setattr(owner, name, value)
