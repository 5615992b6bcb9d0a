"""The addresses of a study's pages in the MLflow UI."""

from __future__ import annotations

import json
from urllib.parse import quote

from framework.results.record import Run
from framework.tracking.store import PARENT_TAG, Store
from framework.tracking.ui.view import METRIC_TAG, VIEW, VIEW_TAG

PAGES = "workflowType=machine_learning"  # MLflow otherwise opens on pages for language models
EXPERIMENTS = f"#/experiments?{PAGES}"  # the list of all studies


def addresses(store: Store, study: str) -> dict[str, str]:
    """The study's pages, by what they show, as paths in the MLflow UI.

    Returns:
        `runs`; `chart` once a study has been arranged; `compare` once its front holds two runs;
        `models`, the exported files.
    """
    tags = store.ui_tags(study)
    experiment = store.experiment(study)
    runs = f"#/experiments/{experiment}/runs?{PAGES}"
    pages = {"runs": runs}
    # an experiment that was never arranged has no such view to open
    if VIEW_TAG in tags:
        pages["runs"] = f"{runs}&viewStateShareKey={VIEW}"
        pages["chart"] = f"{pages['runs']}&compareRunsMode=CHART"
    best = front(store, study)
    if len(best) > 1:
        pages["compare"] = _comparison(best, experiment)
    pages["models"] = f"#/experiments/{experiment}/models?{PAGES}"
    return pages


def children(store: Store, study: str, parent: str) -> str:
    """The page that lists the runs of one session's parent.

    Args:
        parent: its run id.
    """
    wanted = quote(f"tags.`{PARENT_TAG}` = '{parent}'")
    return f"#/experiments/{store.experiment(study)}/runs?{PAGES}&searchFilter={wanted}"


def run_page(store: Store, run: Run) -> str:
    """The page of one run."""
    return f"#/experiments/{store.experiment(run.tags['study'])}/runs/{run.run_id}?{PAGES}"


def _comparison(runs: list[Run], experiment: str) -> str:
    run_ids = _quoted([run.run_id for run in runs])
    return f"#/compare-runs?runs={run_ids}&experiments={_quoted([experiment])}&{PAGES}"


def _quoted(ids: list[str]) -> str:
    """Ids as a JSON list in an address."""
    return quote(json.dumps(ids, separators=(",", ":")))


def artifact_address(run_id: str, name: str) -> str:
    """Where the MLflow UI serves an artifact, seen from its pages."""
    return f"get-artifact?path={quote(name, safe='')}&run_uuid={run_id}"


def front(store: Store, study: str) -> list[Run]:
    """The front of the study as it was run last, best first by the primary metric."""
    tags = store.ui_tags(study)
    parents = store.runs(study, role="study")
    if not parents:
        return []
    last = parents[-1].tags
    metric = tags.get(f"{METRIC_TAG}name", "")
    sign = -1 if tags.get(f"{METRIC_TAG}greaterIsBetter") == "True" else 1
    runs = store.runs(
        study,
        role="trial",
        pareto="true",
        study_digest=last.get("study_digest", ""),
        generation=last.get("generation", ""),
    )
    return sorted(runs, key=lambda run: sign * run.metrics.get(metric, 0.0))
