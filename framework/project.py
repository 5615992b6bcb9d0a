"""The project on disk: its root, its study files and the values in them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from framework.errors import InvalidStudy, SqueezelabError, UnknownName, UserError
from framework.spec import Study


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


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that has `studies/`.

    Raises:
        UserError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "studies").is_dir():
            return folder
    raise UserError(
        "This is no project: no folder called studies/ here or above.",
        given=f"Looked from: {start}.",
        todo="Change to the project's folder, or make a folder called studies.",
    )


def study_names(root: Path) -> list[str]:
    """All study files, sorted."""
    return sorted(path.stem for path in (root / "studies").glob("*.py") if not path.stem.startswith("_"))


def load_study(root: Path, name: str) -> StudyFile:
    """The study in `studies/NAME.py`.

    Raises:
        UnknownName: no such file.
        InvalidStudy: the file has a syntax error, or is more than a docstring, imports from `framework` and `STUDY = ...`.
    """
    path = root / "studies" / f"{name}.py"
    if name not in study_names(root):
        raise UnknownName("study", name, study_names(root))
    where = f"studies/{name}.py"
    tree = _parsed(path, where)
    _check_is_value(tree, where)
    namespace: dict[str, object] = {}
    try:
        exec(compile(tree, where, "exec"), namespace)
    except SqueezelabError as error:
        error.add_note(f"In {where}.")
        raise
    except Exception as error:
        raise InvalidStudy(f"{where} does not load.", given=f"{type(error).__name__}: {error}") from error
    study = namespace.get("STUDY")
    if not isinstance(study, Study):
        raise InvalidStudy(f"{where} does not set STUDY to a Study.", given=f"STUDY is {study!r}.")
    return StudyFile(name, (ast.get_docstring(tree) or "").split("\n")[0], study)


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
    except UnicodeDecodeError as error:
        raise InvalidStudy(f"{where} is not UTF-8 text.", given=str(error)) from error


def _check_is_value(tree: ast.Module, where: str) -> None:
    """A study is a value, not a program: one docstring, imports from `framework`, one assignment."""
    if not ast.get_docstring(tree):
        raise InvalidStudy(
            f"{where} has no docstring.", todo="Begin it with the question it asks, its source and its cost."
        )
    for node in tree.body[1:]:
        is_import = isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
            "framework",
            "__future__",
        )
        targets = node.targets if isinstance(node, ast.Assign) else []
        is_study = len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == "STUDY"
        if not (is_import or is_study):
            raise InvalidStudy(
                f"{where}, line {node.lineno}: a study file is a value, not a program.",
                given=f"    {ast.unparse(node).splitlines()[0]}",
                todo="It holds one docstring, imports from framework, and STUDY = Study(...).",
            )
