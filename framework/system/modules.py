"""Python files of a project's own, loaded by their paths: a project is no package."""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from framework.errors import InvalidValue, SqueezelabError, last_line


def module_at(path: Path, name: str, where: str) -> ModuleType:
    """The module that a file is, run now.

    Args:
        name: of the module, which no other file may have in this process.
        where: the file as its author knows it, as `plugins/mine.py`.

    Raises:
        InvalidValue: whatever the file raises, with its line.
        SqueezelabError: one of ours that it raises, with the file.
    """
    module = ModuleType(name)
    module.__file__ = str(path)
    # dataclasses look their module up there
    sys.modules[name] = module
    try:
        SourceFileLoader(name, str(path)).exec_module(module)
    except SqueezelabError as error:
        error.add_note(f"In {where}.")
        raise
    # a file that ends Python would end each command without a word
    except (Exception, SystemExit) as error:
        raise InvalidValue(
            f"{where} does not load.",
            given=f"{type(error).__name__}: {error}{_line(error, path)}",
            todo="Mend the file.",
        ) from error
    return module


def _line(error: BaseException, path: Path) -> str:
    """Where in the file, as ` (line 3)`."""
    if isinstance(error, SyntaxError):
        return ""  # its own text has the line
    line = last_line(error, str(path))
    return f" (line {line})" if line else ""
