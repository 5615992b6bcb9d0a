"""What is made when a study ends: its report, and its page in the MLflow UI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from framework.errors import MachineError
from framework.planning.plan import Plan
from framework.planning.project import study_names
from framework.report import COMPARE, run_report
from framework.runner.events import Outcome
from framework.study.overrides import key_of
from framework.study.space import Choice
from framework.study.study import Study
from framework.system import paths
from framework.system.commands import as_typed
from framework.system.refusal import explained
from framework.tracking import mlflow_ui
from framework.tracking.store import Store

LINKS = {"chart": "Chart", "runs": "Table", "compare": "The front side by side"}


def conclude(store: Store, outcome: Outcome, *, root: Path, out: Path) -> Any:
    """Build the report of a study that has ended, and arrange its page in the MLflow UI.

    Args:
        out: folder of the report's files.

    Returns:
        What `framework.report.run_report` returned; `refused` says what could not be written.
    """
    plan = outcome.plan
    place: dict[str, Any] = {"root": root, "out": out, "digest": plan.study.digest}
    report = run_report(store, plan.name, **place, generation=outcome.generation)
    if is_compared(plan.study) and not report.refused:
        compared = run_report(store, plan.name, **place, kind=COMPARE)
        every = sorted({*report.paths, *compared.paths})
        report = replace(report, paths=every, table=compared.table, refused=compared.refused)
    try:
        publish(store, outcome, report)
    # the report is made, and its table is to be shown
    except OSError as error:
        return replace(report, refused=report.refused or explained(error, paths.written(root)))
    except MachineError as error:
        return replace(report, refused=report.refused or error)
    return report


def is_compared(study: Study) -> bool:
    """Whether a study is of several seeds, methods or nets, which are compared when it ends."""
    parts = (study.architecture, *study.compress)
    return study.seeds > 1 or any(isinstance(part, Choice) for part in parts)


def publish(store: Store, outcome: Outcome, report: Any) -> None:
    """Write the note on experiment and parent run, and attach the report's files to the parent.

    Args:
        report: what `framework.report.run_report` returned.
    """
    name = outcome.plan.name
    store.put(outcome.parent, {f"report/{path.name}": path.read_bytes() for path in report.paths})
    # a study that had nothing to run has not done so
    mlflow_ui.arrange(store, outcome.plan, outcome.generation)
    text = _note(store, outcome, report)
    mlflow_ui.write_note(store, name, text)
    mlflow_ui.write_note(store, name, text, run_id=outcome.parent)


def _note(store: Store, outcome: Outcome, report: Any) -> str:
    """Links first: of a note that is folded up the UI shows the first line."""
    pages = mlflow_ui.addresses(store, outcome.plan.name)
    links = [f"[{text}]({pages[page]})" for page, text in LINKS.items() if page in pages]
    blocks = [" · ".join(links)]
    if outcome.plan.question:
        blocks.append(f"**{outcome.plan.question}**")
    blocks.append(_spaced(report.table))
    blocks += [_figure(outcome.parent, path) for path in report.paths if path.suffix == ".svg"]
    has_file = outcome.plan.name in study_names(store.root)
    blocks.append(as_typed(_how_to_go_on(outcome.plan, has_file=has_file), store.root))
    return "\n\n".join(filter(None, blocks))


def _how_to_go_on(plan: Plan, *, has_file: bool) -> str:
    if not has_file:
        return f'In Python: `framework.load("{plan.name}", digest="{plan.study.digest[:8]}")`'
    others = [setting for setting in plan.overrides if key_of(setting) != "trials"]
    more = _set([*others, f"trials={2 * plan.study.trials}"])
    return (
        f"Go on with more trials: `make study NAME={plan.name}{more}`\n\n"
        f"Tables and figures again: `make report NAME={plan.name}{_set(others)}`"
    )


def _spaced(table: str) -> str:
    """A Markdown table with room between its columns: MLflow shows it without any."""
    head, ruler, *rows = table.splitlines()
    return "\n".join([_spaced_row(head), ruler, *map(_spaced_row, rows)])


def _spaced_row(row: str) -> str:
    return re.sub(r" +(?=\|)", "&emsp;", row)


def _figure(run_id: str, path: Path) -> str:
    return f"![{path.stem}]({mlflow_ui.artifact_address(run_id, f'report/{path.name}')})"


def _set(settings: Sequence[str]) -> str:
    return f' SET="{" ".join(settings)}"' if settings else ""
