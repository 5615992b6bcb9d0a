"""The errors that benchmarks/mutants.py makes: each one change, in its place, and still Python."""

from __future__ import annotations

import ast

from benchmarks.mutants import difference, mutants

SOURCE = '''"""No error in a docstring, however long: 1 < 2."""


def cut(values: list[int], low: int = 3) -> int:
    """Nor here."""
    if "ü" and low < 1:
        raise ValueError(low)
    return min(values) * (low - 2)
'''
CHANGED = {
    "+def cut(values: list[int], low: int = 4) -> int:",
    "+    if not ('ü' and low < 1):",
    "+    if ('ü' or low < 1):",
    '+    if "ü" and (low <= 1):',
    '+    if "ü" and low < 2:',
    "+        pass",
    "+    return (min(values) / (low - 2))",
    "+    return max(values) * (low - 2)",
    "+    return min(values) * ((low + 2))",
    "+    return min(values) * (low - 3)",
}


def test_every_error_is_one_change_of_one_line() -> None:
    changes = []
    for mutant in mutants("cut.py", SOURCE):
        ast.parse(mutant.source)
        before, after = difference(mutant, SOURCE)
        assert before.startswith("-")
        changes.append(after)
    assert set(changes) == CHANGED
    assert len(changes) == len(CHANGED)


def test_an_error_knows_its_line() -> None:
    lines = [mutant.line for mutant in mutants("cut.py", SOURCE)]
    assert set(lines) == {4, 6, 7, 8}
