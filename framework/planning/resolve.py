"""A study checked against the plug-ins.

Every default written out, every name and range checked, nothing run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import filterfalse, permutations, starmap
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.contracts.project import Project, RunFiles, no_runs
from framework.errors import InvalidStudy, UnknownName, UserError
from framework.planning.parts import dataset_of, strategy_of
from framework.results.record import drop_of, quality_of
from framework.study.checks import AUTO
from framework.study.grid import enumerate_specs
from framework.study.space import Choice, Domain, Float, Int, Knob
from framework.study.spec import Spec, Train, Use

if TYPE_CHECKING:
    from framework.contracts.catalog import Catalog
    from framework.contracts.data import DataInfo
    from framework.contracts.plugins import Plugin, Strategy
    from framework.study.study import Study

HERE = Path()
AHEAD = 8  # of `auto`, by `python -m benchmarks.ahead`; docs/howto.md has what it printed
TRAINED_FACTOR = 0.1  # of a study with a net that comes trained, see docs/architecture.md
DERIVED = (  # of the trial against its own baseline, besides the drop of its quality
    "speedup_theoretical",
    "speedup_measured",
    "latency_us_p50",
)
ALIASES = {"quality": quality_of, "quality_drop": drop_of}  # what each is called for a task


def resolve(
    study: Study, catalog: Catalog, root: Path = HERE, *, run_file: RunFiles = no_runs
) -> Study:
    """The same study with all defaults and versions written out.

    Args:
        root: the project, from whose folder plug-ins name files.
        run_file: reads what a plug-in is to have of a finished run.

    Raises:
        UserError: an unknown name, a value out of range, an objective that does not exist, an order
            of steps that undoes itself, an infinite domain under grid sampling, a net that cannot
            read the data set.
    """
    project = Project(root, run_file)
    resolved = study.rebuilt(lambda kind, path, part: _resolved(kind, path, part, catalog, project))
    info = dataset_of(resolved, catalog, root).info
    _check_inputs(resolved, info, catalog, root)
    resolved = _with_trained_factor(resolved, catalog)
    if resolved.ahead == AUTO:
        resolved = replace(resolved, ahead=AHEAD)
    resolved = _with_stored_names(resolved, info.task)
    _check_measurable(resolved, info, catalog)
    _check_orders(resolved, catalog)
    _check_rates(resolved, catalog)
    if resolved.sampler == "grid":
        _check_finite(resolved)
        enumerate_specs(resolved)  # for what it refuses
    return resolved


def measurable(catalog: Catalog, task: str, *, anomalies: bool = True) -> list[str]:
    """The names under which a trial's values are stored, for data sets of this task.

    Others do not exist for it.

    Args:
        anomalies: of a reconstruction: some are labelled.
    """
    names = []
    for name in catalog.metrics.names():
        metric = catalog.metrics.get(name)
        if task in metric.tasks and (anomalies or not metric.of_anomalies):
            names.append(f"val_{name}" if metric.of_split else name)
    return [*names, drop_of(task), *DERIVED]


def largest_budget(study: Study, catalog: Catalog) -> int:
    """The most epochs of fine-tuning that a trial of this study may spend."""
    epochs = 0
    for step in study.compress:
        epochs += max(_budgets(step, catalog, pick=max), default=0)
    return epochs


def smallest_budget(study: Study, catalog: Catalog) -> int:
    """The fewest epochs of fine-tuning that a trial of this study may spend."""
    epochs = 0
    for step in study.compress:
        may_be_left_out = step is None or (isinstance(step, Choice) and None in step.options)
        if not may_be_left_out:
            epochs += min(_budgets(step, catalog, pick=min), default=0)
    return epochs


def budget(spec: Spec, catalog: Catalog) -> int:
    """The epochs of fine-tuning that a fixed spec asks for."""
    return sum(_step_budget(step, catalog, pick=max) for step in spec.compress)


def epoch_knobs(step: Use, catalog: Catalog) -> list[str]:
    """The knobs of a step that count epochs."""
    knobs = catalog.strategies.get(step.name).knobs()
    return [name for name, knob in knobs.items() if knob.unit == "epochs"]


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
    # a study that searches over architectures asks for one by its label
    net = like.architecture.label or like.architecture.name if like else None

    def first(name: str, domain: Domain) -> object:
        return net if net and name == "architecture" else first_value(name, domain)

    return replace(study.fix(first), compress=(identity,))


def _with_trained_factor(study: Study, catalog: Catalog) -> Study:
    """Its rate for nets that come trained, written out where one of them does."""
    if study.train.trained_factor is not None or not any(_come_trained(study, catalog)):
        return study
    return replace(study, train=replace(study.train, trained_factor=TRAINED_FACTOR))


def _come_trained(study: Study, catalog: Catalog) -> Iterator[bool]:
    """Of each architecture, whether its weights come with it."""
    for kind, _, part in study.parts():
        if kind == "architecture":
            yield catalog.architectures.get(part.name).trained


def _resolved(kind: str, path: str, part: Use, catalog: Catalog, project: Project) -> Use:
    try:
        cls: type[Plugin] = catalog.of(kind).get(part.name)
    except UnknownName as error:
        error.add_note(f"At {path}.")
        raise
    declared, stated = cls.knobs(), cls.with_preset(part.knobs)
    _check_label(kind, path, part, declared)
    _check_knobs(cls, path, part, stated)
    values: dict[str, Any] = {}
    for name, knob in declared.items():
        value = stated.get(name, knob.default)
        values[name] = _normal(knob, f"{path} ({part.name})", name, value)
    fixed = replace(part, knobs=values, version=cls.plugin_version)
    # what is pinned, as the sha256 of a file, is found by the values as they are now
    return replace(fixed, knobs=values | dict(_first(fixed, kind, catalog).pinned(project)))


def _check_knobs(cls: type[Plugin], path: str, part: Use, stated: Iterable[str]) -> None:
    """Refuse a knob that the plug-in does not have."""
    declared = cls.knobs()
    for name in stated:
        if name not in declared:
            unknown = UnknownName(f"knob of {part.name}", name, declared, todo=_knob_help(cls))
            unknown.add_note(f"At {path}.")
            raise unknown


def _normal(knob: Knob, owner: str, name: str, value: Any) -> Any:
    """A knob's value, or its search domain, in its normal form."""
    if not isinstance(value, (Float, Int, Choice)):
        return knob.normal(owner, name, value)
    if knob.unit == "path":  # its digest would be that of one file for all
        raise InvalidStudy(
            f"{owner}: {name} names one file.",
            given=f"Given: {value}.",
            todo="Search over the nets: architecture=Choice(use(..., label='a'), use(..., "
            "label='b')).",
        )
    return knob.normal_domain(owner, name, value)


def _with_stored_names(study: Study, task: str) -> Study:
    """The study whose objectives and constraints have the names that the task has in the store."""
    names, objectives = {}, {}
    for alias, name_for in ALIASES.items():
        names[alias] = name_for(task)
    for name, direction in study.objectives.items():
        objectives[names.get(name, name)] = direction
    constraints = tuple(
        replace(constraint, metric=names.get(constraint.metric, constraint.metric))
        for constraint in study.constraints
    )
    return replace(study, objectives=objectives, constraints=constraints)


def _check_measurable(study: Study, info: DataInfo, catalog: Catalog) -> None:
    """Refuse an objective or a constraint on what is not measured for the data set."""
    stored = measurable(catalog, info.task, anomalies=info.classes > 0)
    for name in (*study.objectives, *map(attrgetter("metric"), study.constraints)):
        if name not in stored:
            raise UnknownName("metric for an objective or constraint", name, (*stored, *ALIASES))


def _check_label(kind: str, path: str, part: Use, declared: Mapping[str, Any]) -> None:
    """Refuse a label of a data set.

    It is never one of several, and what is meant is the target.

    Raises:
        InvalidStudy: it has one, as an argument of use() or as a knob.
    """
    label = part.label if part.label != part.name else ""
    label = label or ("" if "label" in declared else part.knobs.get("label", ""))
    if kind == "dataset" and label:
        todo = "Leave it out."
        if "target" in declared:
            todo = f"The column or feature that is to be told is its target: target={label!r}."
        raise InvalidStudy(
            f"{path} ({part.name}): a data set has no label=.",
            given=f"Given: label={label!r}.",
            todo=todo,
        )


def _first(part: Use, kind: str, catalog: Catalog) -> Any:
    """The plug-in with the first value of each domain."""
    values = dict(part.knobs)
    for name, value in part.knobs.items():
        if isinstance(value, (Float, Int, Choice)):
            values[name] = first_value(name, value)
    return catalog.of(kind).build(part.name, values)


def _check_inputs(study: Study, info: DataInfo, catalog: Catalog, root: Path) -> None:
    """Refuse a net that cannot read the data set."""
    for kind, path, part in study.parts():
        if kind == "architecture":
            try:
                shapes = _first(part, kind, catalog).located(root).input_shapes(info)
                if info.task == "reconstruction":
                    _ = replace(info, inputs=shapes).target  # raises where there is none
            except UserError as error:
                error.add_note(f"At {path}: {part.name} on {study.dataset.name}.")
                raise


def _check_finite(study: Study) -> None:
    """Refuse a domain that a grid cannot walk through."""
    for name, value in _values(study):
        if isinstance(value, Float) and not value.finite:
            raise InvalidStudy(
                f"sampler 'grid' walks through all values, and {name} has infinitely many.",
                given=f"Given: Float({value.low:g}, {value.high:g}).",
                todo="Give it a step, as Float(0.5, 0.9, step=0.1), or use Choice, or another "
                "sampler.",
            )


def _values(study: Study) -> Iterator[tuple[str, Any]]:
    """(dotted name, value or domain) of all that a study states of training and of its plug-ins."""
    for name, value in study.train.values().items():
        yield f"train.{name}", value
    for _, path, part in study.parts():
        for name, value in part.knobs.items():
            yield f"{path}.{name}", value


def _knob_help(cls: type[Plugin]) -> str:
    knobs = cls.knobs()
    if not knobs:
        return f"{cls.name} has no knobs."
    return "\n".join([f"Knobs of {cls.name}:", *starmap(_help_line, knobs.items())])


def _help_line(name: str, knob: Knob) -> str:
    return f"  {name} = {knob.default!r}: {knob.doc} ({knob.range_text()})"


def _options(step: Use | Choice | None) -> list[Use]:
    options = step.options if isinstance(step, Choice) else (step,)
    return [option for option in options if option is not None]


def _budgets(
    step: Use | Choice | None, catalog: Catalog, *, pick: Callable[[Iterable[Any]], Any]
) -> list[int]:
    """Epochs of each alternative of a step, as `_step_budget` counts them."""
    return [_step_budget(option, catalog, pick=pick) for option in _options(step)]


def _step_budget(step: Use, catalog: Catalog, *, pick: Callable[[Iterable[Any]], Any]) -> int:
    """Epochs of one step; of a domain of numbers the value that `pick` chooses of its ends."""
    ends = {}
    for name, value in step.knobs.items():
        ends[name] = pick(_ends(value))
    return strategy_of(replace(step, knobs=ends), catalog).budget()


def _ends(value: Any) -> list[Any]:
    """The values that bound what a knob may be; of texts the first."""
    if isinstance(value, (Float, Int)):
        return [value.low, value.high]
    if isinstance(value, Choice):
        are_numbers = all(isinstance(option, (int, float)) for option in value.options)
        return list(value.options) if are_numbers else [value.options[0]]
    return [value]


def _check_rates(study: Study, catalog: Catalog) -> None:
    """Refuse rates of fine-tuning that no training may have: a trial would find out late."""
    train, declared = study.train.values(), Train.knobs()["learning_rate"]
    rates, factors = _ends(train["learning_rate"]), _ends(train["finetune_factor"])
    # some steps change it once more, by a knob of that name, and nets that come trained
    steps: list[float] = [1.0]
    nets: list[float] = []
    for _, _, part in study.parts():
        steps += _ends(part.knobs.get("rate", 1.0))
    for is_trained in _come_trained(study, catalog):
        nets += _ends(train["trained_factor"]) if is_trained else [1.0]
    for pick in (min, max):
        rate = pick(rates) * pick(factors) * pick(steps) * pick(nets)
        if not (declared.low or 0.0) <= rate <= (declared.high or rate):
            raise InvalidStudy(
                "The peak rate of fine-tuning is out of the range of learning rates.",
                given=f"learning_rate {pick(rates):g} times finetune_factor {pick(factors):g} "
                f"times rate {pick(steps):g} times trained_factor (1 unless the net comes trained) "
                f"{pick(nets):g} is {rate:g}.",
                todo=f"Allowed: {declared.range_text()}. Lower or raise one of them.",
            )


def _check_orders(study: Study, catalog: Catalog) -> None:
    """Refuse a step that breaks what an earlier one made, or needs an untrained net."""
    chain = []
    for step in study.compress:
        names = map(attrgetter("name"), _options(step))
        chain.append(list(map(catalog.strategies.get, names)))
    wrong = _trouble(chain)
    if not wrong:
        return
    todo = "Leave one of them out."
    better = next(filterfalse(_trouble, permutations(chain)), None)
    if better:
        todo = f"In this order nothing is lost: {_chain_text(better)}."
    raise InvalidStudy(wrong, given=f"Given: {_chain_text(chain)}.", todo=todo)


def _trouble(chain: Sequence[Sequence[type[Strategy]]]) -> str:
    """What is wrong with an order of steps, each with its alternatives; empty if nothing is."""
    before: list[type[Strategy]] = []
    for index, options in enumerate(chain):
        for later in options:
            if index and later.needs == "initial":
                return f"{later.name} starts from an untrained net, so it is the first step."
            for earlier in before:
                lost = earlier.gives - later.keeps
                if lost:
                    undone = " and ".join(sorted(lost))
                    return f"{later.name} after {earlier.name} would undo its {undone}."
        # alternatives of one step never meet in a trial, so they are added after all were looked at
        before += options
    return ""


def _chain_text(chain: Iterable[Iterable[type[Strategy]]]) -> str:
    steps = []
    for options in chain:
        names = map(attrgetter("name"), options)
        steps.append(" or ".join(names))
    return " + ".join(steps)
