"""The one door to Optuna.

Which spec to try next, decided by the seed and the trials observed so far.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    distribution_to_json,
    json_to_distribution,
)
from optuna.trial import TrialState

from framework.study.grid import combinations, enumerate_specs
from framework.study.space import Choice, Domain, Float
from framework.study.spec import Spec, digest_of

if TYPE_CHECKING:
    from framework.study.study import Study

optuna.logging.set_verbosity(optuna.logging.ERROR)

# Of NSGA-II: trials in one generation; the first is random. Optuna's 50 would leave a study of 30
# trials random to its end; 6 to 12 found worse fronts than random search within 30 trials (made-up
# accuracy against sparsity). It does not depend on `trials`: a study that goes on from 30 to 60
# would otherwise ask other questions than one of 60.
POPULATION = 16

# of one trial: a sampler that has settled on a few specs seldom leaves them, and each draw costs
# some ms
REDRAWS = 100
ENUMERABLE = 10_000  # combinations of values, up to which a space is listed: about a second


@dataclass(frozen=True)
class Suggestion:
    """One suggestion of the sampler.

    Args:
        spec: what to run.
        optuna: parameters, distributions and attributes, as JSON; enough for another process to
            observe this trial.
    """

    spec: Spec
    optuna: str


@dataclass(frozen=True)
class Observed:
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
    """Suggests and observes, trial by trial; no spec is suggested twice.

    Each question is asked of an Optuna study of the trials observed so far and nothing else, by
    a sampler made from (seed, trial number, redraw): TPE and random then ask the same questions
    whether or not the study was interrupted. A draw whose spec was observed before is discarded and
    drawn again. A grid is enumerated by `enumerate_specs`. For NSGA-II the generation of each trial
    is stored with it, so that trials of earlier sessions are parents like any other.

    Args:
        study: resolved.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._grid = enumerate_specs(study) if study.sampler == "grid" else None
        self._observed: list[optuna.trial.FrozenTrial] = []
        self._seen: set[str] = set()  # digests of the specs observed, failed ones included

    @property
    def limit(self) -> int | None:
        """How many trials there can be, where that is known.

        One for each spec, and those that were done again.
        """
        if self._grid is not None:
            return len(self._grid)
        return self.distinct and self.distinct + len(self._observed) - len(self._seen)

    @cached_property
    def distinct(self) -> int | None:
        """How many different specs there are; None where they are too many to be counted."""
        return len(self._space) or None

    @cached_property
    def _space(self) -> Mapping[str, Mapping[str, Any]]:
        """Digest -> values of every spec, in the order of the grid.

        Empty where there are too many to be listed.
        """
        specs: dict[str, Mapping[str, Any]] = {}
        if combinations(self.study) <= ENUMERABLE:
            for values, spec in enumerate_specs(self.study):
                specs.setdefault(spec.digest, values)
        return specs

    def replay(self, observed: Sequence[Observed]) -> None:
        """Take in trials of earlier sessions, in the order of their numbers."""
        for trial in observed:
            self.tell(trial)

    def ask(self, number: int) -> Suggestion | None:
        """What trial `number` (0-based) is to try.

        None where every spec that can be found was observed before.
        """
        if self._grid is not None:
            return _from_grid(*self._grid[number])
        with warnings.catch_warnings():
            # Optuna says of some of its samplers and options that they may still change
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            drawing = optuna.create_study(
                directions=[_DIRECTIONS[short] for short in self.study.objectives.values()]
            )
            drawing.add_trials(self._observed)
            for redraw in range(REDRAWS + 1):
                # a new one each time: what it draws depends on nothing but its seed and the trials
                drawing.sampler = _sampler(
                    self.study.sampler, _seed(self.study.seed, number, redraw)
                )
                suggestion = self._draw(drawing)
                if suggestion.spec.digest not in self._seen:
                    return suggestion
            return self._first_left(drawing)

    def tell(self, observed: Observed) -> None:
        """The result of a suggestion."""
        if self._grid is None:
            trial = _frozen(observed)
            self._observed.append(trial)
            self._seen.add(self.study.fix(lambda name, _domain: trial.params[name]).digest)

    def _draw(
        self, drawing: optuna.Study, attributes: Mapping[str, Any] | None = None
    ) -> Suggestion:
        trial = drawing.ask()
        spec = self.study.fix(lambda name, domain: _suggest(trial, name, domain))
        if attributes is None:
            attributes = drawing.get_trials(deepcopy=False)[trial.number].system_attrs
        return Suggestion(spec, _to_json(trial.params, trial.distributions, attributes))

    def _first_left(self, drawing: optuna.Study) -> Suggestion | None:
        """The first spec not yet observed of a space that can be listed, in the order of the grid.

        Optuna gives a trial whose values are fixed no generation: it is of that of the draws
        before it.
        """
        attributes = drawing.get_trials(deepcopy=False)[-1].system_attrs
        for digest, values in self._space.items():
            if digest not in self._seen:
                drawing.enqueue_trial(dict(values))
                return self._draw(drawing, attributes)
        return None


_DIRECTIONS: Mapping[str, Literal["maximize", "minimize"]] = {"max": "maximize", "min": "minimize"}


def _from_grid(asked: Mapping[str, Any], spec: Spec) -> Suggestion:
    distributions = {name: CategoricalDistribution([value]) for name, value in asked.items()}
    return Suggestion(spec, _to_json(asked, distributions, {}))


def _seed(seed: int, number: int, redraw: int) -> int:
    """Of the first draw as it was before there were redraws."""
    return int(digest_of([seed, number, redraw] if redraw else [seed, number])[:8], 16)


def _sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "nsga2":
        # The paper's operators (Deb et al. 2002). Optuna's mutation draws a parameter anew, which
        # with the one to three parameters of most studies is random search again.
        crossover, mutation = (
            optuna.samplers.nsgaii.SBXCrossover(),
            optuna.samplers.nsgaii.PolynomialMutation(),
        )
        return Nsga2(population_size=POPULATION, crossover=crossover, mutation=mutation, seed=seed)
    return optuna.samplers.TPESampler(seed=seed)


class Nsga2(optuna.samplers.NSGAIISampler):
    """NSGA-II whose parents come in the order of their trials, whoever selected them."""

    def get_parent_population(
        self, study: optuna.Study, generation: int
    ) -> list[optuna.trial.FrozenTrial]:
        """Optuna orders them otherwise for the trial that begins a generation.

        A resumed study has no such trial.
        """
        return sorted(
            super().get_parent_population(study, generation), key=lambda trial: trial.number
        )


def _suggest(trial: optuna.Trial, name: str, domain: Domain) -> Any:
    if isinstance(domain, Choice):
        return trial.suggest_categorical(name, domain.options)
    if isinstance(domain, Float):
        return trial.suggest_float(name, domain.low, domain.high, log=domain.log, step=domain.step)
    return trial.suggest_int(name, domain.low, domain.high, log=domain.log, step=domain.step)


def _to_json(
    params: Mapping[str, Any],
    distributions: Mapping[str, BaseDistribution],
    attributes: Mapping[str, Any],
) -> str:
    forms = {name: json.loads(distribution_to_json(form)) for name, form in distributions.items()}
    stored = {"params": dict(params), "distributions": forms, "attributes": dict(attributes)}
    return json.dumps(stored, sort_keys=True, indent=1)


def _frozen(observed: Observed) -> optuna.trial.FrozenTrial:
    stored = json.loads(observed.optuna)
    forms = {
        name: json_to_distribution(json.dumps(form))
        for name, form in stored["distributions"].items()
    }
    return optuna.trial.create_trial(
        state=TrialState.FAIL if observed.values is None else TrialState.COMPLETE,
        values=None if observed.values is None else list(observed.values),
        params=stored["params"],
        distributions=forms,
        system_attrs=stored.get("attributes"),  # trials of earlier versions have none
        constraints=dict(observed.violations) or None,
    )
