"""The project on disk: its root, its study files and the values in them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path

from framework.errors import (
    InvalidStudy,
    InvalidValue,
    SqueezelabError,
    UnknownName,
    UserError,
    last_line,
)
from framework.planning import study_syntax
from framework.planning.study_syntax import IMPORTABLE
from framework.study.constraints import AtLeast, AtMost
from framework.study.space import Choice, Float, Int
from framework.study.spec import Train, Use, use
from framework.study.study import Study
from framework.system import paths

VALUES = dict(
    zip(IMPORTABLE, (AtLeast, AtMost, Choice, Float, Int, Study, Train, Use, use), strict=True)
)
RESERVED = "Default"
SIGNS = frozenset("@:/\\'\"`")  # NAME:12 is a trial, NAME@DIGEST the folder of a report
ARGUMENTS = {
    "Study": list(map(attrgetter("name"), fields(Study))),
    "Train": list(map(attrgetter("name"), fields(Train))),
}


@dataclass(frozen=True)
class StudyFile:
    """One file of `studies/`.

    Args:
        question: first line of its docstring.
        study: its value `STUDY`, as written.
    """

    name: str
    question: str
    study: Study


def study_names(root: Path) -> list[str]:
    """All study files, sorted."""
    return sorted(path.stem for path in paths.python_files(paths.studies(root)))


def load_study(root: Path, name: str) -> StudyFile:
    """The study in `studies/NAME.py`.

    Raises:
        UnknownName: no such file.
        InvalidStudy: the file has a syntax error, or is more than a docstring, imports from
            `framework` and `STUDY = ...`.
    """
    if name not in study_names(root):
        raise UnknownName("study", name, study_names(root))
    check_name(name)
    where = f"studies/{name}.py"
    tree = study_syntax.parsed(paths.studies(root) / f"{name}.py", where)
    study = _executed(tree, where).get("STUDY")
    if study is None:
        raise InvalidStudy(f"{where} sets no STUDY.", todo="End it with STUDY = Study(...).")
    if not isinstance(study, Study):
        raise InvalidStudy(
            f"{where}: STUDY is not a Study.",
            given=f"Given: {study!r}.",
            todo="Write STUDY = Study(...).",
        )
    return StudyFile(name, (ast.get_docstring(tree) or "").split("\n")[0], study)


def check_name(name: str) -> None:
    """Return if a study can be called so.

    Raises:
        InvalidStudy: MLflow, or a command, means something else by it.
    """
    if name == RESERVED:
        raise InvalidStudy(
            f"A study cannot be called {name!r}: MLflow has an experiment of its own of that name.",
            given=f"Study: {name}.",
            todo="Give it another name.",
        )
    if not name.isprintable() or set(name) & SIGNS:
        raise InvalidStudy(
            "The name of a study has signs that commands, paths or the store read otherwise.",
            given=f"Study: {name!r}.",
            todo="Call it by letters, digits, '_', '-' and '.'.",
        )


def _executed(tree: ast.Module, where: str) -> dict[str, object]:
    """The names a study file sets; what goes wrong names its line."""
    names: dict[str, object] = {"__builtins__": {}}
    names |= {name: VALUES[meant] for name, meant in study_syntax.imported(tree).items()}
    try:
        code = compile(study_syntax.assignments(tree), where, "exec")
        exec(code, names)  # noqa: S102 - checked to be a value, without built-in names
    except Exception as error:  # noqa: BLE001 - whatever a file of the user's raises is told with its line
        line = last_line(error, where)
        explained = error if isinstance(error, SqueezelabError) else _explained(error)
        explained.add_note(f"In {where}, line {line}." if line else f"In {where}.")
        raise explained from None  # a user needs the line, not how exec came to it
    return names


def _explained(error: Exception) -> UserError:
    """Python's own complaint about an argument or a name, with what was probably meant."""
    unexpected = re.search(
        r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", str(error)
    )
    if unexpected and unexpected[1] in ARGUMENTS:
        return UnknownName(f"argument of {unexpected[1]}", unexpected[2], ARGUMENTS[unexpected[1]])
    if isinstance(error, NameError) and error.name:
        todo = "Import it from framework." if error.name in IMPORTABLE else ""
        return UnknownName("name", error.name, IMPORTABLE, todo=todo)
    return InvalidValue("This study file does not load.", given=f"{type(error).__name__}: {error}")
