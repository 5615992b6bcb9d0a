"""No spec is tried twice: draws are drawn again, the same after an interruption, until there is
nothing new."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.results.record import Run
from framework.runner.forecast.estimate import _wanted
from framework.runner.sampler import Observed, Sampler
from framework.study import Study, Train, digest_of, use
from framework.study.grid import combinations, enumerate_specs
from framework.study.space import Choice, Float, Int
from framework.tracking.history import History

ROOT = Path(__file__).parents[2]
DRAWN = ("tpe", "random", "nsga2")
# 4 specs
TWO = {"compress": (use("prune", sparsity=Choice(0.5, 0.9), layers=Choice("erk", "uniform")),)}
# 3 specs in 4 ways
TWICE = {"compress": (Choice(None, use("prune", k=1)), Choice(None, use("prune", k=1)))}


def study(**parts: Any) -> Study:
    return Study(**{"dataset": use("digits"), "architecture": use("lenet5")} | parts)


def result(asked: Study, digest: str, question: str) -> Observed:
    """A made-up result that only the spec decides; every seventh fails."""
    noise = int(digest[:6], 16) / 16**6
    return Observed(question, None if noise < 1 / 7 else (noise,) * len(asked.objectives), {})


def run(
    asked: Study, *, trials: int, observed: list[Observed] | None = None, rebuilt_every: int = 0
) -> list[tuple[str, str]]:
    """(digest of the spec, question) of every trial until the sampler finds no other."""
    sampler, observed, found = Sampler(asked), list(observed or []), []
    sampler.replay(dict(enumerate(observed)))
    for number in range(len(observed), trials):
        if rebuilt_every and number % rebuilt_every == 0:
            sampler = Sampler(asked)
            sampler.replay(dict(enumerate(observed)))
        suggestion = sampler.ask(number)
        if suggestion is None:
            break
        observed.append(result(asked, suggestion.spec.digest, suggestion.optuna))
        sampler.tell(number, observed[-1])
        found.append((suggestion.spec.digest, suggestion.optuna))
    return found


def digests(found: list[tuple[str, str]]) -> list[str]:
    return [digest for digest, _ in found]


# --- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", DRAWN)
@pytest.mark.parametrize("name", ["lenet5_quantize", "lenet5_shootout"])
def test_every_spec_of_a_shipped_study_is_tried_once_whoever_draws(name: str, sampler: str) -> None:
    asked = plan(ROOT, name, settings=[f"sampler={sampler}"], catalog=Catalog()).study
    found = run(asked, trials=asked.trials)
    grid = [spec.digest for _, spec in enumerate_specs(asked)]
    assert len(found) == asked.trials
    assert sorted(digests(found)) == sorted(grid)


@pytest.mark.parametrize("sampler", DRAWN)
@pytest.mark.parametrize("every", [1, 3])
def test_draws_that_were_thrown_away_are_the_same_after_an_interruption(
    sampler: str, every: int
) -> None:
    """So they are in no history: a rebuilt sampler knows only what it was told."""
    chain = (
        Choice(None, use("prune", k=Int(1, 3), at=Choice(0.1, 0.2, 0.4))),
        Choice(None, use("ptq")),
    )
    asked = study(sampler=sampler, compress=chain)
    whole = run(asked, trials=20)
    assert len(whole) == len(set(digests(whole))) == 20
    assert run(asked, trials=20, rebuilt_every=every) == whole


@pytest.mark.parametrize("seed", [0, 7])
def test_a_first_draw_is_the_one_of_a_plain_study(seed: int) -> None:
    """A study that meets no spec twice asks what it asked before draws were repeated, and keeps all
    its results."""
    asked = study(
        sampler="tpe", seed=seed, compress=(use("prune", sparsity=Float(0.1, 0.9), k=Float(0, 1)),)
    )
    plain = optuna.create_study(directions=["maximize", "minimize"])
    sampler = Sampler(asked)
    for number in range(15):
        plain.sampler = optuna.samplers.TPESampler(seed=int(digest_of([seed, number])[:8], 16))
        trial, suggestion = plain.ask(), sampler.ask(number)
        own = {
            name: trial.suggest_float(f"compress.0.{name}", *ends)
            for name, ends in (("sparsity", (0.1, 0.9)), ("k", (0, 1)))
        }
        assert suggestion is not None
        assert suggestion.spec.compress[0].knobs == own
        plain.tell(trial, [own["k"], own["sparsity"]])
        sampler.tell(number, Observed(suggestion.optuna, (own["k"], own["sparsity"]), {}))


@pytest.mark.parametrize("sampler", DRAWN)
def test_a_spec_that_failed_is_not_tried_again(sampler: str) -> None:
    asked = study(sampler=sampler, **TWO)
    failing = Sampler(asked)
    seen = set()
    for number in range(4):
        suggestion = failing.ask(number)
        assert suggestion is not None
        seen.add(suggestion.spec.digest)
        failing.tell(number, Observed(suggestion.optuna, None, {}))
    assert len(seen) == 4
    assert failing.ask(4) is None


# --- where it ends --------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", DRAWN)
@pytest.mark.parametrize(("space", "count"), [(TWO, 4), (TWICE, 3)])
def test_a_finite_space_is_known_and_ends(space: dict[str, Any], count: int, sampler: str) -> None:
    asked = study(sampler=sampler, **space)
    assert Sampler(asked).limit == Sampler(asked).distinct == count
    found = run(asked, trials=10)
    assert len(found) == len(set(digests(found))) == count


@pytest.mark.parametrize("sampler", DRAWN)
def test_what_draws_do_not_find_is_taken_from_the_grid(
    sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.runner.sampler.REDRAWS", 0)
    asked = study(
        sampler=sampler, compress=(use("prune", k=Int(1, 12), at=Float(0.1, 0.5, step=0.1)),)
    )
    whole = run(asked, trials=100)
    assert len(whole) == len(set(digests(whole))) == 60
    assert run(asked, trials=100, rebuilt_every=1) == whole
    assert {tuple(sorted(json.loads(question)["attributes"])) for _, question in whole} == {
        ("Nsga2:generation",) if sampler == "nsga2" else ()
    }


@pytest.mark.parametrize("sampler", DRAWN)
def test_a_space_that_is_too_large_to_list_ends_too(
    sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.runner.sampler.ENUMERABLE", 3)
    asked = study(sampler=sampler, **TWO)
    assert Sampler(asked).limit is Sampler(asked).distinct is None
    found = run(asked, trials=50)
    assert 1 < len(found) == len(set(digests(found))) <= 4


def test_a_space_of_more_values_than_fit_into_memory_is_not_listed() -> None:
    asked = study(sampler="random", compress=(use("prune", k=Int(1, 10**15)),))
    assert Sampler(asked).limit is None
    assert len(run(asked, trials=3)) == 3


@pytest.mark.parametrize("sampler", DRAWN)
def test_a_store_with_specs_that_were_done_twice_goes_on(sampler: str) -> None:
    asked = study(sampler=sampler, **TWO)
    first = Sampler(asked).ask(0)
    assert first is not None
    old = [Observed(first.optuna, (0.5, 0.5), {})] * 3
    resumed = Sampler(asked)
    resumed.replay(dict(enumerate(old)))
    assert (resumed.limit, resumed.distinct) == (6, 4)
    found = run(asked, trials=6, observed=old)
    assert len({first.spec.digest, *digests(found)}) == 4


def test_a_grid_is_walked_as_before() -> None:
    asked = study(sampler="grid", **TWICE)
    assert Sampler(asked).limit == 4
    assert digests(run(asked, trials=4)) == [spec.digest for _, spec in enumerate_specs(asked)]


# --- counting -------------------------------------------------------------------------------------

DOMAINS = st.one_of(
    st.integers(2, 4).map(lambda n: Choice(*range(n))),
    st.builds(Int, st.integers(0, 3), st.integers(4, 8), step=st.integers(1, 3)),
    st.builds(Float, st.integers(0, 2), st.integers(3, 4), step=st.sampled_from([0.5, 0.7, 1.0])),
    st.just(1),
)


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.tuples(DOMAINS, DOMAINS), min_size=1, max_size=3), max_size=2),
    st.booleans(),
)
def test_combinations_are_what_a_grid_walks_through(
    chain: list[list[tuple[Any, Any]]], left_out: bool
) -> None:
    steps = []
    for options in chain:
        uses = [use("prune", label=f"way{n}", a=a, b=b) for n, (a, b) in enumerate(options)]
        uses += [None] if left_out else []
        steps.append(Choice(*uses) if len(uses) > 1 else uses[0])
    asked = study(compress=steps, train=Train(epochs=Choice(1, 2)))
    assert combinations(asked) == len(enumerate_specs(asked))
    assert math.isinf(combinations(replace(asked, train=Train(learning_rate=Float(0.1, 0.2)))))


def test_an_estimate_knows_where_a_study_ends() -> None:
    def done(*specs: str) -> History:
        runs = [Run("", "trial", "FINISHED", {"spec_digest": spec}, {}, {}) for spec in specs]
        return History(0, None, False, done=dict(enumerate(runs)))

    asked = study(sampler="tpe", trials=20, **TWO)
    assert _wanted(asked, done()) == _wanted(asked, done("a", "b")) == 4
    assert _wanted(asked, done("a", "a", "b", "a")) == 6
    assert _wanted(replace(asked, trials=3), done("a")) == 3
    assert _wanted(study(sampler="grid", trials=20, **TWICE), done("a", "a")) == 4
    assert _wanted(study(compress=(use("prune", k=Float(0, 1)),), trials=20), done("a", "a")) == 20
