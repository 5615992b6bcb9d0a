"""What is made when a study ends: its report, and its page in the MLflow UI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from framework.display.importance import load as load_importance
from framework.display.importance import note_importance
from framework.errors import MachineError
from framework.planning.plan import Plan
from framework.planning.project import study_names
from framework.report import COMPARE, run_report
from framework.report import load as load_report
from framework.results import volume
from framework.results.record import BEST_PREFIX, FRONT_SIZE, HYPERVOLUME
from framework.runner.events import Outcome
from framework.study.overrides import key_of
from framework.study.space import Choice
from framework.study.study import Study
from framework.system import paths
from framework.system.commands import as_typed
from framework.system.refusal import explained
from framework.tracking.store import Store
from framework.tracking.ui import notes, pages, view

LINKS = {
    "chart": "Chart",
    "runs": "Table",
    "compare": "The front side by side",
    "models": "Exported files",
}
TRIAL_ROW = re.compile(r"^\| trial (\d+)\b", re.MULTILINE)


def load(root: Path) -> None:
    """Load the libraries that `conclude` uses, before a study has ended.

    What goes wrong is told by the report that needs them.
    """
    with suppress(Exception):
        load_report(root)
        load_importance()


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
        note_importance(store, outcome)
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
    """Write what a study's own run says of it, and the note on its experiment.

    Its metrics are the front's, its files those of the report, its note leads to its runs.

    Args:
        report: what `framework.report.run_report` returned.
    """
    name, parent = outcome.plan.name, outcome.parent
    store.put(parent, {f"report/{path.name}": path.read_bytes() for path in report.paths})
    store.add(parent, _summary(store, outcome, report.front))
    # a study that had nothing to run has not done so
    view.arrange(store, outcome.plan, outcome.generation)
    text = _note(store, outcome, report)
    # plain: the list of experiments shows marks of Markdown as they are
    title = " ".join(outcome.plan.question.split()) or f"Study {name}"
    notes.write_note(store, name, text, title=title)
    notes.write_note(store, name, text, title=title, run_id=parent)


def _summary(store: Store, outcome: Outcome, front: Any) -> dict[str, float]:
    """The front as metrics: its best value of each objective, its size, its hypervolume.

    Args:
        front: one row a trial.
    """
    study = outcome.plan.study
    points = front.to_dict("records")
    values: dict[str, float] = {FRONT_SIZE: float(len(points))}
    for name, direction in study.objectives.items():
        # a trial may lack one that an earlier version of a metric measured
        measured = [float(point[name]) for point in points if point.get(name) is not None]
        if measured:
            values[BEST_PREFIX + name] = max(measured) if direction == "max" else min(measured)
    # a net that another study trained has its run there, and the front then no volume
    dense = _dense(store, outcome)
    axes = volume.axes_of(study.objectives, dense, outcome.plan.task)
    if axes:
        values[HYPERVOLUME] = volume.volume_of(points, axes)
    return values


def _dense(store: Store, outcome: Outcome) -> dict[str, float]:
    """The metrics of the study's first baseline; none where another study trained it."""
    digest = outcome.plan.study.digest
    baselines = store.runs(outcome.plan.name, role="baseline", study_digest=digest)
    finished = [run for run in baselines if run.status == "FINISHED"]
    return dict(finished[0].metrics) if finished else {}


def _note(store: Store, outcome: Outcome, report: Any) -> str:
    """What stands below the study's question."""
    addresses = pages.addresses(store, outcome.plan.name)
    # a study's own run lists no runs: MLflow knows which belong to it, and shows it of them alone
    addresses["children"] = pages.children(store, outcome.plan.name, outcome.parent)
    shown = {**LINKS, "children": "Its runs"}
    links = [f"[{text}]({addresses[page]})" for page, text in shown.items() if page in addresses]
    blocks = [" · ".join(links), _linked(_spaced(report.table), store, outcome)]
    blocks += [_figure(outcome.parent, path) for path in report.paths if path.suffix == ".svg"]
    has_file = outcome.plan.name in study_names(store.root)
    blocks.append(as_typed(_how_to_go_on(outcome.plan, has_file=has_file), store.root))
    return "\n\n".join(filter(None, blocks))


def _linked(table: str, store: Store, outcome: Outcome) -> str:
    """The table with each trial's name leading to its run."""
    identity = {
        "study_digest": outcome.plan.study.digest,
        "generation": str(outcome.generation),
    }
    runs = {run.number: run for run in store.runs(outcome.plan.name, role="trial", **identity)}

    def link(row: re.Match[str]) -> str:
        run = runs.get(int(row[1]))
        return f"| [trial {row[1]}]({pages.run_page(store, run)})" if run else row[0]

    return TRIAL_ROW.sub(link, table)


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
    return f"![{path.stem}]({pages.artifact_address(run_id, f'report/{path.name}')})"


def _set(settings: Sequence[str]) -> str:
    return f' SET="{" ".join(settings)}"' if settings else ""
