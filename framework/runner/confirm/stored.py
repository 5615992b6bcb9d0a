"""The stored file of a trial, measured on the sealed test split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from framework.results import looks, record
from framework.results.record import Record
from framework.runner.baseline import Lab
from framework.runner.confirm.asked import spec_of
from framework.runner.confirm.look import on_test
from framework.tracking.lookup import Asked, finished_trial
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.results.record import Run
    from framework.study.spec import Spec

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
    run = finished_trial(store, study, number)
    spec = spec_of(store, run)
    weights = store.artifact(run.run_id, record.WEIGHTS_NPZ)
    file = store.artifact(run.run_id, record.MODEL_TFLITE)
    earlier = store.runs(study.name, role=looks.ROLE, spec_digest=spec.digest)
    count = sum(map(looks.has_looked, earlier)) + 1
    # before the split is opened: a look that fails has been a look
    run_id = store.begin(
        study.name,
        role=looks.ROLE,
        name=f"confirm trial {number}",
        tags=_tags(run, spec),
        params=run.params,
    )
    try:
        metrics = on_test(file, weights, spec, run_id=run_id, lab=Lab(root, catalog))
    except KeyboardInterrupt:
        store.close(run_id, "KILLED", reason="interrupted")
        raise
    except BaseException:
        store.close(run_id, "FAILED", reason="exception")
        raise
    store.finish(run_id, Record(metrics=metrics))
    # how often this was looked at belongs to the numbers: the best of many looks is no test
    lines = [f"{name} {record.decimals(value)}" for name, value in metrics.items()]
    told = f"look {count} at the test split for this configuration"
    return [*lines, f"({told}; run {run_id})"]


def _tags(run: Run, spec: Spec) -> dict[str, str]:
    """What the run of a look has in common with the trial's."""
    tags = {"spec_digest": spec.digest, "host": run.tags.get("host", "")}
    for name in COMMON_TAGS:
        tags[name] = run.tags.get(name, "")
    return tags
