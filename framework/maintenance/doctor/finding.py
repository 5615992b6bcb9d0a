"""What a check says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from framework.errors import SqueezelabError
from framework.system.refusal import explained

Level = Literal["ok", "hint", "WRONG"]


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Args:
        level: `ok`; `hint`, which may be left as it is; `WRONG`, which keeps something from
            working.
        what: the thing looked at.
        text: how it is, and what to do about it.
    """

    level: Level
    what: str
    text: str

    def line(self) -> str:
        """For the terminal."""
        return f"{self.level:<6} {self.what}: {self.text}"


def guarded(what: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of a check; an error of ours or the machine's ends it and is a finding too."""
    try:
        yield from check()
    except (SqueezelabError, OSError) as raised:
        error = explained(raised) if isinstance(raised, OSError) else raised
        yield Finding("WRONG", what, " ".join(filter(None, [error.what, error.given, error.todo])))
