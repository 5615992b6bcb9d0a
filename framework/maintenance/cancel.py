"""Ending one trial of a study that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.runner.engine import cancelling
from framework.system.locks import is_held, lock_file
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.tracking.lookup import Asked


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
    cancelling.ask(root, at_work[number].run_id)
    return (
        f"Trial {number} of {study.name} is asked to end: at once in a worker, else after its "
        f"epoch. It will be FAILED, cancelled; the others go on."
    )
