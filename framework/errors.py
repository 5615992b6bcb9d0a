"""Everything that can go wrong, as one tree.

    SqueezelabError                exit code 1   our fault, or the machine's
    ├── UserError                  exit code 2   a mistake the user can mend; nothing was written
    │   ├── UnknownName                          no plug-in, study, knob or key has this name
    │   ├── DuplicateName                        two files register one name
    │   ├── InvalidValue                         wrong type, or outside its range
    │   ├── InvalidStudy                         parts that are right alone and wrong together
    │   └── DataUnavailable                      a data set that cannot be had
    ├── TrialError                               one trial failed; the study goes on
    │   ├── TrialDiverged                        the loss or a weight is not finite
    │   ├── TrialTimeout                         longer than `trial_seconds`
    │   ├── TrialCancelled                       somebody ended it
    │   └── NotDeployable                        the exported file is missing or not its net
    ├── MachineError               exit code 1   a full disk, a missing permission, a limit
    ├── StudyStopped               exit code 3   the baseline, or all trials so far, failed
    └── StudyLocked                exit code 75  another coordinator is at work on this study

Each message has three parts: what was wrong, what was given, what to do next.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from difflib import get_close_matches


class SqueezelabError(Exception):
    """Root of the tree.

    Args:
        what: one sentence that says what is wrong.
        given: the value that was given, or where it is.
        todo: what to do next.
    """

    exit_code = 1

    def __init__(self, what: str, *, given: str = "", todo: str = "") -> None:
        self.what, self.given, self.todo = what, given, todo
        super().__init__("\n".join(filter(None, (what, given, todo))))


class UserError(SqueezelabError):
    """A mistake the user can mend. Raised before anything is written."""

    exit_code = 2


class UnknownName(UserError):
    """No such plug-in, study, knob, objective or override key.

    Args:
        kind: what was looked for, as "strategy".
        name: the name that was given.
        known: the names that exist.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, todo: str = "") -> None:
        names = sorted(known)
        close = get_close_matches(name, names, n=1, cutoff=0.5)
        super().__init__(
            f"There is no {kind} called {name!r}.",
            given=f"Did you mean {close[0]!r}?" if close else "",
            todo=todo or f"Known: {', '.join(names) if names else 'none'}.",
        )


class DuplicateName(UserError):
    """Two files register one name."""


class InvalidValue(UserError):
    """A value of the wrong type or outside its range."""


class InvalidStudy(UserError):
    """Parts of a study that are right alone and wrong together."""


class DataUnavailable(UserError):
    """A data set that is neither prepared on this machine nor can be fetched."""


class TrialError(SqueezelabError):
    """One trial failed. It is recorded with its reason and the study goes on."""

    reason = "exception"


class TrialDiverged(TrialError):
    """The loss or a weight is not finite."""

    reason = "diverged"


class TrialTimeout(TrialError):
    """The trial took longer than `trial_seconds`."""

    reason = "timeout"


class TrialCancelled(TrialError):
    """Somebody ended the trial."""

    reason = "cancelled"


class NotDeployable(TrialError):
    """The exported file is missing, does not load or disagrees with the net it came from."""

    reason = "not_deployable"


class MachineError(SqueezelabError):
    """The machine refuses: its disk is full, a permission is missing, a limit is reached."""


class StudyStopped(SqueezelabError):
    """The baseline or all trials failed: something is wrong with the study, not with one trial."""

    exit_code = 3


class StudyLocked(SqueezelabError):
    """Another coordinator is at work on this study."""

    exit_code = 75


def last_line(error: BaseException, filename: str) -> int | None:
    """The line of a file that was the last of it to run before an error; None if none did.

    Args:
        filename: as its code was compiled under.
    """
    line = None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == filename:
            line = frame.lineno
    return line
