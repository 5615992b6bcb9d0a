"""The only place that opens a test split.

For one file, after a run that says so is in the store.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from framework.contracts.data import Ticket
from framework.planning.parts import dataset_of
from framework.results import looks, record
from framework.results.edited import read_metrics
from framework.runner import measurement
from framework.runner.baseline import unpack_weights
from framework.runner.confirm.asked import spec_of
from framework.system import interrupt

if TYPE_CHECKING:
    from framework.contracts.net import Stage
    from framework.results.record import Run
    from framework.runner.baseline import Lab
    from framework.study.spec import Spec
    from framework.tracking.store import Store


def look_once(run: Run, store: Store, lab: Lab) -> None:
    """Measure a net that was trained to be confirmed, on the test split; never a second time.

    Whatever ends it in its middle, it has been a look: the run says so before the split is opened.

    Args:
        run: finished, and not looked at.
    """
    spec = spec_of(store, run)
    weights = store.artifact(run.run_id, record.WEIGHTS_NPZ)
    file = store.artifact(run.run_id, record.MODEL_TFLITE)
    measured = read_metrics(store.artifact(run.run_id, record.METRICS_JSON))
    # a first Ctrl-C waits for the answer, which takes seconds and could not be asked for again
    with interrupt.held():
        store.tag(run.run_id, **{looks.LOOK: looks.OPENED})
        metrics = on_test(file, weights, spec, run_id=run.run_id, lab=lab)
        content = json.dumps({**measured, **metrics}, indent=1, sort_keys=True).encode()
        # before the store: what a kill keeps from it is read here
        store.put(run.run_id, {record.METRICS_JSON: content})
        store.add(run.run_id, metrics)


def on_test(file: bytes, weights: bytes, spec: Spec, *, run_id: str, lab: Lab) -> dict[str, float]:
    """The metrics that depend on samples, on the test split.

    Args:
        run_id: of the look, which is in the store.
    """
    stage: Stage = lab.initial(spec).with_weights(unpack_weights(weights))
    ticket = Ticket(run_id, spec.digest)
    samples = dataset_of(spec, lab.catalog, lab.root).load_sealed(
        lab.root, lab.shapes(spec), ticket
    )
    exported = measurement.evaluate(file, stage, samples, info=lab.info(spec))
    values = measurement.take_metrics(exported, lab.catalog, split="test")
    return {name: value for name, value in values.items() if name.startswith(looks.PREFIX)}
