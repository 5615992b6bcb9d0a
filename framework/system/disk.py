"""How much lies where on this disk, and taking it away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def size_bytes(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 if there is nothing.

    Links are not followed.
    """
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size if path.is_symlink() or path.exists() else 0
    size = 0
    for folder, _, names in os.walk(path):
        for name in names:
            size += _file_bytes(os.path.join(folder, name))  # noqa: PTH118
    return size


def size_text(size: int) -> str:
    """`12 B`, `3.4 MB`; powers of 1000, as `ls --si` and the shops count."""
    number, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while number >= 999.95 and len(units) > 1:
        number, units = number / 1000, units[1:]
    return f"{size} B" if units[0] == "B" else f"{number:.1f} {units[0]}"


def remove(path: Path) -> None:
    """Delete a file, a link or a folder with all that is in it; nothing if there is none."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        # `rmtree` names the last part of the path alone
        raise OSError(error.errno, error.strerror, str(path)) from error


def _file_bytes(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:  # deleted meanwhile
        return 0
