"""Which messages the tests of a session meet.

A plug-in of pytest. Errors of our tree note where they are made, in every worker and in processes
that tests start; so do warnings and findings, in workers. At the end of a session of all tests the
places are held against `tests/message_list.py`: those that no test met are listed, and the session
fails of them. EVERY_MESSAGE=0 only lists them.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import noted_classes
import noted_errors
import pytest
from message_list import Message, messages

# folder -> the library without which its tests are skipped: it comes with an extra
OF_EXTRAS = {"framework/runner/engine/cluster/": "ray"}
# options that leave tests out, or run none
PARTS = ("keyword", "deselect", "ignore", "ignore_glob", "lf", "collectonly", "setupplan")
Places = set[tuple[str, int]]


def pytest_configure(config: pytest.Config) -> None:
    """Let errors note their places; a worker has what it inherits from where it was started."""
    noted_errors.note_places(*noted_classes.ERRORS)
    noted_errors.note_warnings()
    noted_classes.prepare()
    for owner, name in noted_classes.CALLED:
        setattr(owner, name, noted_errors.noting(getattr(owner, name)))
    if not hasattr(config, "workerinput"):
        os.environ[noted_errors.NOTES] = tempfile.mkdtemp(prefix="squeezelab-notes-")
        config.pluginmanager.register(Collected(), "messages of all workers")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what it met."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["messages"] = json.dumps(sorted(noted_errors.met))


class Collected:
    """What all processes met; lives where the session is led from."""

    def __init__(self) -> None:
        self.unmet: list[Message] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        text = getattr(node, "workeroutput", {}).get("messages", "[]")
        noted_errors.met.update(map(tuple, json.loads(text)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        for file in Path(os.environ[noted_errors.NOTES]).glob("*.json"):
            with suppress(ValueError):  # cut off where a test had limited what may be written
                noted_errors.met.update(map(tuple, json.loads(file.read_text())))
        shutil.rmtree(os.environ.pop(noted_errors.NOTES))
        if exitstatus == pytest.ExitCode.OK and is_whole(session.config):
            self.unmet = unmet(filter(can_be_met, messages()), noted_errors.met)
            if self.unmet and os.environ.get("EVERY_MESSAGE", "1") != "0":
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.unmet:
            terminalreporter.section(f"{len(self.unmet)} messages that no test reaches", red=True)
            for message in self.unmet:
                terminalreporter.line(message.line())


def is_whole(config: pytest.Config) -> bool:
    """Whether the session has all tests, those marked slow left out or not."""
    chosen = [config.getoption(name, None) for name in PARTS]
    part = any(chosen) or config.option.markexpr not in ("", "not slow")
    return not part and list(config.args) == list(config.getini("testpaths"))


def can_be_met(message: Message) -> bool:
    """Whether what its tests need is installed."""
    for folder, library in OF_EXTRAS.items():
        if message.path.startswith(folder):
            return find_spec(library) is not None
    return True


def unmet(listed: Iterable[Message], places: Places) -> list[Message]:
    """The messages of which no line was run."""
    lines: dict[str, set[int]] = {}
    for path, line in places:
        lines.setdefault(path, set()).add(line)
    return [message for message in listed if not lines.get(message.path, set()) & _lines(message)]


def _lines(message: Message) -> set[int]:
    return set(range(message.first, message.last + 1))
