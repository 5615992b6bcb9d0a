"""When a study stops because of what failed, and what it says then."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from framework.errors import SqueezelabError, StudyStopped, TrialDiverged
from framework.results.failure import cause
from framework.results.record import ERROR_TXT

if TYPE_CHECKING:
    from framework.results.record import Record, Run
    from framework.study.spec import Spec
    from framework.tracking.store import Store

FAILURES_AT_START = 3
SLOWER = 10  # what a learning rate is divided by when a training has diverged


def of_baseline(name: str, run_id: str, result: Record, spec: Spec) -> StudyStopped:
    """The error for a study whose dense net failed.

    Args:
        name: of the study.
        run_id: of the dense net's run.
        result: what it left.
        spec: of the dense net.
    """
    whole = f"The whole traceback: make show RUN={run_id}."
    if result.reason == TrialDiverged.reason:
        rate = spec.train.learning_rate / SLOWER
        whole = (
            f'Train with smaller steps: make study NAME={name} SET="train.learning_rate={rate:g}".'
        )
    return StudyStopped(
        f"The baseline of {name} failed, and nothing can be measured without it.",
        given="\n".join(cause(result.error) or [f"Reason: {result.reason}."]),
        todo=whole,
    )


def check_start(name: str, done: Mapping[int, Run], store: Store) -> None:
    """Return unless the first three trials have all failed.

    Args:
        name: of the study.
        done: its trials by number.

    Raises:
        StudyStopped: they have.
    """
    # whichever of the others has ended by now
    first = {number: done[number] for number in range(FAILURES_AT_START) if number in done}
    if len(first) == FAILURES_AT_START:
        _check(f"The first {len(first)} trials of {name} failed", first, store)


def check_end(name: str, done: Mapping[int, Run], store: Store) -> None:
    """Return if a study that has no trial left to run has one that finished.

    Raises:
        StudyStopped: all of them failed.
    """
    everything = "All" if len(done) > 1 else "The only"
    trials = f"{len(done)} trials" if len(done) > 1 else "trial"
    _check(f"{everything} {trials} of {name} failed", done, store)


def _check(what: str, done: Mapping[int, Run], store: Store) -> None:
    if not done or any(run.status != "FAILED" for run in done.values()):
        return
    last = done[max(done)]
    lines = [f"Reason: {last.tags.get('reason', 'unknown')}."]
    # a file that is gone or changed hides the cause, not that it failed
    with suppress(SqueezelabError):
        lines = cause(store.artifact(last.run_id, ERROR_TXT).decode(errors="replace")) or lines
    raise StudyStopped(
        f"{what}, the last one so:",
        given="\n".join(lines),
        todo=f"The whole traceback: make show RUN={last.run_id}. Mend the cause, then begin anew "
        f"with FRESH=1.",
    )
