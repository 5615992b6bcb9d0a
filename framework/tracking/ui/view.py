"""What the MLflow UI opens a study with: the metric that it charts first, and a saved view.

The saved view is MLflow's own mechanism: an experiment tag `mlflow.sharedViewState.KEY`, which its
menu "Views" lists and an address with `viewStateShareKey=KEY` opens. An experiment has no other say
in what its page shows: opened from the list, it has MLflow's own columns and charts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from framework.results.quantities import spanned
from framework.results.record import PREFIX, drop_of
from framework.study.space import Choice
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.planning.plan import Plan
    from framework.study.study import Study

VIEW = "front"  # the saved view's key in addresses
VIEW_TAG = f"sharedViewState.{VIEW}"
METRIC_TAG = "experiment.primaryMetric."
# the first two columns are always there: beside them there has to be room for what counts
NAME_COLUMN, CREATED_COLUMN = "attributes.`Run Name`", "runDateAndNestInfo"
WIDTHS = {NAME_COLUMN: 330, CREATED_COLUMN: 110}
SECTION = "trials"
CARD_PIXELS = 480  # height of a chart
CHART_SECTION = {
    "uuid": SECTION,
    "name": "Trials",
    "display": True,
    "isReordered": False,
    "columns": 2,
    "cardHeight": CARD_PIXELS,
    "deleted": False,
    "isGenerated": False,
}
IN_SECTION = {
    "runsCountToCompare": 100,
    "metricSectionId": SECTION,
    "deleted": False,
    "isGenerated": False,
}


def arrange(store: Store, plan: Plan, generation: int) -> None:
    """Set what the experiment's page shows.

    Its kind, the metric it charts first, and a saved view of these trials.
    """
    metric, direction = _primary(plan.study)
    state = _view(plan.study, generation, plan.task)
    now = time.time_ns() // 1_000_000
    saved = {"name": "Front", "createdAt": now, "updatedAt": now, "state": json.dumps(state)}
    kind = {"experimentKind": "custom_model_development"}
    first = {f"{METRIC_TAG}name": metric, f"{METRIC_TAG}greaterIsBetter": str(direction == "max")}
    store.set_ui_tags(plan.name, kind | first | {VIEW_TAG: json.dumps(saved)})


def _primary(study: Study) -> tuple[str, str]:
    """The objective that a study states first, and its direction."""
    return next(iter(study.objectives.items()))


def _view(study: Study, generation: int, task: str) -> dict[str, Any]:
    """The table of the trials, best first, and their charts, in the form MLflow saves a view."""
    metric, direction = _primary(study)
    columns = list(_columns(study, task))
    # MLflow documents none of these names: a test looks for each in the scripts it ships.
    return {
        "searchFilter": _search_filter(study, generation),
        "orderByKey": f"metrics.`{metric}`",
        "orderByAsc": direction == "min",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": columns,
        "columnOrder": [*WIDTHS, *columns],
        "columnWidths": WIDTHS,
        "runsHiddenMode": "SHOW_ALL",
        "compareRunSections": [CHART_SECTION],
        # as they stand here: MLflow would sort them, and begin with those of the baseline's metrics
        "isAccordionReordered": True,
        "compareRunCharts": _charts(study, task),
    }


def _search_filter(study: Study, generation: int) -> str:
    """The trials of this generation, with their baselines and controls, in MLflow's words."""
    conditions = (
        f"tags.`{PREFIX}study_digest` LIKE '{study.digest[:8]}%'",
        f"tags.`{PREFIX}generation` = '{generation}'",
        f"tags.`{PREFIX}role` != 'study'",
        # trained under other seeds, to be looked at on test: no rivals of the trials
        f"tags.`{PREFIX}role` != 'confirm'",
    )
    return " AND ".join(conditions)


def _columns(study: Study, task: str) -> Iterator[str]:
    """Quality, size and method first, then what was set, then what else tells runs apart."""
    size, quality = spanned(study.objectives, task)
    for metric in dict.fromkeys([quality, size]):
        yield f"metrics.`{metric}`"
    yield f"tags.`{PREFIX}strategy`"
    for parameter in study.searched:
        yield f"params.`{parameter}`"
    others = dict.fromkeys([*study.objectives, drop_of(task)])
    for metric in others:
        if metric not in (quality, size):
            yield f"metrics.`{metric}`"
    for tag in ("role", "seed", "pareto"):
        yield f"tags.`{PREFIX}{tag}`"


def _charts(study: Study, task: str) -> list[dict[str, Any]]:
    """Quality against size, and how each searched parameter leads to quality."""
    size, quality = spanned(study.objectives, task)
    scatter = {
        "uuid": "front",
        "type": "SCATTER",
        "xaxis": {"key": size, "type": "METRIC"},
        "yaxis": {"key": quality, "type": "METRIC"},
    }
    charts = [scatter | IN_SECTION]
    # a chart of paths with gaps is better than none
    if names := _of_all(study) or list(study.searched):
        paths = {"selectedParams": names, "selectedMetrics": [quality], "showAllRuns": False}
        charts.append({"uuid": "parameters", "type": "PARALLEL", **paths, **IN_SECTION})
    return charts


def _of_all(study: Study) -> list[str]:
    """The searched parameters that every trial has.

    A line of the chart of paths needs a value of each.
    """
    names = list(study.searched)
    for path, part in study.architecture_and_steps():
        # its knobs are those of one alternative, and None has no name either
        if isinstance(part, Choice):
            names = [name for name in names if not name.startswith(f"{path}.")]
            if None in part.options and path in names:
                names.remove(path)
    return names
