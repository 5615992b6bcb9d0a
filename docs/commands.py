"""What the command lines of this package share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from framework.cli.base import say, text_of
from framework.contracts import Catalog
from framework.errors import UnknownName, UserError
from framework.system.paths import find_root


class Named(Protocol):
    """What a command line can be asked for by name."""

    @property
    def name(self) -> str:
        """One for each thing."""


T = TypeVar("T", bound=Named)


def command(text: str, what: str, run: Callable[[Path, list[str], Catalog], int]) -> int:
    """A script that is given names; a user's mistake is reported without a traceback.

    Args:
        text: help; of the script.
        what: the names are of.
        run: the project, the names and the plug-ins -> the exit code.
    """
    # raw: the examples in a docstring keep their lines
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar=what)
    names = parser.parse_args().names
    try:
        return run(find_root(Path.cwd()), names, Catalog())
    except UserError as error:
        say(text_of(error))
        return error.exit_code


def chosen(kind: str, names: Iterable[str], things: Iterable[T]) -> list[T]:
    """The things that are named, in the order of the names.

    Args:
        kind: of the things, for the message.

    Raises:
        UnknownName: nothing is called by one of the names.
    """
    by_name = {thing.name: thing for thing in things}
    named = []
    for name in names:
        if name not in by_name:
            raise UnknownName(kind, name, by_name)
        named.append(by_name[name])
    return named
