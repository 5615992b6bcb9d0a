"""Writing the files of a report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write(texts: Mapping[str, str], out: Path) -> list[Path]:
    """Texts as files, the same bytes on every system.

    Args:
        texts: name of the file -> content.
        out: an existing folder.

    Returns:
        Their paths, in the order of the texts.
    """
    for name, text in texts.items():
        # Windows would write CR and LF
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    return list(map(out.joinpath, texts))
