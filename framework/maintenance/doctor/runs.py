"""Runs and their files: is anything RUNNING, gone, changed, or nobody's?"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, filterfalse
from operator import attrgetter
from pathlib import Path

from framework.maintenance.doctor.finding import Finding
from framework.results.edited import as_measured
from framework.results.record import ID_DIGITS, Run
from framework.system import paths
from framework.system.host import host_name
from framework.system.locks import is_held, lock_file
from framework.tracking.history import LEASE_OVER_SECONDS
from framework.tracking.store import Store

VERIFIED_BYTES = 200_000_000  # are read within a second or two


def examine_runs(store: Store, root: Path, *, deep: bool) -> Iterator[Finding]:
    """Runs that are RUNNING, the files of those that ended, and files that no run has.

    Args:
        deep: compare every file with its sha256.
    """
    runs = {name: store.runs(name) for name in store.studies()}
    for name, of_study in runs.items():
        running = _with_status(of_study, "RUNNING")
        if running:
            yield _running(name, running, root)
    yield _files(store, list(chain.from_iterable(runs.values())), deep=deep)
    yield from _edited(store, list(chain.from_iterable(runs.values())))
    yield from _models(store, runs)
    known = {run.run_id for run in chain.from_iterable(runs.values())}
    strangers = sorted(run_folders(root) - known)
    if strangers:
        text = (
            f"files of {len(strangers)} runs, as {strangers[0]}, belong to no run of the store: "
            f"bring back the {paths.STORE} that knows them, or delete them"
        )
        yield Finding("hint" if known else "WRONG", paths.ARTIFACTS, text)


def run_folders(root: Path) -> set[str]:
    """Ids of the runs that have files in the project."""
    return {path.name for path in paths.artifacts(root).glob("*/" + "[0-9a-f]" * ID_DIGITS)}


def _files(store: Store, runs: list[Run], *, deep: bool) -> Finding:
    """Whether what finished runs have written is there, and is what they wrote."""
    ended = sorted(_with_status(runs, "FINISHED"), key=attrgetter("start_ms"), reverse=True)
    # the manifest is written last: a run without one has lost files, or never had them all
    lost = list(filterfalse(store.complete, ended))
    if lost:
        text = (
            f"{len(lost)} of {len(ended)} finished runs have no files, as {lost[0].run_id}; bring "
            f"back .artifacts, or the study runs them again"
        )
        return Finding("WRONG", "runs", text)
    damaged, verified = [], 0
    left = math.inf if deep else VERIFIED_BYTES
    for run in ended:
        # lengths are looked at always; the newest are read as long as that takes no time
        faults, size = store.verify(run.run_id, digests=left > 0)
        verified += left > 0
        left -= size
        damaged += [f"{run.run_id}: {fault}" for fault in faults]
    if damaged:
        text = (
            f"{len(damaged)} files are not what was written, as {damaged[0]}; bring them back from "
            f"a backup, or run their study with FRESH=1"
        )
        return Finding("WRONG", "runs", text)
    text = f"{len(ended)} finished, each with its files"
    if verified < len(ended):
        text += f"; those of the newest {verified} have their sha256, all: squeezelab doctor --deep"
    return Finding("ok", "runs", text)


def _edited(store: Store, runs: list[Run]) -> Iterator[Finding]:
    """Whether the store has other numbers than the runs measured; nothing where it has not."""
    edited: dict[str, Sequence[str]] = {}
    as_measured(store, _with_status(runs, "FINISHED"), edited)
    for run_id in list(edited)[:1]:
        text = (
            f"{len(edited)} runs have other numbers in the store than they measured, as {run_id}: "
            f"{'; '.join(edited[run_id])}; bring back a backup of the store, or run their study "
            f"with FRESH=1"
        )
        yield Finding("WRONG", "numbers", text)


def _models(store: Store, runs: Mapping[str, list[Run]]) -> Iterator[Finding]:
    """Whether MLflow's models lead to runs that ended with a file; nothing where all do.

    Args:
        runs: of each study.
    """
    strays = []
    for name, of_study in runs.items():
        ended = {run.run_id for run in of_study if run.status in ("FINISHED", "FAILED", "RUNNING")}
        for run_id, models in store.models(name).items():
            # what is made twice, or of a run that was deleted in the UI or whose session died
            strays += models if run_id not in ended else models[1:]
    if strays:
        text = (
            f"{len(strays)} models, as {strays[0]}, lead to no run that has ended: delete them in "
            f"the MLflow UI, under Models of their experiment"
        )
        yield Finding("hint", "models", text)


def _with_status(runs: Iterable[Run], status: str) -> list[Run]:
    return [run for run in runs if run.status == status]


def _running(name: str, runs: list[Run], root: Path) -> Finding:
    if is_held(lock_file(root, name)):
        return Finding("ok", f"study {name}", "is being run now")
    lease = max(float(run.tags.get("lease", "0")) for run in runs)
    hosts = {run.tags.get("host", "?") for run in runs} - {host_name()}
    # a lock says nothing of another host; its lease does
    if hosts and time.time() - lease < LEASE_OVER_SECONDS:
        return Finding("ok", f"study {name}", f"is being run on {', '.join(sorted(hosts))}")
    text = (
        f"{len(runs)} runs are RUNNING and their process is dead; make study NAME={name} closes "
        f"them and goes on"
    )
    return Finding("hint", f"study {name}", text)
