"""What the MLflow UI shows of a study.

The names of its runs, its note, a saved view, the addresses of its pages.

The saved view is MLflow's own mechanism: an experiment tag `mlflow.sharedViewState.KEY`, which its
menu "Views" lists and an address with `viewStateShareKey=KEY` opens.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from framework.contracts import Catalog
from framework.results.quantities import spanned
from framework.results.record import PREFIX, Run, drop_of
from framework.study.space import Choice, Float, Int
from framework.tracking.conversion import EXPERIMENT_TAG_LIMIT, NAME_LIMIT, TAG_LIMIT
from framework.tracking.store import Store

if TYPE_CHECKING:
    from framework.planning.plan import Plan
    from framework.study.spec import Spec, Use
    from framework.study.study import Study

VIEW = "front"  # the saved view's key in addresses
VIEW_TAG = f"sharedViewState.{VIEW}"
NOTE_TAG = "note.content"
METRIC_TAG = "experiment.primaryMetric."
PAGES = "workflowType=machine_learning"  # MLflow otherwise opens on pages for language models
BEGIN = (
    "<!-- squeezelab: begin. Written anew at the end of each study; what you write above or below "
    "stays. -->"
)
END = "<!-- squeezelab: end -->"
CUT = "\n\n(shortened)"
# the names of our runs are cut at MLflow's own width
NAME_COLUMN, NAME_PIXELS = "attributes.`Run Name`", 400
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
ALTERNATIVE = re.compile(r"architecture|compress\.\d+")  # parameters that name a plug-in


# --- runs -----------------------------------------------------------------------------------------


def searched(study: Study) -> list[str]:
    """Flat names of searched parameters (`compress.0.sparsity`), in the study's order."""
    return list(dict.fromkeys(_searched(study)))


def _searched(study: Study) -> Iterator[str]:
    """The names, one that several alternatives share once for each of them."""
    for name, value in study.train.values().items():
        if _is_domain(value):
            yield f"train.{name}"
    for path, step in _steps(study):
        if _is_domain(step):
            yield path
    for _, path, part in study.parts():
        # an alternative's path is `compress.0=label`, its parameters are `compress.0.sparsity`
        step_path = path.partition("=")[0]
        for name, value in part.knobs.items():
            if _is_domain(value):
                yield f"{step_path}.{name}"


def _steps(study: Study) -> Iterator[tuple[str, Any]]:
    """What may be an alternative, by path."""
    yield "architecture", study.architecture
    for number, step in enumerate(study.compress):
        yield f"compress.{number}", step


def run_name(study: Study, spec: Spec, *, role: str, number: int = -1) -> str:
    """A run's name in the UI's list, as `trial 017 · sparsity 0.88 epochs 8 · magnitude_prune`.

    What differs between the trials comes first: the list cuts long names.

    Args:
        spec: what it runs.
        number: of a trial.
    """
    if number < 0:
        budget = _values(spec, ["compress.0.epochs"]) if role == "control" else ""
        return _short(role, net_name(spec), budget)
    net = net_name(spec) if _is_domain(study.architecture) else ""
    values = _values(spec, searched(study))
    ends = (_chain(spec), values) if _chooses_steps(study) else (values, _chain(spec))
    which = f"trial {number:03d}" if role == "trial" else f"trial {number:03d} seed {spec.seed}"
    return _short(which, net, *ends)


def tried(study: Study, spec: Spec) -> str:
    """What tells a trial from the others of its study, its architecture left out.

    As `sparsity 0.88 epochs 8`.
    """
    strategy = _chain(spec) if _chooses_steps(study) else ""
    return " ".join(filter(None, [strategy, _values(spec, searched(study))]))


def _chooses_steps(study: Study) -> bool:
    return any(map(_is_domain, study.compress))


def _chain(spec: Spec) -> str:
    """The labels of the steps, which tell alternatives of one plug-in apart; `none` without any."""
    return "+".join(map(_label, spec.compress)) or "none"


def net_name(spec: Spec) -> str:
    """What a spec's architecture is called.

    Its label where it has one, its plug-in's name otherwise.
    """
    return _label(spec.architecture)


def architecture_text(study: Study, params: Mapping[str, str]) -> str:
    """The architecture's name; all names where the parent's study searches it."""
    return params.get("architecture") or " or ".join(map(_label, _options(study.architecture)))


def chain_text(study: Study) -> str:
    """The steps of a study, as `magnitude_prune|none+ptq`."""
    return "+".join(map(_step_text, study.compress)) or "none"


def _step_text(step: Any) -> str:
    return "|".join(map(_strategy_name, _options(step)))


def _strategy_name(option: Use | None) -> str:
    return "none" if option is None else option.name


def _label(part: Use) -> str:
    return part.label or part.name


def _options(part: Any) -> tuple[Any, ...]:
    """The alternatives of a part; itself where there is no choice."""
    return part.options if isinstance(part, Choice) else (part,)


def study_name(plan: Plan, generation: int) -> str:
    """How a study's own run is called in the UI's list."""
    again = f"generation {generation}" if generation else ""
    return _short("study", plan.name, " ".join(plan.overrides), again)


def _values(spec: Spec, names: list[str]) -> str:
    """The values of these parameters, each under the last word of its name where that is clear."""
    flat = spec.parameters()
    shown = [name for name in names if name in flat and not ALTERNATIVE.fullmatch(name)]
    short = [name.rpartition(".")[2] for name in shown]
    counts = Counter(short)
    words = []
    for name, head in zip(shown, short, strict=True):
        # steps of one chain may have knobs of one name
        words.append(head if counts[head] == 1 else name.partition(".")[2])
        words.append(_value(flat[name]))
    return " ".join(words)


def _value(text: str) -> str:
    """A parameter's value, in three digits where it is a fraction."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return f"{value:.3g}" if isinstance(value, float) else text


def _short(*parts: str) -> str:
    name = " · ".join(filter(None, parts))
    return name if len(name) <= NAME_LIMIT else name[: NAME_LIMIT - 1] + "…"


def _is_domain(value: object) -> bool:
    return isinstance(value, (Float, Int, Choice))


# --- the experiment's page ------------------------------------------------------------------------


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
    # MLflow documents none of these names: a test looks for each in the scripts it ships.
    return {
        "searchFilter": _search_filter(study, generation),
        "orderByKey": f"metrics.`{metric}`",
        "orderByAsc": direction == "min",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": list(_columns(study, task)),
        "columnOrder": [NAME_COLUMN],
        "columnWidths": {NAME_COLUMN: NAME_PIXELS},
        "runsHiddenMode": "SHOW_ALL",
        "compareRunSections": [CHART_SECTION],
        "compareRunCharts": _charts(study, task),
    }


def _search_filter(study: Study, generation: int) -> str:
    """The trials of this generation, with their baselines and controls, in MLflow's words."""
    conditions = (
        f"tags.`{PREFIX}study_digest` LIKE '{study.digest[:8]}%'",
        f"tags.`{PREFIX}generation` = '{generation}'",
        f"tags.`{PREFIX}role` != 'study'",
    )
    return " AND ".join(conditions)


def _columns(study: Study, task: str) -> Iterator[str]:
    for metric in dict.fromkeys([*study.objectives, drop_of(task)]):
        yield f"metrics.`{metric}`"
    for parameter in searched(study):
        yield f"params.`{parameter}`"
    for tag in ("role", "pareto"):
        yield f"tags.`{PREFIX}{tag}`"


def _charts(study: Study, task: str) -> list[dict[str, Any]]:
    """Quality against size, and how each searched parameter leads to quality."""
    size, quality = spanned(study.objectives, task, Catalog())
    scatter = {
        "uuid": "front",
        "type": "SCATTER",
        "xaxis": {"key": size, "type": "METRIC"},
        "yaxis": {"key": quality, "type": "METRIC"},
    }
    charts = [scatter | IN_SECTION]
    # a chart of paths with gaps is better than none
    if names := _of_all(study) or searched(study):
        paths = {"selectedParams": names, "selectedMetrics": [quality], "showAllRuns": False}
        charts.append({"uuid": "parameters", "type": "PARALLEL", **paths, **IN_SECTION})
    return charts


def _of_all(study: Study) -> list[str]:
    """The searched parameters that every trial has.

    A line of the chart of paths needs a value of each.
    """
    names = searched(study)
    for path, part in _steps(study):
        # its knobs are those of one alternative, and None has no name either
        if isinstance(part, Choice):
            names = [name for name in names if not name.startswith(f"{path}.")]
            if None in part.options and path in names:
                names.remove(path)
    return names


# --- addresses ------------------------------------------------------------------------------------


def addresses(store: Store, study: str) -> dict[str, str]:
    """The study's pages, by what they show, as paths in the MLflow UI.

    Returns:
        `runs`; `chart` once a study has been arranged; `compare` once its front holds two runs.
    """
    tags = store.ui_tags(study)
    experiment = store.experiment(study)
    runs = f"#/experiments/{experiment}/runs?{PAGES}"
    pages = {"runs": runs}
    # an experiment that was never arranged has no such view to open
    if VIEW_TAG in tags:
        pages["runs"] = f"{runs}&viewStateShareKey={VIEW}"
        pages["chart"] = f"{pages['runs']}&compareRunsMode=CHART"
    front = _front(store, study, tags)
    if len(front) > 1:
        pages["compare"] = _comparison(front, experiment)
    return pages


def _comparison(runs: list[Run], experiment: str) -> str:
    run_ids = _quoted([run.run_id for run in runs])
    return f"#/compare-runs?runs={run_ids}&experiments={_quoted([experiment])}&{PAGES}"


def _quoted(ids: list[str]) -> str:
    """Ids as a JSON list in an address."""
    return quote(json.dumps(ids, separators=(",", ":")))


def artifact_address(run_id: str, name: str) -> str:
    """Where the MLflow UI serves an artifact, seen from its pages."""
    return f"get-artifact?path={quote(name, safe='')}&run_uuid={run_id}"


def _front(store: Store, study: str, tags: Mapping[str, str]) -> list[Run]:
    """The front of the study as it was run last, best first by the primary metric."""
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


# --- notes ----------------------------------------------------------------------------------------


def write_note(store: Store, study: str, markdown: str, *, run_id: str | None = None) -> None:
    """Renew our part of the note on a study's page, or on one run's.

    What a person wrote around it stays.
    """
    limit = EXPERIMENT_TAG_LIMIT if run_id is None else TAG_LIMIT
    old = store.ui_tags(study, run_id=run_id).get(NOTE_TAG, "")
    store.set_ui_tags(study, {NOTE_TAG: merged(old, markdown, limit=limit)}, run_id=run_id)


def merged(old: str, markdown: str, *, limit: int) -> str:
    """A note with `markdown` between our two marks, cut at a line's end where it is too long.

    Args:
        old: the note so far; without marks it is a person's, and comes after our part.
        limit: characters that MLflow keeps.
    """
    head, begin, after_begin = old.partition(BEGIN)
    _, end, tail = after_begin.partition(END)
    if not (begin and end):
        head, tail = "", f"\n\n{old}" if old else ""
    room = limit - len(f"{head}{BEGIN}\n\n\n\n{END}{tail}")
    return f"{head}{BEGIN}\n\n{_cut(markdown, room)}\n\n{END}{tail}"


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = text[: max(0, limit - len(CUT))]
    return (head.rpartition("\n")[0] or head) + CUT if head else ""
