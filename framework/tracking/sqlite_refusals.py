"""What SQLite refuses, in a sentence in place of pages of SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from framework.errors import MachineError
from framework.system.refusal import AGAIN, MOUNTED, NO_PERMISSION, NO_SPACE

REFUSALS = {  # how SQLite's sentence begins -> what it means, and the way out
    "database or disk is full": ("The disk is full.", f"{NO_SPACE} {AGAIN}"),
    "disk I/O error": (
        "The disk does not take the store's changes.",
        f"Look whether it is full (df), answers (dmesg), or limits files (ulimit -f). {AGAIN}",
    ),
    "attempt to write a readonly database": (
        "The store can only be read here.",
        f"{NO_PERMISSION}. {MOUNTED}",
    ),
    "unable to open database file": (
        "The store cannot be opened: a permission is missing, or it can only be read here.",
        f"{NO_PERMISSION}. {MOUNTED}",
    ),
    "file is not a database": ("The store cannot be read: it is no SQLite database.", ""),
    "database disk image is malformed": ("The store is damaged.", ""),
}
UNWRITABLE, REFUSED = 3, 4  # so many of them say nothing of the store itself
RESTORE = "Move it away and put a backup there; squeezelab doctor looks at it and changes nothing."


def refusal(error: BaseException, where: str) -> MachineError | None:
    """An error of ours for what SQLite said, however deep MLflow has wrapped it.

    Args:
        where: the store, for the message.
    """
    for cause in _causes(error):
        if isinstance(cause, sqlite3.Error):
            for begins, (what, todo) in REFUSALS.items():
                if str(cause).startswith(begins):
                    return MachineError(what, given=f"Store: {where}.", todo=todo or RESTORE)
    return None


def is_unwritable(message: str) -> bool:
    """Whether a message of SQLite's says that a store which may be sound takes no change."""
    return message.startswith(tuple(REFUSALS)[:UNWRITABLE])


def is_refused(message: str) -> bool:
    """Whether a message of SQLite's says that the machine gives no access to a store."""
    return message.startswith(tuple(REFUSALS)[:REFUSED])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and so on."""
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        cause = ahead.pop()
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            # SQLAlchemy keeps the driver's own error as `orig`
            ahead += [getattr(cause, "orig", None), cause.__context__, cause.__cause__]
