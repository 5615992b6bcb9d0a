"""What a study file may hold.

A study is a value and no program: it is read by its syntax tree, and what is run of it can neither
reach nor call anything but the names that `framework` has for studies.
"""

from __future__ import annotations

import ast
from pathlib import Path

from framework.errors import InvalidStudy, UnknownName
from framework.system.git_lfs import check_fetched

ACTIONS = ("load", "run")  # for scripts and notebooks
IMPORTABLE = ["AtLeast", "AtMost", "Choice", "Float", "Int", "Study", "Train", "Use", "use"]
SHOWN_CHARACTERS = 90
SIZE_LIMIT = 1_000_000  # bytes; shipped ones have about a thousand
FORM = "It holds one docstring, imports from framework, and STUDY = Study(...)."
VALUES = (
    "In STUDY = Study(...) stand numbers, texts, lists, dicts and calls of what is imported from "
    "framework. Write each value out, as Choice(0.5, 0.7, 0.9)."
)
PLAIN = (ast.Constant, ast.List, ast.Tuple, ast.Load, ast.keyword, ast.Name)
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.UAdd, ast.USub)


def parsed(path: Path, where: str) -> ast.Module:
    """The syntax tree of a study file, which is a value.

    Args:
        where: the file, for messages.

    Raises:
        DataUnavailable: it is a pointer of Git LFS.
        InvalidStudy: it is no Python, or more than a docstring, imports and `STUDY = ...`.
        UnknownName: it imports what `framework` does not have.
    """
    tree = _tree(path, where)
    if not ast.get_docstring(tree):
        raise InvalidStudy(
            f"{where} has no docstring.",
            todo="Begin it with the question it asks, its source and its cost.",
        )
    # what stands on either side of a wrong line does not matter: nothing has run yet
    for node in tree.body[1:]:
        if isinstance(node, ast.ImportFrom) and _is_ours(node):
            _check_import(node, where)
        elif not _sets_study(node):
            raise _program(node, where, FORM)
        for part in ast.walk(node):
            if isinstance(node, ast.Assign) and not _is_value(part):
                raise _program(part, where, VALUES)
    return tree


def imported(tree: ast.Module) -> dict[str, str]:
    """What each name in a checked file is called in `framework`."""
    names: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "framework":
            for alias in node.names:
                names[alias.asname or alias.name] = alias.name
    return names


def assignments(tree: ast.Module) -> ast.Module:
    """The part of a checked file that is run."""
    settings = [node for node in tree.body if isinstance(node, ast.Assign)]
    return ast.Module(body=list[ast.stmt](settings), type_ignores=[])


def _tree(path: Path, where: str) -> ast.Module:
    try:
        # before anything in it runs; where it cannot be read, the refusal below says so
        check_fetched(path)
        content = path.read_bytes() if path.stat().st_size <= SIZE_LIMIT else None
    except OSError as error:
        raise InvalidStudy(
            f"{where} cannot be read: {error.strerror}.",
            given=f"Path: {path}.",
            todo="See whose it is with ls -l, and change it with chmod or chown.",
        ) from error
    if content is None:
        raise InvalidStudy(
            f"{where} is no study: it is larger than {SIZE_LIMIT:,} bytes.",
            given=f"Given: {path.stat().st_size:,} bytes.",
            todo=FORM,
        )
    try:
        return ast.parse(content.decode(), filename=where)
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
    except (RecursionError, MemoryError) as error:
        raise InvalidStudy(f"{where} is nested too deeply to be read.", todo=FORM) from error


def _is_ours(node: ast.ImportFrom) -> bool:
    return not node.level and node.module in ("framework", "__future__")


def _check_import(node: ast.ImportFrom, where: str) -> None:
    for alias in node.names if node.module == "framework" else ():
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


def _sets_study(node: ast.stmt) -> bool:
    """Whether it is `STUDY = ...` and sets nothing else."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == "STUDY"


def _is_value(node: ast.AST) -> bool:
    """Whether a part of `STUDY = ...` is a literal, a known name, or a call of one."""
    match node:
        case ast.Call():
            unpacked = any(keyword.arg is None for keyword in node.keywords)
            return isinstance(node.func, ast.Name) and not unpacked
        case ast.Dict():
            return None not in node.keys
        case ast.BinOp():
            # of numbers only: a text times a number fills the memory, and so do powers
            numbers = _is_number(node.left) and _is_number(node.right)
            return numbers and isinstance(node.op, ARITHMETIC)
        case ast.UnaryOp():
            return _is_number(node.operand) and isinstance(node.op, ARITHMETIC)
        case ast.Assign():
            return True
    return isinstance(node, (*PLAIN, *ARITHMETIC, ast.Store))


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float))
    return isinstance(node, (ast.BinOp, ast.UnaryOp))


def _program(node: ast.AST, where: str, todo: str) -> InvalidStudy:
    line = getattr(node, "lineno", 0)
    try:
        text = ast.unparse(node).splitlines()[0]
    except RecursionError:
        text = "(nested deeply)"
    return InvalidStudy(
        f"{where}, line {line}: a study file is a value, not a program.",
        given=f"    {text[:SHOWN_CHARACTERS]}",
        todo=todo,
    )
