"""Reading a saved net within limits of time and memory, before anybody reads it without them.

A file may be damaged, or made, so that HDF5's library loops or crashes, or takes all memory. So it
is read in a process of its own first, whole; a file that came through that is read again here,
where the same bytes do the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from framework.errors import InvalidStudy, SqueezelabError
from framework.nn.saved.file import SAVE_AGAIN, reading, size_of
from framework.system import child
from framework.system.worker import Worker

MEBIBYTE = 2**20
CPU_SECONDS, MORE_BYTES_A_SECOND = 10, 32 * MEBIBYTE
# for the reading itself, and for each byte of a file: its content, its arrays in their own numbers
# and in float32, and what is packed in it
MEMORY_BYTES, MEMORY_A_BYTE, MOST_MEMORY_BYTES = 384 * MEBIBYTE, 64, 5 * 2**30
WHY = {
    "silent": "Reading it took more than {seconds} s of computing.",
    "memory": "Reading it took more memory than {megabytes:,} MB.",
    "crashed": "The process that read it ended with {detail}.",
}

_worker = Worker("framework.nn.saved.limits:answer")


def check(path: Path, output: str, state: object) -> None:
    """Return if the net in a file can be read within limits.

    Args:
        output: as of `net.load`.
        state: of the file, as long as which what is known of it holds.

    Raises:
        InvalidStudy: it cannot, or is not to be used.
    """
    # in a smoke test limits are around all of it
    if state is None or child.is_here():
        return
    refused = _refused(path, output, state)
    if refused:
        raise InvalidStudy(**refused)


@lru_cache(maxsize=16)
def _refused(path: Path, output: str, _state: object) -> Mapping[str, str]:
    """What, given and todo of the error; empty if there is none."""
    with reading(path.name):
        size = size_of(path)
    seconds = CPU_SECONDS + size // MORE_BYTES_A_SECOND
    memory = min(MEMORY_BYTES + MEMORY_A_BYTE * size, MOST_MEMORY_BYTES)
    question = {"path": str(path.absolute()), "output": output}
    try:
        return _worker.ask(question, cpu_seconds=seconds, memory_bytes=memory)
    except child.ChildEnded as error:
        words = {"seconds": seconds, "megabytes": memory // 10**6, "detail": error.detail}
        why = WHY[error.why].format(**words)
        return {"what": f"The net in {path.name} cannot be used.", "given": why, "todo": SAVE_AGAIN}


def answer(question: Mapping[str, Any]) -> Mapping[str, str]:
    """The worker's side: read the net; the error, or nothing.

    Raises:
        MemoryError: it takes more than it may.
    """
    from framework.nn.saved.net import read_here

    try:
        read_here(Path(question["path"]), question["output"])
    except SqueezelabError as error:
        cause = error.__cause__  # what the readers of a file raise
        if isinstance(cause, MemoryError):
            raise cause from None
        return {"what": error.what, "given": error.given, "todo": error.todo}
    return {}
