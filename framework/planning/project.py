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
from framework.study.spec import Train
from framework.study.study import Study
from framework.system import paths

ACTIONS = ("load", "run")  # for scripts and notebooks
IMPORTABLE = ["AtLeast", "AtMost", "Choice", "Float", "Int", "Study", "Train", "Use", "use"]
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
    return sorted(
        path.stem for path in paths.studies(root).glob("*.py") if not path.stem.startswith("_")
    )


def load_study(root: Path, name: str) -> StudyFile:
    """The study in `studies/NAME.py`.

    Raises:
        UnknownName: no such file.
        InvalidStudy: the file has a syntax error, or is more than a docstring, imports from
            `framework` and `STUDY = ...`.
    """
    if name not in study_names(root):
        raise UnknownName("study", name, study_names(root))
    where = f"studies/{name}.py"
    # by its syntax tree, before anything in it runs
    tree = _parsed(paths.studies(root) / f"{name}.py", where)
    _check_is_value(tree, where)
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


def _executed(tree: ast.Module, where: str) -> dict[str, object]:
    """The names a study file sets; what goes wrong names its line."""
    names: dict[str, object] = {}
    try:
        exec(compile(tree, where, "exec"), names)  # noqa: S102 - checked to be a value
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
        return UnknownName("name", error.name, IMPORTABLE, todo="Import it from framework.")
    return InvalidValue("This study file does not load.", given=f"{type(error).__name__}: {error}")


def _parsed(path: Path, where: str) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=where)
    except SyntaxError as error:
        line = (error.text or "").rstrip()
        raise InvalidStudy(
            f"{where}, line {error.lineno}: {error.msg}.",
            given=f"    {line.strip()}" if line else "",
            todo="Mend the line.",
        ) from error
    except ValueError as error:  # bytes that are not UTF-8, or a null byte
        raise InvalidStudy(
            f"{where} is not UTF-8 text.", given=str(error), todo="Save it as UTF-8."
        ) from error


def _check_import(node: ast.ImportFrom, where: str) -> None:
    for alias in node.names:
        if alias.name in ACTIONS:
            raise InvalidStudy(
                f"{where}, line {node.lineno}: a study file is a value, it does not {alias.name} "
                f"anything.",
                todo=f"Call framework.{alias.name} in a script or a notebook.",
            )
        if alias.name not in IMPORTABLE:
            error = UnknownName("name in framework", alias.name, IMPORTABLE)
            error.add_note(f"In {where}, line {node.lineno}.")
            raise error


def _is_import(node: ast.stmt) -> bool:
    if not isinstance(node, ast.ImportFrom):
        return False
    package = (node.module or "").split(".")[0]
    return package in ("framework", "__future__")


def _sets_study(node: ast.stmt) -> bool:
    """Whether it is `STUDY = ...` and sets nothing else."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == "STUDY"


def _check_is_value(tree: ast.Module, where: str) -> None:
    """A study is a value, not a program.

    One docstring, imports from `framework`, one assignment.
    """
    if not ast.get_docstring(tree):
        raise InvalidStudy(
            f"{where} has no docstring.",
            todo="Begin it with the question it asks, its source and its cost.",
        )
    for node in tree.body[1:]:
        if isinstance(node, ast.ImportFrom) and node.module == "framework":
            _check_import(node, where)
        if not (_is_import(node) or _sets_study(node)):
            raise InvalidStudy(
                f"{where}, line {node.lineno}: a study file is a value, not a program.",
                given=f"    {ast.unparse(node).splitlines()[0]}",
                todo="It holds one docstring, imports from framework, and STUDY = Study(...).",
            )
