"""Every message there is, where it is made, and its words: errors, warnings, doctor's findings.

    .venv/bin/python tests/message_list.py        # make messages

Errors are those of `framework/errors.py` and those that become one of them; warnings are what is
logged as such, said of a user's data, or said to those who watch a study; of findings all but those
that say that something is well. The list is read off the source, so it is never out of date. The
suite compares it with what its tests have met (`tests/messages_support.py`), and lists those that
none of them reaches.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "framework"
# all but the first become one of ours, and have a way out too
ROOTS = ("SqueezelabError", "Unusable", "NoLabels", "NoPictures")
FINDING = "Finding"
WELL = "ok"  # the level of a finding that tells nothing to do
WARNED = {  # what a warning is made by -> where
    "log.warning": "",
    "_log.warning": "",
    "self.say": "framework/datasets/",
    "self._say": "framework/runner/",
    "self.observer.say": "framework/runner/",
}
EXCEPTION = "Exception"  # what a function that makes one may be annotated with
SKIPPED = ("framework/errors.py", "framework/testing/")  # the tree itself; tests


@dataclass(frozen=True)
class Message:
    """One place where an error, a warning or a finding is made.

    Args:
        path: from the repository's folder.
        first, last: lines of the call.
        kind: the class, or the function that makes it; "warning".
        words: its arguments, with {names} where values go in.
    """

    path: str
    first: int
    last: int
    kind: str
    words: tuple[str, ...]

    def line(self) -> str:
        """For the list."""
        return f"{self.path}:{self.first}  {self.kind}\n    " + "\n    ".join(self.words)


def messages(package: Path = PACKAGE) -> list[Message]:
    """All of the package, in the order of files and lines.

    A function that returns an error counts at each place that calls it, and so does the call of
    the class inside it.
    """
    trees = {}
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package.parent).as_posix()
        if not name.startswith(SKIPPED) and "/templates/" not in name:
            trees[name] = ast.parse(path.read_text("utf-8"))
    errors = _classes([ast.parse((package / "errors.py").read_text("utf-8")), *trees.values()])
    makers = errors | _functions(trees.values(), errors)
    listed: list[Message] = []
    for name, tree in trees.items():
        listed += _of_file(name, tree, makers)
    return listed


def _classes(trees: list[ast.Module]) -> set[str]:
    """The names of the tree's classes, those of other modules included."""
    bases: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = set(map(_name, node.bases))
    names = set(ROOTS)
    # a class may stand before the one that it is of
    while more := {name for name, of in bases.items() if of & names} - names:
        names |= more
    return names


def _functions(trees: Iterable[ast.Module], errors: set[str]) -> set[str]:
    """The functions that return an error."""
    names = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and _returned(node) in errors | {EXCEPTION}:
                names.add(node.name)
    return names


def _of_file(path: str, tree: ast.Module, makers: set[str]) -> Iterator[Message]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: node.lineno):
        # `cls.of_file(...)` and the like are calls too; `isinstance(error, X)` names no call of X
        name = _name(call.func)
        where = WARNED.get(ast.unparse(call.func))
        is_warning = where is not None and path.startswith(where)
        if is_warning or name in makers or _is_of_a_fault(call):
            words = [_text(value) for value in (*call.args, *(key.value for key in call.keywords))]
            kind = "warning" if is_warning else name
            yield Message(path, call.lineno, call.end_lineno or call.lineno, kind, tuple(words))


def _is_of_a_fault(call: ast.Call) -> bool:
    """Whether it makes a finding of something that is not well."""
    return _name(call.func) == FINDING and WELL not in map(_text, call.args[:1])


def _returned(function: ast.FunctionDef) -> str:
    return _name(function.returns) if function.returns else ""


def _name(node: ast.AST) -> str:
    """The last word of a name, as `wrong` of `self.wrong`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    """The words of an argument."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if not isinstance(node, ast.JoinedStr):
        return f"{{{ast.unparse(node)}}}"
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            parts.append(f"{{{ast.unparse(part.value)}}}")
        else:
            parts.append(_text(part))
    return "".join(parts)


def main() -> None:
    """Write the list to stdout."""
    listed = messages()
    for message in listed:
        sys.stdout.write(f"{message.line()}\n")
    sys.stderr.write(f"{len(listed)} messages.\n")


if __name__ == "__main__":
    main()
