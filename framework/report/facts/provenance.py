"""From each row of a table to its run."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import matplotlib
import pandas as pd

from framework.report.frame import StudyRuns, picked
from framework.results.record import Run

ORIGIN_TAGS = ("host", "git", "dirty", "attempt", "spec_digest", "baseline")


def provenance(runs: StudyRuns) -> dict[str, Any]:
    """From each row to its run: run id, host, code revision, start, seconds."""
    trials = {}
    for run in runs.trials:
        # as text at once: JSON makes text of a number as well, but only after it has sorted
        trials[str(run.number)] = _origin(run)
    # ids alone would not say which generation of which digest these runs are of
    return {
        "study": runs.name,
        "study_digest": runs.parent.tags.get("study_digest", ""),
        "generation": runs.parent.tags.get("generation", ""),
        "parent": _origin(runs.parent),
        "baselines": list(map(_origin, runs.baselines)),
        "controls": list(map(_origin, runs.controls)),
        "trials": trials,
        "environment": runs.study.get("environment", {}),
        "report": {
            "squeezelab": version("squeezelab"),
            "matplotlib": matplotlib.__version__,
            "pandas": pd.__version__,
        },
    }


def _origin(run: Run) -> dict[str, Any]:
    start = datetime.fromtimestamp(run.start_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return {
        "run_id": run.run_id,
        "status": run.status,
        "start": start,
        "seconds": run.metrics.get("seconds"),
    } | picked(run.tags, ORIGIN_TAGS)
