"""The one door to Optuna.

Which spec to try next, decided by the seed and the trials observed so far.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
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

from framework.study.checks import BLIND
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

# of one trial: a sampler that has settled on a few specs seldom leaves them; each costs some ms
REDRAWS = 100
STARTUP = 10  # numbers below it are random under TPE, as Optuna has it
LEAST_TRIALS = 10  # of a branch, of which importances are told
CHOSEN = re.compile(r"architecture|compress\.\d+")  # which plug-in
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

    Trial n is asked of exactly this: the results of trials 0 to n - ahead, and of the later ones
    below n what was suggested, as if they ran. So it does not matter in which order trials end, on
    how many workers they run, or where a session began: a result that comes early waits. Free of
    it are draws that look at no result: a grid, random ones, and the first of TPE.

    Each draw is of a sampler made from (seed, trial number, redraw). One whose spec was suggested
    before is taken back and drawn again. A grid is enumerated by `enumerate_specs`. For NSGA-II
    the generation of each trial is stored with it, so that trials of earlier sessions are parents
    like any other.

    Args:
        study: resolved.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._ahead = int(study.ahead)
        self._grid = enumerate_specs(study) if study.sampler == "grid" else None
        self._past = _Past(study)
        # by the trial's number: Optuna's part of the suggestion, its result, its spec
        self._questions: dict[int, str] = {}
        self._told: dict[int, Observed] = {}
        self._specs: dict[int, Spec] = {}

    @property
    def limit(self) -> int | None:
        """How many trials there can be, where that is known.

        One for each spec, and those that were done again.
        """
        if self._grid is not None:
            return len(self._grid)
        again = len(self._specs) - len(self.seen())
        return self.distinct and self.distinct + again

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

    def replay(self, observed: Mapping[int, Observed]) -> None:
        """Take in trials of earlier sessions, by their numbers."""
        for number, trial in observed.items():
            self.tell(number, trial)

    def ready(self, number: int) -> bool:
        """Whether all that `ask(number)` needs to know has been told."""
        if self._grid is not None:
            return True
        # of every trial below it is known what was asked: no spec is tried twice
        return set(range(number)) <= self._questions.keys() and (
            set(range(self._heard(number))) <= self._told.keys()
        )

    def ask(self, number: int) -> Suggestion | None:
        """What trial `number` (0-based) is to try; numbers are asked in their order.

        None where every spec that can be found was suggested before.
        """
        if self._grid is not None:
            return _from_grid(*self._grid[number])
        if not self.ready(number):
            raise ValueError(f"Trial {number} is asked before those that it hangs on are told.")
        with warnings.catch_warnings():
            # Optuna says of some of its samplers and options that they may still change
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            suggestion = self._suggestion(number)
        if suggestion:
            self._note(number, suggestion.optuna, suggestion.spec)
        return suggestion

    def tell(self, number: int, observed: Observed) -> None:
        """The result of a suggestion."""
        self._told[number] = observed
        if self._grid is None and number not in self._questions:
            params = json.loads(observed.optuna)["params"]
            spec = self.study.fix(lambda name, _domain: params[name])
            self._note(number, observed.optuna, spec)

    def spec(self, number: int) -> Spec:
        """What was suggested for a trial, in this session or before."""
        return self._specs[number] if self._grid is None else self._grid[number][1]

    def _note(self, number: int, question: str, spec: Spec) -> None:
        self._questions[number], self._specs[number] = question, spec

    def seen(self) -> set[str]:
        """Digests of what was suggested, in this session or before; of a grid none is noted."""
        return {spec.digest for spec in self._specs.values()}

    def _heard(self, number: int) -> int:
        """How many of the first trials' results trial `number` hangs on."""
        return 0 if self._is_free(number) else max(0, number - self._ahead + 1)

    def _is_free(self, number: int) -> bool:
        """Whether it is drawn without a look at any result."""
        is_start = self.study.sampler == "tpe" and number < STARTUP
        return is_start or self.study.sampler in BLIND

    def _suggestion(self, number: int) -> Suggestion | None:
        seen = self.seen()
        attributes: Mapping[str, Any] = {}
        for redraw in range(REDRAWS + 1):
            drawing = self._drawing(number, redraw)
            suggestion = self._draw(drawing)
            if suggestion.spec.digest not in seen:
                return suggestion
            # Optuna gives a trial whose values are fixed no generation: it is of that of the draws
            attributes = json.loads(suggestion.optuna)["attributes"]
        for digest, values in self._space.items():
            if digest not in seen:
                drawing = self._drawing(number, 0)
                drawing.enqueue_trial(dict(values))
                return self._draw(drawing, attributes)
        return None

    def _drawing(self, number: int, redraw: int) -> optuna.Study:
        """The Optuna study of which one draw of trial `number` is asked."""
        seed = _seed(self.study.seed, number, redraw)
        if self._is_free(number):
            return self._past.study([], [], _sampler("random", seed))
        heard = self._heard(number)
        told = [self._told[below] for below in range(heard)]
        running = [self._questions[below] for below in range(heard, number)]
        return self._past.study(told, running, _sampler(self.study.sampler, seed))

    def _draw(
        self, drawing: optuna.Study, attributes: Mapping[str, Any] | None = None
    ) -> Suggestion:
        trial = drawing.ask()
        spec = self.study.fix(lambda name, domain: _suggest(trial, name, domain))
        if attributes is None:
            attributes = drawing.get_trials(deepcopy=False)[trial.number].system_attrs
        return Suggestion(spec, _to_json(trial.params, trial.distributions, attributes))


def importances(study: Study, trials: Iterable[Observed]) -> list[dict[str, Any]]:
    """How much of each objective each knob decides, within each branch of the space.

    A branch is of trials that chose the same plug-ins; the whole space comes first.

    Returns:
        `branch`, `objective`, `trials`, `importances` (knob -> share of 1).

    Source: Watanabe et al. 2023, arXiv:2304.10255 (PED-ANOVA).
    """
    branches: dict[str, list[optuna.trial.FrozenTrial]] = {"": []}
    for trial in [_frozen(one) for one in trials if one.values is not None]:
        names = filter(CHOSEN.fullmatch, sorted(trial.params))
        for branch in {"", ", ".join(str(trial.params[name]) for name in names)}:
            branches.setdefault(branch, []).append(trial)
    noted = []
    for branch, group in branches.items():
        for place, (name, direction) in enumerate(study.objectives.items()):
            shares = _shares(group, place, -1.0 if direction == "max" else 1.0)
            if shares:
                head = {"branch": branch, "objective": name, "trials": len(group)}
                noted.append(head | {"importances": shares})
    return noted


def _shares(trials: Sequence[Any], place: int, sign: float) -> Mapping[str, float]:
    if len(trials) < LEAST_TRIALS:
        return {}
    drawn = optuna.create_study()
    for trial in trials:
        told = {"params": trial.params, "distributions": trial.distributions}
        drawn.add_trial(optuna.trial.create_trial(**told, value=sign * trial.values[place]))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a knob that few trials have
        shares = optuna.importance.get_param_importances(drawn, evaluator=evaluator)
    # the same for all is how Optuna says that nothing is known
    return shares if len(set(shares.values())) != 1 or len(shares) == 1 else {}


class _Past:
    """The trials that Optuna is shown, which are kept from one question to the next.

    Building them anew would cost 0.3 ms for each trial and question.
    """

    def __init__(self, study: Study) -> None:
        directions = [_DIRECTIONS[short] for short in study.objectives.values()]
        self._storage = _Trials()
        self._study = optuna.create_study(storage=self._storage, directions=directions)
        self._shown: list[Observed] = []

    def study(
        self,
        told: Sequence[Observed],
        running: Sequence[str],
        sampler: optuna.samplers.BaseSampler,
    ) -> optuna.Study:
        """An Optuna study of exactly these trials, in this order, and nothing drawn before."""
        same = 0
        while same < min(len(told), len(self._shown)) and told[same] is self._shown[same]:
            same += 1
        self._storage.rewind(same)
        self._study.add_trials(map(_frozen, told[same:]))
        self._shown = list(told)
        self._study.add_trials(map(_running, running))
        self._study.sampler = sampler
        return self._study


class _Trials(optuna.storages.InMemoryStorage):
    """Trials in memory of which the last can be taken back, as Optuna's own cannot."""

    def rewind(self, count: int) -> None:
        """Leave the first `count` trials of each study, and nothing that a sampler has noted.

        NSGA-II notes who the parents are, and would keep to them when more have ended.
        """
        with self._lock:
            for study in self._studies.values():
                for trial in study.trials[count:]:
                    del self._trial_id_to_study_id_and_number[trial._trial_id]
                del study.trials[count:]
                study.system_attrs = {}
                study.param_distribution = {}


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
    # what is random at the start is decided by the trial's number, however many have failed
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=0)


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
    """A trial that has ended, as Optuna knows it."""
    return optuna.trial.create_trial(
        **_question(observed.optuna),
        state=TrialState.FAIL if observed.values is None else TrialState.COMPLETE,
        values=None if observed.values is None else list(observed.values),
        constraints=dict(observed.violations) or None,
    )


def _running(question: str) -> optuna.trial.FrozenTrial:
    """One of which only the question is known: TPE supposes that it is none of the good ones."""
    return optuna.trial.create_trial(**_question(question), state=TrialState.RUNNING)


def _question(text: str) -> dict[str, Any]:
    """What was asked, from its stored form."""
    stored = json.loads(text)
    forms = {}
    for name, form in stored["distributions"].items():
        forms[name] = json_to_distribution(json.dumps(form))
    # trials of earlier versions have no attributes
    attributes = stored.get("attributes")
    return {"params": stored["params"], "distributions": forms, "system_attrs": attributes}
