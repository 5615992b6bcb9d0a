"""How dense the code is: what one reads at once, as figures with their definitions.

Lines of code are those that are neither empty nor a comment. A comprehension is one of a list, set
or dict, or a generator expression. A function's lines run from its `def` to its end.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import quantiles

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("framework", "reports", "studies", "docs", "benchmarks")

MOST_LINES = 400  # of a file
MOST_FUNCTION_LINES, MOST_FUNCTION_LINES_P90 = 45, 20
MOST_COMPREHENSIONS = 25  # in 1 000 lines of code
MOST_IN_A_STATEMENT = 2
LONG_LINES = 15  # a function of more has a comment where its reasons are not in its lines
LEAST_COMMENTS = 5  # in 100 lines of code of long functions
MOST_EMPTY_NAMES = 1  # in 100 assigned names

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = (*FUNCTIONS, ast.ClassDef, ast.For, ast.While, ast.If, ast.With, ast.Try, ast.Match)
# names of locals that say nothing of what they hold
EMPTY_NAMES = {"found", "item", "own", "given", "known", "rest", "some", "few"}


@dataclass(frozen=True)
class Source:
    """One file."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))

    @cached_property
    def comments(self) -> dict[int, str]:
        """Line -> the comment on it."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    def code_lines(self, first: int = 1, last: int | None = None) -> int:
        """Of the whole file, or from one line to another."""
        stripped = [line.strip() for line in self.lines[first - 1 : last]]
        return sum(1 for line in stripped if line and not line.startswith("#"))

    def comprehensions(self) -> list[ast.AST]:
        return [node for node in self.nodes if isinstance(node, COMPREHENSIONS)]

    def functions(self) -> list[ast.AST]:
        return [node for node in self.nodes if isinstance(node, FUNCTIONS)]

    def statements(self) -> Iterator[ast.stmt]:
        """Those that hold no other."""
        for node in self.nodes:
            if isinstance(node, ast.stmt) and not isinstance(node, BLOCKS):
                yield node

    def assigned_names(self) -> list[str]:
        names = [node for node in self.nodes if isinstance(node, ast.Name)]
        return [name.id for name in names if isinstance(name.ctx, ast.Store)]

    def where(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(ROOT)}:{node.lineno}"


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return [Source(path) for path in sorted(paths) if "out" not in path.parts]


def length(function: ast.AST) -> int:
    return function.end_lineno - function.lineno + 1


def docstring_lines(function: ast.AST) -> int:
    first = function.body[0]
    is_docstring = ast.get_docstring(function) is not None
    return first.end_lineno - first.lineno + 1 if is_docstring else 0


def folders(sources: list[Source]) -> dict[Path, list[Source]]:
    by_folder: dict[Path, list[Source]] = {}
    for source in sources:
        by_folder.setdefault(source.path.parent.relative_to(ROOT), []).append(source)
    return by_folder


def test_files_are_short(sources: list[Source]) -> None:
    too_long = {source.path.name for source in sources if len(source.lines) > MOST_LINES}
    assert not too_long


def test_functions_are_short(sources: list[Source]) -> None:
    lengths = {
        source.where(node): length(node) for source in sources for node in source.functions()
    }
    too_long = {where for where, lines in lengths.items() if lines > MOST_FUNCTION_LINES}
    assert not too_long
    assert quantiles(lengths.values(), n=10)[-1] <= MOST_FUNCTION_LINES_P90


def test_comprehensions_are_few(sources: list[Source]) -> None:
    count = sum(len(source.comprehensions()) for source in sources)
    lines = sum(source.code_lines() for source in sources)
    densest = sorted(sources, key=lambda source: len(source.comprehensions()))[-10:]
    assert 1000 * count / lines <= MOST_COMPREHENSIONS, [source.path.name for source in densest]


def test_a_statement_holds_two_comprehensions_at_most_and_none_a_choice(
    sources: list[Source],
) -> None:
    dense = []
    for source in sources:
        for statement in source.statements():
            inside = [node for node in ast.walk(statement) if isinstance(node, COMPREHENSIONS)]
            choices = [
                node for one in inside for node in ast.walk(one) if isinstance(node, ast.IfExp)
            ]
            if len(inside) > MOST_IN_A_STATEMENT or choices:
                dense.append(source.where(statement))
    assert not dense


def test_long_functions_say_why(sources: list[Source]) -> None:
    """By folder: how many comments there are in 100 lines of code of their long functions."""
    for folder, files in folders(sources).items():
        comments = lines = 0
        for source in files:
            for function in source.functions():
                if length(function) - docstring_lines(function) > LONG_LINES:
                    span = range(function.lineno, function.end_lineno + 1)
                    comments += len(source.comments.keys() & span)
                    lines += source.code_lines(span.start, span.stop - 1)
                    lines -= docstring_lines(function)
        assert 100 * comments >= LEAST_COMMENTS * lines, (folder, comments, lines)


def test_no_comment_repeats_its_line(sources: list[Source]) -> None:
    repeated = []
    for source in sources:
        for number, comment in source.comments.items():
            words = set(re.findall(r"[a-z]{3,}", comment.lower()))
            # a comment on a line of its own is about the next one
            beside = source.lines[number - 1].replace(comment, "").strip()
            code = beside or "".join(source.lines[number : number + 1])
            if words and words <= set(re.findall(r"[a-z]{3,}", code.lower())):
                repeated.append(f"{source.path.relative_to(ROOT)}:{number} {comment}")
    assert not repeated


def test_names_of_locals_say_what_they_hold(sources: list[Source]) -> None:
    names = [name for source in sources for name in source.assigned_names()]
    empty = [name for name in names if name in EMPTY_NAMES]
    assert 100 * len(empty) <= MOST_EMPTY_NAMES * len(names)
