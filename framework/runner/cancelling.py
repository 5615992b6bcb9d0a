"""Ending one trial of a study that runs, from another terminal.

The command leaves a file named by the trial's run; the session looks for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.system import paths
from framework.system.locks import is_held, lock_file
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.tracking.lookup import Asked

CANCELLED_TEXT = "Somebody ended it with `make cancel`."


def cancel(root: Path, study: Asked, number: int) -> str:
    """Ask the session that runs a study to end one of its trials; what to tell.

    Args:
        number: of the trial.

    Raises:
        UserError: nobody runs the study on this machine, or the trial is not at work.
    """
    if not is_held(lock_file(root, study.name)):
        raise UserError(
            f"No session on this machine runs {study.name}, so nothing of it is to be cancelled.",
            todo=f"To go on with it: make study NAME={study.name}.",
        )
    runs = Store.open(root, create=False).runs(study.name, role="trial", study_digest=study.digest)
    at_work = {run.number: run for run in runs if run.status == "RUNNING"}
    if number not in at_work:
        raise UserError(
            f"Trial {number} of {study.name} is not at work.",
            given=f"At work: {', '.join(map(str, sorted(at_work))) or 'none'}.",
            todo="Name one of those with TRIAL=.",
        )
    file = _file(root, at_work[number].run_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    return (
        f"Trial {number} of {study.name} is asked to end: at once in a worker, else after its "
        f"epoch. It will be FAILED, cancelled; the others go on."
    )


def is_cancelled(root: Path, run_id: str) -> bool:
    """Whether a run is to end."""
    return _file(root, run_id).exists()


def forget(root: Path, run_id: str) -> None:
    """Remove what asked a run to end that has ended."""
    _file(root, run_id).unlink(missing_ok=True)


def _file(root: Path, run_id: str) -> Path:
    return paths.cancelled(root) / run_id
