"""What the store and the file know of a run: all that its card shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.errors import SqueezelabError
from framework.nn import tflite
from framework.results import looks, record
from framework.results.record import Run
from framework.results.replicates import configuration_of, without_seed
from framework.study.spec import Spec, spec_from_json
from framework.tracking.store import Store


@dataclass(frozen=True)
class Facts:
    """All that a card shows.

    Args:
        file: name of the file next to the card.
        size: its bytes; `digest`: its sha256.
        study: content of the parent's `study.json`; empty if there is none.
        data: sizes of the splits.
        looks: finished `confirm` runs of this file, oldest first.
        confirmed, dense_confirmed: nets of this configuration, and dense nets, that were trained
            under new seeds and measured on test.
    """

    file: str
    size: int
    digest: str
    run: Run
    spec: Spec
    study: Mapping[str, Any]
    data: Mapping[str, Any]
    looks: Sequence[Run]
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    confirmed: Sequence[Run] = ()
    dense_confirmed: Sequence[Run] = ()


def gather(store: Store, run: Run, content: bytes, name: str) -> Facts:
    """What the store and the file know of a run.

    Args:
        content: the file.
        name: under which it is handed out.
    """
    spec = spec_from_json(json.loads(store.artifact(run.run_id, record.SPEC_JSON)))
    confirms = store.runs(run.tags["study"], role=looks.ROLE)
    of_file = [look for look in confirms if look.tags.get("spec_digest") == spec.digest]
    inputs, outputs = tflite.signature.ports(content)
    return Facts(
        file=name,
        size=len(content),
        digest=_stored_digest(store, run),
        run=run,
        spec=spec,
        study=_study_json(store, run),
        data=store.data(run.run_id),
        looks=[look for look in of_file if look.status == "FINISHED" and looks.of_test(look)],
        inputs=inputs,
        outputs=outputs,
        confirmed=_confirmed(confirms, spec),
        dense_confirmed=_confirmed(confirms, spec.dense()),
    )


def _confirmed(confirms: Iterable[Run], spec: Spec) -> list[Run]:
    """Those that differ from a spec by their seed alone."""
    asked = without_seed(spec.parameters())
    return [run for run in looks.confirmed(confirms) if configuration_of(run) == asked]


def _stored_digest(store: Store, run: Run) -> str:
    """The sha256 of the file, as the run's manifest has it."""
    for line in json.loads(store.artifact(run.run_id, record.MANIFEST_JSON)):
        if line["name"] == record.MODEL_TFLITE:
            return str(line["sha256"])
    raise SqueezelabError("The manifest names no file.", given=f"Run: {run.run_id} ({run.name}).")


def _study_json(store: Store, run: Run) -> dict[str, Any]:
    """The study as its newest parent run noted it; empty if none did."""
    parents = store.runs(
        run.tags["study"],
        role="study",
        study_digest=run.tags.get("study_digest", ""),
        generation=str(run.generation),
    )
    # one that was killed before it had written its files has no note to read
    for parent in reversed(parents):
        if store.has_manifest(parent.run_id):
            return dict(json.loads(store.artifact(parent.run_id, record.STUDY_JSON)))
    return {}
