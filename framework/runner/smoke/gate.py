"""Whether a study with something of the user's own would run, found out by a smoke test.

What passed is remembered by its digest, so that a second look costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from framework.errors import InvalidStudy
from framework.planning.own_plugins import plugin_files, uses_own
from framework.runner.baseline import fingerprint
from framework.runner.smoke.cover import READING, covering_specs
from framework.study.spec import digest_of
from framework.system import paths
from framework.system.child import ChildEnded, Limits, free_memory_share, messages

if TYPE_CHECKING:
    from pathlib import Path

    from framework.contracts.catalog import Catalog
    from framework.planning.plan import Plan
    from framework.study.study import Study

SILENT_SECONDS = 300.0  # after which a kind of trial is given up
WORD_SECONDS = 15.0  # after which a person is told what is being tried

# why a process was ended -> what is said of it, and the way out
ENDED = {
    "silent": (
        "Nothing came of it within {}.",
        "The study itself has no such limit: make study NAME={}.",
    ),
    "memory": (
        "It takes more memory than {}, three quarters of what is free.",
        "Close other programs, or take a smaller net, smaller inputs or a smaller batch_size.",
    ),
    "crashed": (
        "The process that tried it ended with {}.",
        "Save the net or the data again with current libraries, or take another.",
    ),
}

Say = Callable[[str], None]


def check(plan: Plan, root: Path, *, catalog: Catalog, say: Say) -> None:
    """Return if every kind of trial of the study passes; without anything of one's own at once.

    Args:
        say: called with what is done, before it takes time.

    Raises:
        InvalidStudy: one fails, or could not be tried within the limits.
    """
    if not involves_own(plan.study, catalog, root):
        return
    keys = _keys(plan.study, catalog, root)
    pending = [digest for digest, key in keys.items() if not (paths.tried(root) / key).exists()]
    if not pending:
        return
    say(f"Trying {plan.name} on a few samples: {_count(len(pending))}; what passes is remembered.")
    _Trying(plan, root, keys, say).run(pending)


def involves_own(study: Study, catalog: Catalog, root: Path) -> bool:
    """Whether data, a net or a strategy of the user's own takes part."""
    if uses_own(study, catalog, root):
        return True
    return any(catalog.of(kind).get(part.name).own for kind, _, part in study.parts())


def _keys(study: Study, catalog: Catalog, root: Path) -> dict[str, str]:
    """Digest of each kind of trial -> the name under which it is remembered."""
    # what decides a result besides the spec
    around = [fingerprint(), plugin_files(study, catalog, root)]
    specs = covering_specs(study, catalog)
    return {spec.digest: digest_of([spec.digest, *around]) for spec in specs}


def _count(number: int) -> str:
    return "one kind of trial" if number == 1 else f"{number} kinds of trials"


class _Trying:
    """One smoke test, seen from the command line."""

    def __init__(self, plan: Plan, root: Path, keys: Mapping[str, str], say: Say) -> None:
        self._plan, self._root, self._keys, self._say = plan, root, keys, say
        self._trying = READING
        self._said = 0.0  # seconds of the silence after which the last word was said

    def run(self, pending: list[str]) -> None:
        # all that trials need is the child's to load
        from framework.runner.smoke.attempt import attempt

        limits = Limits(SILENT_SECONDS, free_memory_share())
        task = (str(self._root), self._plan.name, list(self._plan.overrides), pending)
        try:
            for message in messages(attempt, *task, limits=limits, waiting=self._wait):
                self._hear(message)
        except ChildEnded as error:
            raise self._unfinished(error) from None

    def _hear(self, message: Mapping[str, Any]) -> None:
        self._said = 0.0
        self._trying = message.get("trying", self._trying)
        if "passed" in message:
            self._remember(message["passed"])
        if "failed" in message:
            raise self._failed(message["failed"], message["step"])

    def _wait(self, silent_seconds: float) -> None:
        if silent_seconds - self._said > WORD_SECONDS:
            self._said = silent_seconds
            self._say(f"  still at it: {self._trying}")

    def _remember(self, digest: str) -> None:
        folder = paths.tried(self._root)
        with suppress(OSError):  # a project that cannot be written to is tried again each time
            folder.mkdir(parents=True, exist_ok=True)
            (folder / self._keys[digest]).touch()

    def _failed(self, error: Mapping[str, str], step: str) -> InvalidStudy:
        return InvalidStudy(
            f"{self._plan.name} would fail at: {self._trying}.",
            given=f"{error['what']}\n{error['given']}".strip(),
            todo=error["todo"] or _way_out(step),
        )

    def _unfinished(self, error: ChildEnded) -> InvalidStudy:
        given, todo = ENDED[error.why]
        return InvalidStudy(
            f"{self._plan.name} could not be tried: {self._trying}.",
            given=given.format(error.detail),
            todo=todo.format(self._plan.name),
        )


def _way_out(step: str) -> str:
    if step:
        return f"Leave {step} out of compress=, or put another strategy in its place."
    return "Take another net or other data: make list shows what there is."
