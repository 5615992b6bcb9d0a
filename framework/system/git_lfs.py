"""Files that Git LFS keeps elsewhere: a checkout without it holds a pointer of three lines."""

from __future__ import annotations

from pathlib import Path

from framework.errors import DataUnavailable

HEAD = b"version https://git-lfs"
MOST_BYTES = 1024  # of a pointer, by its specification


def check_fetched(path: Path) -> None:
    """Return unless the file is a pointer in place of its content; a missing one is none.

    Raises:
        DataUnavailable: it is.
    """
    if path.is_file() and path.stat().st_size < MOST_BYTES and is_pointer(path.read_bytes()):
        raise DataUnavailable(
            f"{path.name} is a pointer of Git LFS: its content was not fetched.",
            given=f"File: {path}.",
            todo="Fetch it: git lfs pull. Or put the file itself there.",
        )


def is_pointer(content: bytes) -> bool:
    """Whether this is a pointer in place of a file's content."""
    return content.startswith(HEAD)
