"""The one door to Optuna: which spec to try next, decided by the seed and the trials told so far."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    distribution_to_json,
    json_to_distribution,
)
from optuna.trial import TrialState

from framework.grid import enumerate_specs
from framework.resolve import first_value
from framework.space import Choice, Domain, Float
from framework.spec import Spec, Study, digest_of

optuna.logging.set_verbosity(optuna.logging.ERROR)

# Of NSGA-II: trials in one generation; the first is random. Optuna's 50 would leave a study of 30 trials random to its
# end; 6 to 12 found worse fronts than random search within 30 trials (made-up accuracy against sparsity). It does not
# depend on `trials`: a study that goes on from 30 to 60 would otherwise ask other questions than one of 60.
POPULATION = 16


@dataclass(frozen=True)
class Suggestion:
    """One answer of the sampler.

    Args:
        spec: what to run.
        optuna: parameters, distributions and attributes, as JSON; enough to tell another process of this trial.
    """

    spec: Spec
    optuna: str


@dataclass(frozen=True)
class Told:
    """One trial that has ended.

    Args:
        optuna: of its suggestion.
        values: of the objectives in their order; None if it failed.
        violations: constraint -> above 0 where it is not met.
    """

    optuna: str
    values: tuple[float, ...] | None
    violations: Mapping[str, float]


class Sampler:
    """Asks and is told, trial by trial.

    The sampler is made anew from (seed, trial number) before each question: TPE and random then ask the same questions
    whether or not the study was interrupted. A grid is enumerated by `enumerate_specs`. For NSGA-II the generation of
    each trial is stored with it, so that trials of earlier sessions are parents like any other.

    Args:
        study: resolved.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._optuna = optuna.create_study(directions=[_DIRECTIONS[way] for way in study.objectives.values()])
        self._grid = enumerate_specs(study) if study.sampler == "grid" else None

    @property
    def limit(self) -> int | None:
        """How many different specs there are, where that is known: under grid sampling, or if nothing is searched."""
        if self._grid is not None:
            return len(self._grid)
        return None if _questions(self.study) else 1

    def replay(self, told: Sequence[Told]) -> None:
        """Take in trials of earlier sessions, in the order of their numbers."""
        for item in told:
            self._optuna.add_trial(_frozen(item))

    def ask(self, number: int) -> Suggestion:
        """What trial `number` (0-based) is to try."""
        if self._grid is not None:
            return _from_grid(*self._grid[number])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._optuna.sampler = _sampler(self.study.sampler, _seed(self.study.seed, number))
            trial = self._optuna.ask()
            spec = self.study.fix(lambda name, domain: _suggest(trial, name, domain))
        self._trial = trial
        attributes = self._optuna.get_trials(deepcopy=False)[trial.number].system_attrs
        return Suggestion(spec, _to_json(trial.params, trial.distributions, attributes))

    def tell(self, told: Told) -> None:
        """The result of the suggestion asked last."""
        if self._grid is not None:
            return
        for name, value in told.violations.items():
            self._trial.set_constraint(name, value)
        if told.values is None:
            self._optuna.tell(self._trial, state=TrialState.FAIL)
        else:
            self._optuna.tell(self._trial, list(told.values))


_DIRECTIONS: Mapping[str, Literal["maximize", "minimize"]] = {"max": "maximize", "min": "minimize"}


def _questions(study: Study) -> list[str]:
    """The names of the first trial's questions; none where nothing is searched."""
    asked: list[str] = []

    def note(name: str, domain: Domain) -> Any:
        asked.append(name)
        return first_value(name, domain)

    study.fix(note)
    return asked


def _from_grid(asked: Mapping[str, Any], spec: Spec) -> Suggestion:
    distributions = {name: CategoricalDistribution([value]) for name, value in asked.items()}
    return Suggestion(spec, _to_json(asked, distributions, {}))


def _seed(seed: int, number: int) -> int:
    return int(digest_of([seed, number])[:8], 16)


def _sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "nsga2":
        # The paper's operators (Deb et al. 2002). Optuna's mutation draws a parameter anew, which with the one to three
        # parameters of most studies is random search again.
        crossover, mutation = optuna.samplers.nsgaii.SBXCrossover(), optuna.samplers.nsgaii.PolynomialMutation()
        return Nsga2(population_size=POPULATION, crossover=crossover, mutation=mutation, seed=seed)
    return optuna.samplers.TPESampler(seed=seed)


class Nsga2(optuna.samplers.NSGAIISampler):
    """NSGA-II whose parents come in the order of their trials, whoever selected them."""

    def get_parent_population(self, study: optuna.Study, generation: int) -> list[optuna.trial.FrozenTrial]:
        """Optuna orders them otherwise for the trial that begins a generation; a resumed study has no such trial."""
        return sorted(super().get_parent_population(study, generation), key=lambda trial: trial.number)


def _suggest(trial: optuna.Trial, name: str, domain: Domain) -> Any:
    if isinstance(domain, Choice):
        return trial.suggest_categorical(name, domain.options)
    if isinstance(domain, Float):
        return trial.suggest_float(name, domain.low, domain.high, log=domain.log, step=domain.step)
    return trial.suggest_int(name, domain.low, domain.high, log=domain.log, step=domain.step)


def _to_json(
    params: Mapping[str, Any], distributions: Mapping[str, BaseDistribution], attributes: Mapping[str, Any]
) -> str:
    forms = {name: json.loads(distribution_to_json(form)) for name, form in distributions.items()}
    stored = {"params": dict(params), "distributions": forms, "attributes": dict(attributes)}
    return json.dumps(stored, sort_keys=True, indent=1)


def _frozen(told: Told) -> optuna.trial.FrozenTrial:
    stored = json.loads(told.optuna)
    forms = {name: json_to_distribution(json.dumps(form)) for name, form in stored["distributions"].items()}
    return optuna.trial.create_trial(
        state=TrialState.FAIL if told.values is None else TrialState.COMPLETE,
        values=None if told.values is None else list(told.values),
        params=stored["params"],
        distributions=forms,
        system_attrs=stored.get("attributes"),  # trials of earlier versions have none
        constraints=dict(told.violations) or None,
    )
