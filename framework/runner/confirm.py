"""The only place that opens a test split.

For one trial's file, after a run of its own is in the store.
"""

from __future__ import annotations

import json
from pathlib import Path

from framework.contracts.catalog import Catalog
from framework.contracts.data import Ticket
from framework.contracts.net import Stage
from framework.errors import UserError
from framework.planning.parts import dataset_of
from framework.results import record
from framework.results.record import Record, Run
from framework.runner import measurement
from framework.runner.baseline import Lab, unpack_weights
from framework.study.spec import Spec, spec_from_json
from framework.tracking.lookup import Asked, trial_run
from framework.tracking.store import Store

# of a trial's run, that the run of a look at the test split has as well
COMMON_TAGS = (
    "dataset", "architecture", "strategy", "seed", "study_digest", "generation", "trial",
)  # fmt: skip


def confirm(study: Asked, root: Path, *, number: int, catalog: Catalog) -> list[str]:
    """Measure a trial's logged file on the test split.

    Every look is logged, so that looks can be counted.

    Args:
        number: of the trial.

    Returns:
        Lines for the terminal.

    Raises:
        UserError: there is no such trial, or it failed, so there is no file.
    """
    store = Store.open(root, create=False)
    run = _trial(store, study, number)
    spec = spec_from_json(json.loads(store.artifact(run.run_id, record.SPEC_JSON)))
    weights = store.artifact(run.run_id, record.WEIGHTS_NPZ)
    file = store.artifact(run.run_id, record.MODEL_TFLITE)
    earlier = len(store.runs(study.name, role="confirm", spec_digest=spec.digest))
    # before the split is opened: a look that fails has been a look
    run_id = store.begin(
        study.name,
        role="confirm",
        name=f"confirm trial {number}",
        tags=_tags(run, spec),
        params=run.params,
    )
    try:
        lab = Lab(root, catalog)
        stage = lab.initial(spec).with_weights(unpack_weights(weights))
        metrics = _measure(file, stage, spec, ticket=Ticket(run_id, spec.digest), lab=lab)
    except KeyboardInterrupt:
        store.close(run_id, "KILLED", reason="interrupted")
        raise
    except BaseException:
        store.close(run_id, "FAILED", reason="exception")
        raise
    store.finish(run_id, Record(metrics=metrics))
    # how often this was looked at belongs to the numbers: the best of many looks is no test
    lines = [f"{name} {record.decimals(value)}" for name, value in metrics.items()]
    looks = f"look {earlier + 1} at the test split for this configuration"
    return [*lines, f"({looks}; run {run_id})"]


def _tags(run: Run, spec: Spec) -> dict[str, str]:
    """What the run of a look has in common with the trial's."""
    tags = {"spec_digest": spec.digest, "host": run.tags.get("host", "")}
    for name in COMMON_TAGS:
        tags[name] = run.tags.get(name, "")
    return tags


def _trial(store: Store, study: Asked, number: int) -> Run:
    run = trial_run(store, study, number)
    if run.status == "FAILED":
        raise UserError(
            f"Trial {number} of {study.name} failed, so it has no file to measure.",
            given=f"Reason: {run.tags.get('reason', 'unknown')}.",
            todo="Choose a trial of the table.",
        )
    return run


def _measure(
    file: bytes, stage: Stage, spec: Spec, *, ticket: Ticket, lab: Lab
) -> dict[str, float]:
    """The metrics that depend on samples, on the test split."""
    samples = dataset_of(spec, lab.catalog, lab.root).load_sealed(
        lab.root, lab.shapes(spec), ticket
    )
    exported = measurement.evaluate(file, stage, samples, info=lab.info(spec))
    values = measurement.take_metrics(exported, lab.catalog, split="test")
    return {name: value for name, value in values.items() if name.startswith("test_")}
