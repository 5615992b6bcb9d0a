"""The study's page in the MLflow UI: its question, its front, how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from framework.study import Outcome
from framework.tracking import Store


def publish(store: Store, outcome: Outcome, report: Any) -> None:
    """Write the note on experiment and parent run, and hang the report's files on the parent.

    Args:
        report: what `framework.report.run_report` returned.
    """
    plan = outcome.plan
    others = [setting for setting in plan.overrides if setting.partition("=")[0].strip() != "trials"]
    more = _set([*others, f"trials={2 * plan.study.trials}"])
    lines = [
        f"# {plan.name}",
        plan.question,
        report.table,
        f"Go on with more trials: `make study NAME={plan.name}{more}`  ",
        f"Tables and figures again: `make report NAME={plan.name}{_set(others)}`",
    ]
    text = "\n\n".join(lines)
    store.note(plan.name, text)
    store.note(plan.name, text, run_id=outcome.parent)
    store.put(outcome.parent, {f"report/{path.name}": path.read_bytes() for path in report.paths})


def _set(settings: Sequence[str]) -> str:
    return f' SET="{" ".join(settings)}"' if settings else ""
