"""How much each knob decides, noted when a study ends: a report draws it and loads no sampler."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING

from framework.results.record import IMPORTANCE_JSON, OPTUNA_JSON
from framework.results.status import objective_values

if TYPE_CHECKING:
    from framework.runner.events import Outcome
    from framework.tracking.store import Store


def load() -> None:
    """Load what Optuna needs for it: scikit-learn, for a second."""
    import_module("optuna.importance")


def note_importance(store: Store, outcome: Outcome) -> None:
    """Write `importance.json` of a study's own run, from all trials that it has finished.

    Not of a grid, whose questions know no ranges: of that `make report KIND=ablation` tells more.
    """
    # loads Optuna, as whoever ran the study has
    from framework.runner.sampler import Observed, importances

    study = outcome.plan.study
    if study.sampler == "grid":
        return
    tags = {"study_digest": study.digest, "generation": str(outcome.generation)}
    observed = []
    runs = store.runs(outcome.plan.name, role="trial", **tags)
    for run in sorted(runs, key=lambda run: run.number):
        if run.status == "FINISHED" and store.complete(run):
            question = store.artifact(run.run_id, OPTUNA_JSON).decode()
            observed.append(Observed(question, objective_values(study, run.metrics), {}))
    noted = json.dumps(importances(study, observed), indent=1, sort_keys=True)
    store.put(outcome.parent, {IMPORTANCE_JSON: noted.encode()})
