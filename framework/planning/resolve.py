"""A study held against the plug-ins.

Every default written out, every name and range checked, nothing run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import InvalidStudy, UnknownName, UserError
from framework.results.record import drop_of, quality_of
from framework.study import Spec, Study, Use
from framework.study.grid import enumerate_specs
from framework.study.space import Choice, Domain, Float, Int

if TYPE_CHECKING:
    from framework.contracts import Catalog, DataInfo, Dataset, Plugin, Strategy

HERE = Path()
DERIVED = (  # of the trial against its own baseline, besides the drop of its quality
    "speedup_theoretical",
    "speedup_measured",
    "latency_us_p50",
)
ALIASES = {"quality": quality_of, "quality_drop": drop_of}  # what each is called for a task


def resolve(study: Study, catalog: Catalog, root: Path = HERE) -> Study:
    """The same study with all defaults and versions written out.

    Args:
        root: the project, from whose folder plug-ins name files.

    Raises:
        UserError: an unknown name, a value out of range, an objective that does not exist, an order
            of steps that undoes itself, an infinite domain under grid sampling, a net that cannot
            read the data set.
    """
    resolved = study.rebuilt(lambda kind, path, part: _resolved(kind, path, part, catalog, root))
    info = dataset_of(resolved, catalog, root).info
    _check_inputs(resolved, info, catalog, root)
    own = {alias: name_for(info.task) for alias, name_for in ALIASES.items()}
    known = measurable(catalog, info.task)
    objectives = {own.get(name, name): direction for name, direction in resolved.objectives.items()}
    constraints = tuple(
        replace(item, metric=own.get(item.metric, item.metric)) for item in resolved.constraints
    )
    for name in (*objectives, *(item.metric for item in constraints)):
        if name not in known:
            raise UnknownName("metric for an objective or constraint", name, (*known, *ALIASES))
    resolved = replace(resolved, objectives=objectives, constraints=constraints)
    _check_orders(resolved, catalog)
    if resolved.sampler == "grid":
        _check_finite(resolved)
        enumerate_specs(resolved)
    return resolved


def dataset_of(part: Study | Spec, catalog: Catalog, root: Path) -> Dataset:
    """The data set of a study or spec, with the files it names found from the project's folder."""
    return catalog.datasets.build(part.dataset.name, dict(part.dataset.knobs)).located(root)


def strategy_of(step: Use, catalog: Catalog) -> Strategy:
    """The strategy of one step of a fixed chain."""
    return catalog.strategies.build(step.name, dict(step.knobs))


def measurable(catalog: Catalog, task: str) -> list[str]:
    """The names under which a trial's values are stored, for data sets of this task.

    Others do not exist for it.
    """
    names = []
    for name in catalog.metrics.names():
        metric = catalog.metrics.get(name)
        if task in metric.tasks:
            names.append(f"val_{name}" if metric.of_split else name)
    return [*names, drop_of(task), *DERIVED]


def largest_budget(study: Study, catalog: Catalog) -> int:
    """The most epochs of fine-tuning that a trial of this study may spend."""
    return sum(
        max((_step_budget(option, catalog) for option in _options(step)), default=0)
        for step in study.compress
    )


def smallest_budget(study: Study, catalog: Catalog) -> int:
    """The fewest epochs of fine-tuning that a trial of this study may spend."""
    lows = [
        [_step_budget(option, catalog, pick=min) for option in _options(step)]
        for step in study.compress
    ]
    skips = [
        step is None or (isinstance(step, Choice) and None in step.options)
        for step in study.compress
    ]
    return sum(0 if skip else min(low, default=0) for low, skip in zip(lows, skips, strict=True))


def budget(spec: Spec, catalog: Catalog) -> int:
    """The epochs of fine-tuning that a fixed spec asks for."""
    return sum(_step_budget(step, catalog) for step in spec.compress)


def epoch_knobs(step: Use, catalog: Catalog) -> list[str]:
    """The knobs of a step that count epochs."""
    return [
        name
        for name, item in catalog.strategies.get(step.name).knobs().items()
        if item.unit == "epochs"
    ]


def first_value(_name: str, domain: Domain) -> object:
    """The first value of a domain.

    Of the study's own baseline and control, where train or architecture is searched.
    """
    return domain.options[0] if isinstance(domain, Choice) else domain.low


def control_spec(study: Study, catalog: Catalog, *, like: Spec | None = None) -> Spec:
    """The control of a study.

    No compression, and the largest budget of fine-tuning that a trial may spend.

    Args:
        like: a trial, for the control of its architecture; the first architecture by default.
    """
    version = catalog.strategies.get("identity").plugin_version
    identity = Use("identity", {"epochs": largest_budget(study, catalog)}, version=version)
    net = like.architecture.label or like.architecture.name if like else None

    def first(name: str, domain: Domain) -> object:
        return net if net and name == "architecture" else first_value(name, domain)

    return replace(study.fix(first), compress=(identity,))


def _resolved(kind: str, path: str, part: Use, catalog: Catalog, root: Path) -> Use:
    try:
        cls: type[Plugin] = catalog.of(kind).get(part.name)
    except UnknownName as error:
        error.add_note(f"At {path}.")
        raise
    declared, given = cls.knobs(), cls.with_preset(part.knobs)
    _check_label(kind, path, part, declared)
    for name in given:
        if name not in declared:
            unknown = UnknownName(f"knob of {part.name}", name, declared, todo=_knob_help(cls))
            unknown.add_note(f"At {path}.")
            raise unknown
    values: dict[str, Any] = {}
    for name, item in declared.items():
        value = given.get(name, item.default)
        owner = f"{path} ({part.name})"
        is_domain = isinstance(value, (Float, Int, Choice))
        if is_domain and item.unit == "path":  # its digest would be that of one file for all
            raise InvalidStudy(
                f"{owner}: {name} names one file.",
                given=f"Given: {value}.",
                todo="Search over the nets: architecture=Choice(use(..., label='a'), use(..., "
                "label='b')).",
            )
        values[name] = (
            item.normal_domain(owner, name, value) if is_domain else item.normal(owner, name, value)
        )
    fixed = replace(part, knobs=values, version=cls.plugin_version)
    return replace(fixed, knobs=values | dict(_first(fixed, kind, catalog).pinned(root)))


def _check_label(kind: str, path: str, part: Use, declared: Mapping[str, Any]) -> None:
    """Refuse a label of a data set.

    It is never one of several, and what is meant is what is to be told.

    Raises:
        InvalidStudy: it has one, as an argument of use() or as a knob.
    """
    given = part.label if part.label != part.name else ""
    given = given or ("" if "label" in declared else part.knobs.get("label", ""))
    if kind == "dataset" and given:
        raise InvalidStudy(
            f"{path} ({part.name}): a data set has no label=.",
            given=f"Given: label={given!r}.",
            todo=f"The column or feature that is to be told is its target: target={given!r}."
            if "target" in declared
            else "Leave it out.",
        )


def _first(part: Use, kind: str, catalog: Catalog) -> Any:
    """The plug-in with the first value of each domain."""
    values = {
        name: first_value(name, value) if isinstance(value, (Float, Int, Choice)) else value
        for name, value in part.knobs.items()
    }
    return catalog.of(kind).build(part.name, values)


def _check_inputs(study: Study, info: DataInfo, catalog: Catalog, root: Path) -> None:
    """Refuse a net that cannot read the data set."""
    for kind, path, part in study.parts():
        if kind == "architecture":
            try:
                _first(part, kind, catalog).located(root).input_shapes(info)
            except UserError as error:
                error.add_note(f"At {path}: {part.name} on {study.dataset.name}.")
                raise


def _check_finite(study: Study) -> None:
    """Refuse a domain that a grid cannot walk through."""
    owners = {"train": study.train.values()} | {path: part.knobs for _, path, part in study.parts()}
    for path, values in owners.items():
        for name, value in values.items():
            if isinstance(value, Float) and not value.finite:
                raise InvalidStudy(
                    f"sampler 'grid' walks through all values, and {path}.{name} has infinitely "
                    f"many.",
                    given=f"Given: Float({value.low:g}, {value.high:g}).",
                    todo="Give it a step, as Float(0.5, 0.9, step=0.1), or use Choice, or another "
                    "sampler.",
                )


def _knob_help(cls: type[Plugin]) -> str:
    lines = [
        f"  {name} = {item.default!r}: {item.doc} ({item.range_text()})"
        for name, item in cls.knobs().items()
    ]
    return "\n".join([f"Knobs of {cls.name}:", *lines]) if lines else f"{cls.name} has no knobs."


def _options(step: Use | Choice | None) -> list[Use]:
    options = step.options if isinstance(step, Choice) else (step,)
    return [option for option in options if option is not None]


def _step_budget(step: Use, catalog: Catalog, *, pick: Callable[[Iterable[Any]], Any] = max) -> int:
    """Epochs of one step; of a domain of numbers the value that `pick` chooses of its ends."""
    ends = {name: pick(_ends(value)) for name, value in step.knobs.items()}
    return strategy_of(replace(step, knobs=ends), catalog).budget()


def _ends(value: Any) -> list[Any]:
    """The values that bound what a knob may be; of texts the first."""
    if isinstance(value, (Float, Int)):
        return [value.low, value.high]
    if isinstance(value, Choice):
        numbers = all(isinstance(option, (int, float)) for option in value.options)
        return list(value.options) if numbers else [value.options[0]]
    return [value]


def _check_orders(study: Study, catalog: Catalog) -> None:
    """Refuse a step that breaks what an earlier one made, or needs an untrained net."""
    chain = [
        [catalog.strategies.get(option.name) for option in _options(step)]
        for step in study.compress
    ]
    wrong = _trouble(chain)
    if not wrong:
        return
    better = next((order for order in permutations(chain) if not _trouble(order)), None)
    raise InvalidStudy(
        wrong,
        given=f"Given: {_chain_text(chain)}.",
        todo=f"In this order nothing is lost: {_chain_text(better)}."
        if better
        else "Leave one of them out.",
    )


def _trouble(chain: Sequence[Sequence[type[Strategy]]]) -> str:
    """What is wrong with an order of steps, each with its alternatives; empty if nothing is."""
    for index, options in enumerate(chain):
        for later in options:
            if index and later.needs == "initial":
                return f"{later.name} starts from an untrained net, so it is the first step."
            for earlier in (option for before in chain[:index] for option in before):
                lost = earlier.gives - later.keeps
                if lost:
                    return (
                        f"{later.name} after {earlier.name} would undo its "
                        f"{' and '.join(sorted(lost))}."
                    )
    return ""


def _chain_text(chain: Iterable[Iterable[type[Strategy]]]) -> str:
    return " + ".join(" or ".join(option.name for option in options) for options in chain)
