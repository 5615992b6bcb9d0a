"""Two files on the same samples: whether one of them errs more often than the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework.contracts import Array
from framework.display.rows import head_of
from framework.errors import UserError
from framework.metrics._decisions import decisions
from framework.nn import tflite
from framework.planning.own_plugins import catalog_of
from framework.report.statistics.files import mcnemar
from framework.results.record import MODEL_TFLITE, SPEC_JSON, Run
from framework.study.spec import Spec, spec_from_json
from framework.tracking.lookup import find_run
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.runner.baseline import Lab


@dataclass(frozen=True)
class _Side:
    """A run, its spec and which samples of validation its file is right about."""

    run: Run
    spec: Spec
    right: Array


def answers(root: Path, first: str, second: str) -> str:
    """What the exported files of two runs answer on the validation split, and McNemar's test.

    Args:
        first, second: runs as `lookup.find_run` takes them.

    Raises:
        UserError: a run has no file, they saw other data, or their task has no right answers.
    """
    from framework.runner.baseline import Lab  # data and nets, which nothing else here asks for

    store, lab = Store.open(root, create=False), Lab(root, catalog_of(root))
    one, two = (_side(store, lab, find_run(store, root, name)) for name in (first, second))
    if one.spec.dataset.json() != two.spec.dataset.json():
        raise UserError(
            "Two files are compared on the same samples.",
            given=f"{first} has {one.spec.dataset.name}, {second} {two.spec.dataset.name}, or "
            f"other settings of it.",
            todo="Take two runs of one data set.",
        )
    return _text(one, two, count=len(one.right))


def _side(store: Store, lab: Lab, run: Run) -> _Side:
    if run.status != "FINISHED" or not run.tags.get("spec_digest"):
        raise UserError(
            f"{run.name} has no file that could answer.",
            given=f"It is {run.status}, of role {run.tags.get('role')}.",
            todo="Take a baseline, a control or a trial that finished.",
        )
    spec = spec_from_json(json.loads(store.artifact(run.run_id, SPEC_JSON)))
    info = lab.info(spec)
    if info.task not in ("classes", "binary"):
        raise UserError(
            "Only where answers are right or wrong can they be counted.",
            given=f"{spec.dataset.name} is a {info.task}.",
            todo="Compare the means of several seeds: make report KIND=compare.",
        )
    samples = lab.splits(spec).validation
    outputs = tflite.interpreter.outputs(store.artifact(run.run_id, MODEL_TFLITE), samples)
    return _Side(run, spec, decisions(outputs, info.task) == samples.labels)


def _text(one: _Side, two: _Side, *, count: int) -> str:
    only_one = int((one.right & ~two.right).sum())
    only_two = int((two.right & ~one.right).sum())
    p = mcnemar(one.right.tolist(), two.right.tolist())
    lines = [f"The two files on the {count:,} samples of the validation split:"]
    for side, only in ((one, only_one), (two, only_two)):
        share = f"{100 * side.right.mean():.2f} % right"
        lines.append(f"  {head_of(side.run)}  {share}, {only} of them the other has wrong")
    lines.append(
        f"McNemar's exact test that they err equally often: p = {p:.3g}. It speaks of these two "
        f"files and of no method: methods are compared over seeds, by make report KIND=compare."
    )
    return "\n".join(lines)
