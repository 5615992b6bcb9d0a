"""Seeded small errors in given modules, and whether given tests notice them.

    .venv/bin/python -m benchmarks.mutants framework/metrics/_ledger.py \\
        --tests tests/metrics/test_ledger.py
    .venv/bin/python -m benchmarks.mutants framework/nn/training/constraints.py \\
        --tests tests/nn/training --count 100 --seed 1 --timeout 600

An error is one change of one module: a comparison or a sign turned round, a constant one off, `and`
for `or`, `not` added or dropped, `min` for `max`, a statement left out. Each is tried in a copy of
the project in a temporary folder, in a process of its own (TensorFlow does not survive a fork): the
project itself is not touched. One that no test notices is printed with its line: it is either a
hole in the tests or a change that makes no difference, and a person has to say which. Annotations,
decorators and docstrings are left alone. Our own tool, since no other is among the project's
packages; not part of any check.
"""

from __future__ import annotations

import argparse
import ast
import copy
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from benchmarks.shared import parser_of

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (
    ".git",
    ".venv",
    ".cache",
    ".artifacts",
    "mlflow.db*",
    "out",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
)
TURNED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
RENAMED = {
    "min": "max",
    "max": "min",
    "ceil": "floor",
    "floor": "ceil",
    "minimum": "maximum",
    "maximum": "minimum",
    "argmin": "argmax",
    "argmax": "argmin",
    "any": "all",
    "all": "any",
}
NO_CODE = ("annotation", "returns", "decorator_list", "type_params")  # fields of nodes
Node = ast.expr | ast.stmt


@dataclass(frozen=True)
class Mutant:
    """One error.

    Args:
        path: of the module, from the project's folder.
        line: where it begins.
        source: the whole module with the error.
    """

    path: str
    line: int
    source: str


# --- errors ---------------------------------------------------------------------------------------


def mutants(path: str, source: str) -> Iterator[Mutant]:
    """Every error that can be made in a module."""
    for node in _nodes(ast.parse(source)):
        for changed in _changes(node):
            yield Mutant(path, node.lineno, _replaced(source, node, ast.unparse(changed)))


def _nodes(node: ast.AST) -> Iterator[Node]:
    """All that does something: no annotation, decorator or docstring."""
    for name, value in ast.iter_fields(node):
        if name in NO_CODE:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_text(child):
                # others, as a parameter or a keyword, are changed in the expressions inside them
                if isinstance(child, Node):
                    yield child
                yield from _nodes(child)


def _is_text(node: ast.AST) -> bool:
    """A docstring, or an f-string, whose parts have no places of their own."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _changes(node: Node) -> Iterator[ast.AST]:
    """What could replace one node."""
    if isinstance(node, ast.Compare):
        yield _with(node, ops=[TURNED[type(node.ops[0])](), *node.ops[1:]])
    elif isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in TURNED:
        yield _with(node, op=TURNED[type(node.op)]())
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node.value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node.operand
    elif isinstance(node, ast.Name) and node.id in RENAMED:
        yield _with(node, id=RENAMED[node.id])
    elif isinstance(node, ast.Attribute) and node.attr in RENAMED:
        yield _with(node, attr=RENAMED[node.attr])
    # a statement may be left out, and turned round as well
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
    if _may_be_left_out(node):
        yield ast.Pass()


def _other_constants(value: object) -> Iterator[ast.AST]:
    """True and False are integers too: they are turned round, not counted up."""
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)


def _may_be_left_out(node: Node) -> bool:
    return isinstance(node, ast.Raise | ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    )


def _with(node: Node, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _replaced(source: str, node: Node, text: str) -> str:
    """The source with other text for a node; an `if` or a statement goes on as deep as it stood."""
    # a node's columns are counted in bytes
    lines = source.encode().splitlines(keepends=True)
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
    if isinstance(node, ast.stmt):
        text = text.replace("\n", "\n" + " " * node.col_offset)
    elif not isinstance(node, ast.Constant | ast.Name | ast.Attribute):
        # an operator around it may bind more closely
        text = f"({text})"
    changed = [*lines[:first], before + text.encode() + after, *lines[last + 1 :]]
    return b"".join(changed).decode()


def difference(mutant: Mutant, source: str) -> list[str]:
    """The lines that differ, `-` as it is and `+` with the error."""
    lines = difflib.unified_diff(source.splitlines(), mutant.source.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


# --- trying them ----------------------------------------------------------------------------------


def outcome_of(folder: Path, tests: Sequence[str], timeout: float) -> str:
    """`killed`, `survived` or `timeout`, which is as good as killed."""
    # the same examples for every error
    options = ("-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0")
    command = [sys.executable, "-m", "pytest", *options, *tests]
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return "timeout"
    return "survived" if done.returncode == 0 else "killed"


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    options = parser_of(__doc__)
    options.add_argument("modules", nargs="+", help="from the project's folder")
    options.add_argument(
        "--tests", nargs="+", required=True, help="files or folders, as pytest takes them"
    )
    options.add_argument(
        "--count", type=int, default=20, help="errors of all modules together; 0 for every one"
    )
    options.add_argument("--seed", type=int, default=0, help="of the choice")
    options.add_argument(
        "--timeout", type=float, default=300.0, help="seconds of one run of the tests"
    )
    return options


def main() -> None:
    """Try as many as asked, and count."""
    arguments = parser().parse_args()
    sources, possible = {}, list[Mutant]()
    for path in arguments.modules:
        sources[path] = (ROOT / path).read_text("utf-8")
        possible += mutants(path, sources[path])
    count = min(arguments.count or len(possible), len(possible))
    chosen = random.Random(arguments.seed).sample(possible, count)
    print(f"{count} of {len(possible)} possible errors, seed {arguments.seed}.", flush=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "project"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
        # tests that fail anyway would kill every error
        if outcome_of(folder, arguments.tests, arguments.timeout) != "survived":
            parser().exit(1, "The tests do not pass on the code as it is.\n")
        try_all(chosen, sources, folder, arguments)


def try_all(
    chosen: Sequence[Mutant],
    sources: Mapping[str, str],
    folder: Path,
    arguments: argparse.Namespace,
) -> None:
    """Try one error after the other in a copy of the project, and print what came of each."""
    counts = dict.fromkeys(("killed", "timeout", "survived"), 0)
    for mutant in sorted(chosen, key=attrgetter("path", "line")):
        source = sources[mutant.path]
        (folder / mutant.path).write_text(mutant.source, "utf-8")
        outcome = outcome_of(folder, arguments.tests, arguments.timeout)
        (folder / mutant.path).write_text(source, "utf-8")
        counts[outcome] += 1
        print(f"{outcome:9}{mutant.path}:{mutant.line}", flush=True)
        if outcome == "survived":
            # a person has to say whether it makes a difference
            for line in difference(mutant, source):
                print(f"         {line}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()), flush=True)


if __name__ == "__main__":
    main()
