"""What a study asks, what a plug-in can be given, what a run measured: as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from framework.contracts import Catalog, Dataset, Plugin, Strategy
from framework.display.rows import goal_rows, headed
from framework.errors import DataUnavailable, InvalidValue, UnknownName
from framework.planning.own_plugins import catalog_of
from framework.planning.parts import remarks_of
from framework.planning.plan import Plan
from framework.planning.project import study_names
from framework.planning.resolve import largest_budget
from framework.results.record import ERROR_TXT, Run
from framework.study.overrides import parse
from framework.study.space import Choice, Float, Int
from framework.study.spec import Use, dotted
from framework.tracking.database import is_there
from framework.tracking.lookup import find_run, is_run_id, plan_of
from framework.tracking.store import Store

KINDS = ("dataset", "architecture", "strategy", "metric")


def describe(root: Path, name: str, *, settings: Sequence[str]) -> str:
    """Text on a study, a plug-in or a run, whichever is called `name`.

    Raises:
        UnknownName: nothing is.
    """
    catalog = catalog_of(root)
    names = list(study_names(root))
    if name in names:
        return _study(root, name, settings, catalog)
    for kind in KINDS:
        registry = catalog.of(kind)
        if name in registry.names():
            return _plugin(root, kind, registry.get(name), settings, catalog)
        names += registry.names()
    # last, because it alone has to open the store
    if (":" in name or is_run_id(name)) and is_there(root):
        store = Store.open(root, create=False)
        return _run(find_run(store, root, name, settings=settings), store)
    raise UnknownName("study, plug-in or run", name, names)


def _study(root: Path, name: str, settings: Sequence[str], catalog: Catalog) -> str:
    return describe_plan(
        plan_of(root, name, settings=settings, catalog=catalog),
        root,
        catalog=catalog,
    )


def describe_plan(
    planned: Plan, root: Path, *, catalog: Catalog, more: Mapping[str, str] | None = None
) -> str:
    """Text on a resolved study.

    Args:
        root: the project, whose files a net may come from.
        more: further rows.
    """
    study = planned.study
    rows: dict[str, Any] = {"question": planned.question, "digest": study.digest[:8]}
    for _, path, part in study.parts():
        rows[path] = _use(part)
    for path, remarks in remarks_of(study, catalog, root).items():
        for number, remark in enumerate(remarks, 1):
            rows[f"{path} note {number}"] = remark
    for name, value in dotted("train", study.train.values()).items():
        rows[name] = _value(value)
    rows |= goal_rows(study)
    rows |= {"sampler": study.sampler, "ahead": study.ahead}
    rows |= {"trials": study.trials, "seed": study.seed, "seeds": study.seeds}
    rows |= {"trial_seconds": study.trial_seconds or "no limit", "hours": study.hours or "no limit"}
    rows |= {"keep": study.keep, "epochs a trial, at most": largest_budget(study, catalog)}
    return _table(planned.name, rows | dict(more or {}))


def _plugin(
    root: Path, kind: str, cls: type[Plugin], settings: Sequence[str], catalog: Catalog
) -> str:
    values = _given(kind, settings)
    plugin = catalog.of(kind).build(cls.name, values).located(root)
    # of data that is there, what it holds; of all else, what can be set
    if isinstance(plugin, Dataset) and values and (understood := plugin.preview()):
        return _table(_settings(values, str), dict(understood))
    rows: dict[str, Any] = {
        "what": cls.summary(),
        "version": cls.plugin_version,
        "source": cls.source(),
    }
    if kind == "dataset":
        rows |= _data(catalog.datasets.build(cls.name, {}))
    if kind == "strategy":
        rows |= _place(catalog.strategies.get(cls.name))
    for name, knob in cls.knobs().items():
        unit = f" {knob.unit}" if knob.unit else ""
        if name in values:
            unit += f", here {values[name]!r}"
        rows[name] = f"{knob.default!r}{unit}: {knob.doc} ({knob.range_text()})"
    for name, preset in cls.presets.items():
        rows[f"preset={name}"] = _settings(preset, repr)
    return _table(f"{cls.name} ({kind})", rows)


def _given(kind: str, settings: Sequence[str]) -> dict[str, Any]:
    """The knobs that are set, by their names alone or as in a study: `path=` or `dataset.path=`.

    Raises:
        InvalidValue: there is no `=`.
    """
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise InvalidValue(
                "A knob is set as KEY=VALUE.",
                given=f"Given: {setting}.",
                todo="For example path=table.csv.",
            )
        values[key.strip().removeprefix(f"{kind}.")] = parse(text)
    return values


def _place(cls: type[Strategy]) -> dict[str, str]:
    """Where in a chain it may be."""
    untrained = "the untrained net, so it is the first step"
    return {
        "starts from": "the trained net" if cls.needs == "trained" else untrained,
        "keeps": ", ".join(sorted(cls.keeps)) or "nothing of earlier steps",
        "gives": ", ".join(sorted(cls.gives)) or "nothing that a later step could undo",
    }


def _data(dataset: Dataset) -> dict[str, str]:
    """What nets are given and have to predict, at the default knobs."""
    try:
        info = dataset.info
    except DataUnavailable as error:  # the user's own: its files are described by its knobs
        return {"holds": f"what is in your data. {error.todo}"}
    targets = {
        "classes": f"one of {info.classes} classes",
        "binary": "one of two classes",
        "regression": "a number",
        "reconstruction": "the input itself",
    }
    rows = {"task": f"{targets[info.task]} ({info.task})"}
    for name, shape in info.inputs.items():
        tokens = f" token numbers below {info.tokens[name]}" if name in info.tokens else ""
        rows[f"input {name}"] = f"{' x '.join(map(str, shape))}{tokens}"
    rows |= {"licence": dataset.licence} if dataset.licence else {}
    return rows | ({"untested": "tried on made-up samples only"} if dataset.untested else {})


def _run(run: Run, store: Store) -> str:
    rows: dict[str, Any] = {"name": run.name, "status": run.status}
    rows |= headed("tag", dict(sorted(run.tags.items())))
    rows |= sorted(run.params.items())
    rows |= {name: f"{value:.10g}" for name, value in sorted(run.metrics.items())}
    text = _table(f"run {run.run_id}", rows)
    if run.status != "FAILED" or not store.has_manifest(run.run_id):
        return text
    # a study's own run ends as failed too, and the reason lies with its trials
    with suppress(UnknownName):
        text += f"\n\n{store.artifact(run.run_id, ERROR_TXT).decode(errors='replace').rstrip()}"
    return text


def _use(part: Use) -> str:
    knobs = _settings(part.knobs, _value)
    return f"{part.name} v{part.version}" + (f" ({knobs})" if knobs else "")


def _settings(knobs: Mapping[str, Any], text: Callable[[Any], str]) -> str:
    return ", ".join(f"{name}={text(value)}" for name, value in knobs.items())


def _value(value: Any) -> str:
    if isinstance(value, Choice):
        return "one of " + " ".join(map(json.dumps, value.options))
    if isinstance(value, (Float, Int)):
        return f"{value.low:g} to {value.high:g}"
    return json.dumps(value)


def _table(title: str, rows: Mapping[str, Any]) -> str:
    width = max(map(len, rows)) + 2
    return "\n".join([title, *(f"  {name:<{width}}{value}" for name, value in rows.items())])
