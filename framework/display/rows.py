"""Rows that a description of a study and a comparison of two share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.results.record import Run
    from framework.study.study import Study


def goal_rows(study: Study) -> dict[str, str]:
    """The study's objectives and constraints, a row each."""
    rows: dict[str, str] = headed("objective", study.objectives)
    for constraint in study.constraints:
        bound = f"{type(constraint).__name__} {constraint.limit:g}"
        rows[f"constraint {constraint.metric}"] = bound
    return rows


def headed(word: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with a word before each name."""
    return {f"{word} {name}": value for name, value in values.items()}


def head_of(run: Run) -> str:
    """The run as a column's head: `19c546d8 trial 3`."""
    number = f" {run.number}" if run.number >= 0 else ""
    return f"{run.run_id[:8]} {run.tags.get('role', '')}{number}"
