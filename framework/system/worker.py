"""A process that answers questions one at a time, each within limits of time and memory.

For libraries in C that loop or crash on files that are damaged or made to do so: there they hear no
signal, and take down nobody else. Unlike `child` it goes on from question to question, because an
interpreter and its libraries take longer to load than most answers.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import resource
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from framework.system import interrupt
from framework.system.child import ChildEnded, code_text
from framework.system.disk import size_text

LOOK_SECONDS = 0.1
# it looks for modules where its parent does, whatever the folder that it is started in
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from framework.system.worker import serve; serve(sys.argv[2])"
)


class Worker:
    """A process that is started with the first question, and again after one that ended it.

    Args:
        answers: `module:function` of one dict that gives another, both JSON.
    """

    def __init__(self, answers: str) -> None:
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        # of threads that ask at the same time the second waits for its turn
        self._lock = threading.Lock()

    def ask(
        self, question: Mapping[str, Any], *, cpu_seconds: int, memory_bytes: int
    ) -> dict[str, Any]:
        """The answer.

        Args:
            cpu_seconds: that it may take; at least 1.
            memory_bytes: by which it may grow.

        Raises:
            ChildEnded: it took more, or crashed.
            KeyboardInterrupt: an interrupt came; the process is ended.
        """
        limits = {"cpu_seconds": cpu_seconds, "memory_bytes": memory_bytes}
        with self._lock:
            process = self._running()
            # whatever ends the wait ends the process: its answer would be taken for the next one's
            try:
                answer = _answer(process, json.dumps({**limits, "question": question}))
            except BaseException:
                self.end()
                raise
        if "memory" in answer:
            raise ChildEnded("memory", size_text(memory_bytes))
        return dict(answer["answer"])

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        # after a fork it is the other's
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.end()
            # libraries print what is not for the user; Ctrl-C in a terminal is the parent's
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, json.dumps(sys.path), self._answers],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._owner = os.getpid()
            atexit.register(self.end)
        return self._process


def _answer(process: subprocess.Popen[bytes], line: str) -> dict[str, Any]:
    questions, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    with contextlib.suppress(BrokenPipeError):  # why it has ended is told below
        questions.write(line.encode() + b"\n")
        questions.flush()
    while not select.select([answers], [], [], LOOK_SECONDS)[0]:
        interrupt.check()
    answer = answers.readline()
    if answer.endswith(b"\n"):
        return dict(json.loads(answer))
    raise ChildEnded(*_why_ended(process.wait()))


def _why_ended(code: int) -> tuple[str, str]:
    text = code_text(code)
    return ("silent", "its time") if text == "SIGXCPU" else ("crashed", text)


def serve(answers: str) -> None:
    """The process's whole life: a line with a question, a line with its answer, until none come."""
    module, _, name = answers.partition(":")
    function = getattr(importlib.import_module(module), name)
    # a copy: what libraries print to stdout is no answer
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _limit(resource.RLIMIT_CORE, 0)
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + asked["cpu_seconds"])
        size = _address_bytes()
        _limit(resource.RLIMIT_AS, size + asked["memory_bytes"] if size else resource.RLIM_INFINITY)
        try:
            answer = {"answer": function(asked["question"])}
        except MemoryError:
            answer = {"memory": True}
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()


def _limit(kind: int, value: int) -> None:
    with contextlib.suppress(OSError, ValueError):  # some systems have not all limits
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))


def _address_bytes() -> int:
    """What the process has of its address space; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        pages = Path("/proc/self/statm").read_text().split()[0]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    return 0
