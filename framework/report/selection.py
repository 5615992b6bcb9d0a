"""Which runs of the store a report is about: one generation of a study, one run of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import starmap
from operator import attrgetter
from typing import Any, Protocol

from framework.errors import UserError
from framework.results import looks
from framework.results.record import Run


class RunStore(Protocol):
    """What a report asks of the store; `framework.tracking.store.Store` is one."""

    def runs(self, study: str, /, **tags: str) -> list[Run]:
        """The runs of an experiment with these tags."""

    def artifact(self, run_id: str, name: str, /) -> bytes:
        """The content of one artifact."""

    def data(self, run_id: str, /) -> dict[str, Any]:
        """What a run noted of its data; empty if it did not."""

    def steps(self, run_id: str, metric: str, /) -> Sequence[tuple[int, float]]:
        """A metric that was logged step by step: (step, value), in ascending order."""

    def complete(self, run: Run, /) -> bool:
        """Whether the run counts: FAILED, or FINISHED with its manifest."""


def digest_of(run: Run) -> str | None:
    """Of the study that the run belongs to; None where the run does not say."""
    return run.tags.get("study_digest")


def parent_of(store: RunStore, name: str, digest: str | None, generation: int | None) -> Run:
    """The run of role `study` that a report is about.

    Args:
        digest: of the study, or how it begins; that of the run started last by default.
        generation: the highest one of this digest by default.

    Raises:
        UserError: there is none, or several studies begin with this digest.
    """
    parents = sorted(store.runs(name, role="study"), key=_started)
    matches = _of_one_digest(parents, digest)
    if generation is not None:
        matches = [run for run in matches if run.generation == generation]
    if not matches:
        raise UserError(
            f"The store holds no runs of study {name!r}{_asked_for(digest, generation)}.",
            given=_present(parents),
            todo=f"Run it first: make study NAME={name}",
        )
    return max(matches, key=_by_generation)


def complete_runs(store: RunStore, name: str, role: str) -> list[Run]:
    """The runs of a role that ended, with a result or with a reason."""
    return list(filter(store.complete, store.runs(name, role=role)))


def confirmed_runs(store: RunStore, name: str, parent: Run) -> list[Run]:
    """The nets of a study, of any generation, that were trained anew and measured on test."""
    runs = looks.confirmed(complete_runs(store, name, looks.ROLE))
    return [run for run in runs if digest_of(run) == digest_of(parent)]


def with_status(runs: Iterable[Run], status: str) -> list[Run]:
    """The runs that ended so, as `FINISHED`."""
    return [run for run in runs if run.status == status]


def tag_values(runs: Iterable[Run], tag: str, *, default: str = "") -> list[str]:
    """What each run has as a tag."""
    return [run.tags.get(tag, default) for run in runs]


def like(parent: Run, runs: Iterable[Run]) -> list[Run]:
    """The runs of the parent's digest and generation."""
    # a parent without the tag has the empty digest, which no run without the tag equals
    digest, generation = parent.tags.get("study_digest", ""), parent.generation
    return [run for run in runs if digest_of(run) == digest and run.generation == generation]


def last_attempts(runs: Iterable[Run]) -> list[Run]:
    """Of runs that ended with a result or a reason, the last attempt of each number and seed."""
    last = {}
    for run in sorted(runs, key=_by_attempt):
        last[run.number, run.seed] = run
    return sorted(last.values(), key=attrgetter("number", "seed"))


def gaps_of(begun: Iterable[Run], ended: Iterable[Run]) -> dict[str, list[int]]:
    """What is wrong -> the numbers of trials of which there is no result; empty where all is well.

    Args:
        begun: every run of a trial that the store has.
        ended: those with a result or a reason.
    """
    whole = {run.number for run in ended}
    unfinished: set[int] = set()
    incomplete: set[int] = set()
    for run in begun:
        if run.number not in whole:
            # FINISHED without a manifest: something of it never arrived, or was taken away
            (incomplete if run.status == "FINISHED" else unfinished).add(run.number)
    numbers = whole | unfinished | incomplete
    gone = set(range(max(numbers, default=-1) + 1)) - numbers
    groups = {"unfinished": unfinished - incomplete, "incomplete": incomplete, "deleted": gone}
    return {name: sorted(group) for name, group in groups.items() if group}


def one_each(runs: Iterable[Run]) -> list[Run]:
    """One run per configuration: a study that was killed may have measured the same thing twice."""
    last = {}
    for run in sorted(runs, key=_started):
        last[tuple(sorted(run.params.items()))] = run
    return [last[key] for key in sorted(last)]


def _started(run: Run) -> tuple[int, str]:
    # the id decides between runs of one millisecond, so that the order never depends on the store
    return run.start_ms, run.run_id


def _by_attempt(run: Run) -> tuple[int, int, str]:
    # as a number: attempt 10 comes after 9
    return int(run.tags.get("attempt", "0")), *_started(run)


def _short_name(run: Run) -> tuple[str, int]:
    return run.tags.get("study_digest", "")[:8], run.generation


def _by_generation(run: Run) -> tuple[int, int, str]:
    return run.generation, *_started(run)


def _of_one_digest(parents: Sequence[Run], digest: str | None) -> list[Run]:
    """Those of the digest that begins so and was started last.

    Args:
        parents: in the order of their start.

    Raises:
        UserError: a digest was given and several begin with it.
    """
    matches: dict[str | None, list[Run]] = {}
    last = None
    for run in parents:
        if run.tags.get("study_digest", "").startswith(digest or ""):
            last = digest_of(run)
            matches.setdefault(last, []).append(run)
    # a study that was edited has several; the user who gave no digest means the last
    if digest is not None and len(matches) > 1:
        raise UserError(
            "Several studies begin with this digest.",
            given=f"Given: {digest}.",
            todo="Give more digits.",
        )
    return matches.get(last, [])


def _asked_for(digest: str | None, generation: int | None) -> str:
    """` with digest 5f, generation 1`; empty where neither was given."""
    parts = []
    if digest is not None:
        parts.append(f"digest {digest}")
    if generation is not None:
        parts.append(f"generation {generation}")
    return f" with {', '.join(parts)}" if parts else ""


def _present(parents: Iterable[Run]) -> str:
    """What the store has of the study, for an error; empty where it has nothing."""
    names = sorted(set(map(_short_name, parents)))
    texts = ", ".join(starmap("digest {} generation {}".format, names))
    return f"There is: {texts}" if texts else ""
