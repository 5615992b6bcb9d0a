"""Runs by what a person types: an id, its first digits, or `NAME:12` for a trial of a study."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework.contracts import Catalog
from framework.contracts.project import RunFiles
from framework.errors import InvalidValue, UnknownName, UserError
from framework.planning.own_plugins import catalog_of
from framework.planning.plan import Plan, plan
from framework.planning.project import study_names
from framework.results.record import ID_DIGITS, IDS, Run, latest_generation
from framework.tracking.database import is_there

if TYPE_CHECKING:
    from framework.tracking.store import Store

PREFIX_DIGITS = 6  # fewer would soon mean several runs
FORMS = "A run is its id, the first 6 or more digits of it, or NAME:12 for trial 12 of study NAME."
SHOWN = 5


@dataclass(frozen=True)
class Asked:
    """A study that a command reads: the digest of its file, or what the store has of it.

    Args:
        folder: name of its folder under `reports/out/`.
    """

    name: str
    digest: str
    folder: str

    @classmethod
    def of(cls, planned: Plan) -> Asked:
        """The study of a file, with its overrides."""
        return cls(planned.name, planned.study.digest, planned.folder)


def find_run(store: Store, root: Path, text: str, *, settings: Sequence[str] = ()) -> Run:
    """The run that `text` means.

    Args:
        text: an id, at least 6 digits it begins with, or `NAME:12`.
        settings: overrides of the study in `NAME:12`.

    Raises:
        UserError: it means no run, or several.
    """
    name, colon, number = text.partition(":")
    if colon and number.isdecimal():
        study = asked(root, name, settings=settings, catalog=catalog_of(root))
        return trial_run(store, study, int(number))
    if not is_run_id(text):
        raise UserError(f"{text!r} is no run.", todo=FORMS)
    if settings:
        raise UserError(
            "Overrides go with NAME:12 only; an id says all.", given=f"Given: {' '.join(settings)}."
        )
    return _by_digits(store, text)


def plan_of(root: Path, name: str, *, settings: Sequence[str], catalog: Catalog) -> Plan:
    """The study `name` of the project, which may ask for what its finished runs have left.

    Raises:
        UserError: as `planning.plan.plan`.
    """
    return plan(root, name, settings=settings, catalog=catalog, run_file=run_file_of(root))


def asked(root: Path, name: str, *, settings: Sequence[str], catalog: Catalog) -> Asked:
    """The study that a command means by its name: a file's, or one that only the store has.

    Of a store that came without its study files the study that was started last is meant.

    Raises:
        UserError: as `planning.plan.plan`, or overrides are given and there is no file for them.
    """
    if name not in study_names(root) and is_there(root):
        from framework.tracking.store import Store

        digest = stored_digest(Store.open(root, create=False), name)
        if digest and settings:
            raise InvalidValue(
                f"Overrides go with a study's file, and studies/{name}.py is not there.",
                given=f"Given: {' '.join(settings)}.",
                todo="Leave them out for what the store has of it, or bring the file back.",
            )
        if digest:
            return Asked(name, digest, name)
    return Asked.of(plan_of(root, name, settings=settings, catalog=catalog))


def stored_digest(store: Store, name: str) -> str:
    """The digest of the study of this name that was started last; empty where there is none."""
    parents = store.runs(name, role="study")
    return parents[-1].tags.get("study_digest", "") if parents else ""


def run_file_of(root: Path) -> RunFiles:
    """What reads an artifact of a run of this project; the store is opened when it is asked."""

    def read(text: str, name: str) -> bytes:
        from framework.tracking.store import Store

        store = Store.open(root, create=False)
        return store.artifact(find_run(store, root, text).run_id, name)

    return read


def is_run_id(text: str) -> bool:
    """Whether this can be a run's id or the beginning of one."""
    return PREFIX_DIGITS <= len(text) <= ID_DIGITS and set(text) <= set("0123456789abcdef")


def trial_run(store: Store, study: Asked, number: int) -> Run:
    """The trial of this number in the latest generation, the one that tables show.

    It may have failed.

    Raises:
        UserError: there is none that has ended.
    """
    trials = store.runs(study.name, role="trial", study_digest=study.digest)
    complete = list(filter(store.complete, trials))
    latest = latest_generation(complete)
    done = {run.number: run for run in complete if run.generation == latest}
    if number in done:
        return done[number]
    if done:
        what_is_done = f"Done: {len(done)} trials, {min(done)} to {max(done)}."
    else:
        what_is_done = f"None is done under its digest, {study.digest[:8]}."
    missing = UserError(
        f"{study.name} has no trial {number}.",
        given=what_is_done,
        todo=f"Numbers and overrides stand in the table: make report NAME={study.name}.",
    )
    # Overrides and changes of the study make another digest, under which the number may be.
    for line in _elsewhere(store, study, number):
        missing.add_note(line)
    raise missing


def finished_trial(store: Store, study: Asked, number: int) -> Run:
    """A trial that has a file.

    Raises:
        UserError: there is no such trial, or it failed.
    """
    run = trial_run(store, study, number)
    if run.status == "FAILED":
        raise UserError(
            f"Trial {number} of {study.name} failed, so it has no file to measure.",
            given=f"Reason: {run.tags.get('reason', 'unknown')}.",
            todo="Choose a trial of the table.",
        )
    return run


def _elsewhere(store: Store, study: Asked, number: int) -> list[str]:
    """Where trials of this number lie that belong to the study as it was, or as overridden."""
    latest: dict[str, Run] = {}  # digest -> run
    for run in store.runs(study.name, role="trial"):
        if run.number == number and store.complete(run):
            latest[run.tags["study_digest"]] = run  # runs come by start time
    latest.pop(study.digest, None)
    if not latest:
        return []
    lines = ["The study has changed since, or was run with overrides."]
    for digest, run in itertools.islice(latest.items(), SHOWN):
        lines.append(f"Under digest {digest[:8]} there is one: RUN={run.run_id}.")
    return lines


def _by_digits(store: Store, digits: str) -> Run:
    if len(digits) == ID_DIGITS:
        return store.run(digits)
    matches = list(_beginning_with(store, digits))
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise UnknownName("run", digits, (), todo=IDS)
    shown = [f"{run.run_id} ({run.name})" for run in matches[:SHOWN]]
    raise UserError(
        f"{len(matches)} runs begin with {digits}.",
        given="\n".join(shown),
        todo="Give more digits.",
    )


def _beginning_with(store: Store, digits: str) -> Iterator[Run]:
    for study in store.studies():
        for run in store.runs(study):
            if run.run_id.startswith(digits):
                yield run
