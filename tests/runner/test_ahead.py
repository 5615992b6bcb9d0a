"""Trials side by side: what is asked hangs on numbers alone, never on who ended first."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.contracts import Catalog
from framework.errors import InvalidValue
from framework.planning import resolve
from framework.runner import sampler as sampler_module
from framework.runner.sampler import STARTUP, Observed, Sampler
from framework.study import Study, digest_of, use
from framework.study.space import Choice, Float, Int

PRUNE = use("prune", sparsity=Float(0.1, 0.9), k=Int(1, 4))
CHAINS: dict[str, Any] = {
    "flat": (PRUNE,),
    "conditional": (Choice(None, PRUNE, use("prune", label="few", at=Choice(0.1, 0.2))),),
    # 12 specs, so that draws are thrown away and the space ends
    "small": (use("prune", k=Int(1, 3), at=Choice(0.1, 0.2, 0.4, 0.8)),),
}
TRIALS = 24


def study(**parts: Any) -> Study:
    return Study(**{"dataset": use("digits"), "architecture": use("lenet5")} | parts)


def result(digest: str, question: str) -> Observed:
    """A made-up result that only the spec decides; every seventh fails."""
    noise = int(digest[:6], 16) / 16**6
    return Observed(question, None if noise < 1 / 7 else (noise, 1 - noise**2), {})


def one_by_one(asked: Study) -> list[str]:
    """The questions where each trial ends before the next begins."""
    sampler, questions = Sampler(asked), []
    for number in range(TRIALS):
        suggestion = sampler.ask(number)
        if suggestion is None:
            break
        questions.append(suggestion.optuna)
        sampler.tell(number, result(suggestion.spec.digest, suggestion.optuna))
    return questions


@pytest.fixture(autouse=True, scope="module")
def few_redraws() -> Iterator[None]:
    """A space that comes to its end costs a hundred draws for each of the last trials."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler_module, "REDRAWS", 6)
        yield


class Workers:
    """Some workers, of which one after another ends at random, and a session that dies at times."""

    def __init__(self, asked: Study, *, workers: int, seed: int) -> None:
        self.asked, self.workers = asked, workers
        self.draw = random.Random(seed)
        self.questions: dict[int, str] = {}
        self.ended: dict[int, Observed] = {}
        self.most = 0  # trials that were at work at a time

    def run(self) -> list[str]:
        """The questions by number, until all trials have ended."""
        while not self._session():
            pass
        return [self.questions[number] for number in sorted(self.questions)]

    def _session(self) -> bool:
        """Whether it came to the end before it died."""
        sampler, flying = Sampler(self.asked), dict[int, Observed]()
        sampler.replay(dict(sorted(self.ended.items())))
        queue = [number for number in range(TRIALS) if number not in self.ended]
        while queue or flying:
            if self.draw.random() < 0.05:
                return False
            if queue and len(flying) < self.workers and sampler.ready(queue[0]):
                suggestion = sampler.ask(queue[0])
                if suggestion is None:
                    queue.clear()
                    continue
                number = queue.pop(0)
                before = self.questions.setdefault(number, suggestion.optuna)
                assert before == suggestion.optuna
                flying[number] = result(suggestion.spec.digest, suggestion.optuna)
                self.most = max(self.most, len(flying))
                continue
            number = self.draw.choice(sorted(flying))
            self.ended[number] = flying.pop(number)
            sampler.tell(number, self.ended[number])
        return True


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("sampler", ["tpe", "random", "nsga2"])
@given(ahead=st.integers(1, 8), workers=st.integers(1, 5), seed=st.integers(0, 10**6))
@settings(max_examples=4, deadline=None)
def test_order_workers_and_deaths_change_no_question(
    sampler: str, chain: str, ahead: int, workers: int, seed: int
) -> None:
    asked = study(sampler=sampler, ahead=ahead, compress=CHAINS[chain])
    crowd = Workers(asked, workers=workers, seed=seed)
    assert crowd.run() == one_by_one(asked)
    assert crowd.most <= workers
    if sampler == "nsga2":  # all of its draws look at results
        assert crowd.most <= ahead


def questions(asked: Study) -> Iterator[tuple[int, dict[str, Any], Observed]]:
    """Number, values and result of each trial."""
    sampler = Sampler(asked)
    for number in range(TRIALS):
        suggestion = sampler.ask(number)
        assert suggestion is not None
        ended = result(suggestion.spec.digest, suggestion.optuna)
        yield number, json.loads(suggestion.optuna)["params"], ended
        sampler.tell(number, ended)


@pytest.mark.parametrize("ahead", [1, 3, 8])
def test_a_question_is_that_of_a_plain_study_with_the_others_running(ahead: int) -> None:
    """Made of Optuna alone: results of 0 to n - ahead, the later ones as RUNNING."""
    asked = study(ahead=ahead, compress=(use("prune", sparsity=Float(0.1, 0.9)),))
    form = optuna.distributions.FloatDistribution(0.1, 0.9)
    known: list[tuple[dict[str, Any], Observed]] = []
    for number, params, ended in questions(asked):
        seed = int(digest_of([0, number])[:8], 16)
        start = 0 if number >= STARTUP else STARTUP
        tpe = optuna.samplers.TPESampler(seed=seed, n_startup_trials=start)
        plain = optuna.create_study(directions=["maximize", "minimize"], sampler=tpe)
        for below, (values, past) in enumerate(known):
            state = optuna.trial.TrialState.RUNNING
            if below <= number - ahead:
                failed = past.values is None
                state = optuna.trial.TrialState.FAIL if failed else optuna.trial.TrialState.COMPLETE
            plain.add_trial(
                optuna.trial.create_trial(
                    state=state,
                    params=values,
                    distributions={"compress.0.sparsity": form},
                    values=past.values if state == optuna.trial.TrialState.COMPLETE else None,
                )
            )
        drawn = plain.ask().suggest_float("compress.0.sparsity", 0.1, 0.9)
        assert params == {"compress.0.sparsity": drawn}
        known.append((params, ended))


def test_what_is_not_known_yet_is_not_asked() -> None:
    sampler = Sampler(study(ahead=2, sampler="nsga2", compress=CHAINS["flat"]))
    first, second = sampler.ask(0), sampler.ask(1)
    assert first is not None
    assert second is not None
    assert not sampler.ready(2)
    with pytest.raises(ValueError, match="Trial 2 is asked before"):
        sampler.ask(2)
    sampler.tell(1, result(second.spec.digest, second.optuna))  # the later one: still not
    assert not sampler.ready(2)
    sampler.tell(0, result(first.spec.digest, first.optuna))
    assert sampler.ready(2)
    assert not sampler.ready(3)  # trial 2 has not been asked


def test_the_first_trials_of_tpe_need_no_result() -> None:
    sampler = Sampler(study(compress=CHAINS["flat"]))
    for number in range(STARTUP):
        assert sampler.ready(number)
        sampler.ask(number)
    assert not sampler.ready(STARTUP)


# --- the field of a study -------------------------------------------------------------------------


def test_ahead_stands_in_the_digest_where_it_is_not_1() -> None:
    parts = {"compress": (use("magnitude_prune", sparsity=Float(0.1, 0.9)),)}
    assert study(ahead=1, **parts).digest == study(**parts).digest
    assert study(ahead=2, **parts).digest != study(**parts).digest


def test_auto_is_written_out() -> None:
    parts = {"compress": (use("magnitude_prune", sparsity=Float(0.1, 0.9)),)}
    resolved = resolve.resolve(study(ahead="auto", **parts), Catalog())
    assert resolved.ahead == resolve.AHEAD
    stated = resolve.resolve(study(ahead=resolve.AHEAD, **parts), Catalog())
    assert resolved.digest == stated.digest


@pytest.mark.parametrize("ahead", [0, 65, -1, True, 2.0, "many", None])
def test_other_values_are_refused(ahead: Any) -> None:
    with pytest.raises(InvalidValue, match="ahead is a whole number from 1 to 64"):
        study(ahead=ahead)
