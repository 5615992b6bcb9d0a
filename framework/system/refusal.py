"""What a machine refuses, in a sentence: a full disk, a missing permission, a limit."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from framework.errors import MachineError

AGAIN = "Then the same command again: what is done is kept."
NO_SPACE = "Make room: make clean-cache, or make forget NAME=... for what is no longer needed."
NO_PERMISSION = "See whose it is with ls -ld, and change it with chmod or chown"
MOUNTED = "Copy the project to where you may write, or mount this disk for writing."
REFUSALS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("The disk is full.", f"{NO_SPACE} {AGAIN}"),
    errno.EDQUOT: ("Your share of the disk is used up.", f"{NO_SPACE} {AGAIN}"),
    errno.EFBIG: (
        "A file has reached the largest size that it may have here.",
        f"Raise the limit: ulimit -f unlimited. {AGAIN}",
    ),
    errno.EROFS: ("The disk can only be read.", MOUNTED),
    errno.EACCES: ("Permission is missing.", f"{NO_PERMISSION}."),
    errno.EPERM: ("Permission is missing.", f"{NO_PERMISSION}."),
    errno.EIO: (
        "The disk does not answer as it should.",
        "Look at it with the system's tools (dmesg), and copy the project elsewhere.",
    ),
    errno.EMFILE: ("Too many files are open.", f"Raise the limit: ulimit -n 4096. {AGAIN}"),
    errno.ENFILE: (
        "Too many files are open on this machine.",
        f"End another program. {AGAIN}",
    ),
    errno.ENOMEM: ("The memory is used up.", f"End another program. {AGAIN}"),
    errno.EAGAIN: (
        "No process or thread more is allowed.",
        f"End another program, or raise the limit: ulimit -u. {AGAIN}",
    ),
    errno.ENOENT: ("A file or folder is missing.", "Put it back, or name another one."),
    errno.EEXIST: ("A file or a broken link is where a folder belongs.", "Move it away."),
    errno.ENOTDIR: ("A file is where a folder belongs.", "Move it away."),
    errno.EISDIR: ("A folder is where a file belongs.", "Move it away, or name a file."),
    errno.ELOOP: ("A link leads to itself.", "Delete the link."),
    errno.ENAMETOOLONG: ("A name is too long.", "Choose a shorter one."),
}
OF_A_TRIAL = {
    errno.ENOENT,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
}


def is_of_machine(error: OSError) -> bool:
    """Whether any work here would be refused like this, not only the trial that met it."""
    return error.errno in REFUSALS and error.errno not in OF_A_TRIAL


def explained(error: OSError | MemoryError, folders: Iterable[Path] = ()) -> MachineError:
    """The same as an error of ours.

    Args:
        folders: those that are written, looked at where the system does not name the full one.
    """
    if isinstance(error, MemoryError):
        return MachineError("The memory is used up.", todo=REFUSALS[errno.ENOMEM][1])
    reason = (error.strerror or str(error) or type(error).__name__).rstrip(".")
    what, todo = REFUSALS.get(error.errno or 0, (f"The machine refused: {reason}.", ""))
    return MachineError(what, given=_where(error, folders), todo=todo)


def _where(error: OSError, folders: Iterable[Path]) -> str:
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if _is_path(name)]
    if names:
        return f"Path: {' -> '.join(names)}."
    full = list(_full_folders(folders)) if error.errno == errno.ENOSPC else []
    return f"Nothing is free in: {', '.join(full)}." if full else ""


def _is_path(name: object) -> bool:
    return isinstance(name, (str, bytes)) and bool(name)


def _full_folders(folders: Iterable[Path]) -> Iterator[str]:
    """Those on a disk without a free byte, that of temporary files among them."""
    # not `tempfile.gettempdir`, which writes a file to try it
    shared = Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108
    for folder in (*folders, shared):
        with suppress(OSError):
            if shutil.disk_usage(folder).free == 0:
                yield str(folder)
