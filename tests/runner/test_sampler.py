"""Which spec comes next: the same questions whether or not a study was interrupted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from framework.runner.sampler import POPULATION, STARTUP, Observed, Sampler
from framework.study import AtMost, Spec, Study, Train, use
from framework.study.space import Choice, Float, Int

PRUNE = use(
    "magnitude_prune", layers=Choice("uniform", "erk"), sparsity=Float(0.5, 0.95), epochs=Int(1, 8)
)
FLAT: dict[str, Any] = {"compress": (PRUNE,)}
SEVERAL: dict[str, Any] = {
    "compress": (PRUNE,),
    "train": Train(learning_rate=Float(1e-4, 1e-1, log=True), batch_size=Choice(16, 32)),
    "objectives": {"val_accuracy": "max", "params_nonzero": "min", "size_tflite_bytes": "min"},
}
CONSTRAINED: dict[str, Any] = {
    "compress": (PRUNE,),
    "constraints": (AtMost("accuracy_drop", 0.01),),
}
CONDITIONAL: dict[str, Any] = {
    "architecture": Choice(
        use("lenet_300_100", label="small", units_1=16),
        use("lenet_300_100", label="wide", units_1=Int(32, 64)),
    ),
    "compress": (
        Choice(None, PRUNE, use("magnitude_prune", label="gentle", sparsity=Float(0.1, 0.5))),
    ),
}
SPACES = {"flat": FLAT, "several": SEVERAL, "constrained": CONSTRAINED, "conditional": CONDITIONAL}


def study(**parts: Any) -> Study:
    return Study(**{"dataset": use("digits"), "architecture": use("lenet_300_100")} | parts)


def answer(asked: Study, spec: Spec, question: str) -> Observed:
    """A made-up result that depends on the spec alone, so every run of a test gets the same."""
    noise = int(spec.digest[:6], 16) / 16**6
    sparsity = spec.compress[0].knobs["sparsity"] if spec.compress else 0.0
    if noise < 0.15:
        return Observed(question, None, {})
    known = {"val_accuracy": 1 - sparsity**3 * noise, "params_nonzero": 1e5 * (1 - sparsity)}
    values = tuple(known.get(name, 100 * noise) for name in asked.objectives)
    return Observed(question, values, {"drop": sparsity - 0.8} if asked.constraints else {})


def questions(
    asked: Study, *, trials: int, rebuilt_every: int | None = None
) -> list[tuple[str, str]]:
    """(digest of the spec, what Optuna was asked) of every trial; rebuilt from the stored text
    every few trials."""
    sampler, observed, found = Sampler(asked), [], []
    for number in range(trials):
        if rebuilt_every and number % rebuilt_every == 0:
            sampler = Sampler(asked)
            sampler.replay(dict(enumerate(observed)))
        suggestion = sampler.ask(number)
        observed.append(answer(asked, suggestion.spec, suggestion.optuna))
        sampler.tell(number, observed[-1])
        found.append((suggestion.spec.digest, suggestion.optuna))
    return found


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_an_interrupted_study_asks_the_same_questions(sampler: str, space: str) -> None:
    asked = study(sampler=sampler, **SPACES[space])
    whole = questions(asked, trials=20)
    assert questions(asked, trials=20, rebuilt_every=3) == whole
    assert questions(asked, trials=20, rebuilt_every=1) == whole
    assert len({digest for digest, _ in whole}) > 10


@pytest.mark.parametrize("space", SPACES)
def test_nsga2_goes_on_in_the_generation_it_stopped_in(space: str) -> None:
    """Its parents are trials of earlier sessions too.

    That it even asks the same questions is not promised.
    """
    asked = study(sampler="nsga2", **SPACES[space])
    whole = questions(asked, trials=3 * POPULATION)
    for every in (1, 7, POPULATION):
        assert questions(asked, trials=3 * POPULATION, rebuilt_every=every) == whole
    found = generations(whole)
    assert found == sorted(found)
    assert found[:POPULATION] == [0] * POPULATION
    assert found[-1] >= 1  # failed trials make no generation full


def generations(asked: list[tuple[str, str]]) -> list[int]:
    """The generation that was stored with each trial."""
    return [next(iter(json.loads(question)["attributes"].values())) for _, question in asked]


def test_nsga2_without_its_generations_would_begin_anew() -> None:
    """As if replayed trials were strangers to the population: what is stored with each trial is
    needed."""
    asked = study(sampler="nsga2", **FLAT)
    sampler = Sampler(asked)
    observed = []
    for _, question in questions(asked, trials=2 * POPULATION):
        stored = json.loads(question)
        observed.append(Observed(json.dumps(stored | {"attributes": {}}), (0.5, 1.0), {}))
    sampler.replay(dict(enumerate(observed)))
    assert generations([("", sampler.ask(2 * POPULATION).optuna)]) == [0]


def test_trials_stored_before_there_were_attributes_are_taken_in() -> None:
    asked = study(**FLAT)
    first = json.loads(Sampler(asked).ask(0).optuna)
    del first["attributes"]
    sampler = Sampler(asked)
    sampler.replay({0: Observed(json.dumps(first), (0.5, 1.0), {})})
    assert sampler.ask(1).optuna == questions(asked, trials=2)[1][1]


@pytest.mark.parametrize("constrained", [False, True])
def test_nsga2_learns_from_what_it_is_told(constrained: bool) -> None:
    """Two parameters, of which the sum is to be 0.6.

    Constrained, only sums below 0.5 are allowed.
    """
    parts: dict[str, Any] = {"constraints": (AtMost("accuracy_drop", 0.5),)} if constrained else {}
    chain = (
        use("magnitude_prune", sparsity=Float(0.0, 0.9)),
        use("magnitude_prune", sparsity=Float(0.0, 0.9)),
    )
    asked = study(sampler="nsga2", compress=chain, objectives={"params_nonzero": "min"}, **parts)
    sampler, sums = Sampler(asked), []
    for number in range(6 * POPULATION):
        suggestion = sampler.ask(number)
        sums.append(sum(step.knobs["sparsity"] for step in suggestion.spec.compress))
        sampler.tell(
            number,
            Observed(
                suggestion.optuna,
                (abs(sums[-1] - 0.6),),
                {"drop": sums[-1] - 0.5} if constrained else {},
            ),
        )
    wanted = [(value <= 0.5) if constrained else (abs(value - 0.6) < 0.2) for value in sums]
    assert sum(wanted[-2 * POPULATION :]) > sum(wanted[: 2 * POPULATION]) + POPULATION // 2


def test_the_made_up_results_hold_failures_and_broken_constraints() -> None:
    asked = study(**CONSTRAINED)
    sampler = Sampler(asked)
    observed = []
    for number in range(20):
        suggestion = sampler.ask(number)
        observed.append(answer(asked, suggestion.spec, suggestion.optuna))
        sampler.tell(number, observed[-1])
    assert any(item.values is None for item in observed)
    assert any(item.violations.get("drop", 0) > 0 for item in observed)


def test_tpe_learns_from_what_it_is_told() -> None:
    asked = study(
        compress=(use("magnitude_prune", sparsity=Float(0.0, 0.99)),),
        objectives={"params_nonzero": "min"},
    )
    sampler = Sampler(asked)
    tried = []
    for number in range(30):
        suggestion = sampler.ask(number)
        tried.append(suggestion.spec.compress[0].knobs["sparsity"])
        sampler.tell(number, Observed(suggestion.optuna, (abs(tried[-1] - 0.3),), {}))
    late = [abs(value - 0.3) for value in tried[15:]]
    early = [abs(value - 0.3) for value in tried[:10]]
    assert sum(late) / len(late) < sum(early) / len(early) / 2


def test_another_seed_asks_other_questions() -> None:
    first, second = (questions(study(seed=seed, **FLAT), trials=5) for seed in (0, 1))
    assert [question for _, question in first] != [question for _, question in second]


def test_the_number_of_trials_changes_no_question() -> None:
    assert (
        questions(study(trials=5, **FLAT), trials=5)
        == questions(study(trials=50, **FLAT), trials=12)[:5]
    )


def test_a_stored_question_holds_all_that_was_asked_and_only_that() -> None:
    asked = study(**CONDITIONAL)
    seen = set()
    for _, question in questions(asked, trials=20):
        stored = json.loads(question)
        assert stored["params"].keys() == stored["distributions"].keys()
        step, net = stored["params"]["compress.0"], stored["params"]["architecture"]
        expected = {
            "none": set(),
            "gentle": {"compress.0=gentle.sparsity"},
            "magnitude_prune": {
                f"compress.0=magnitude_prune.{knob}" for knob in ("layers", "sparsity", "epochs")
            },
        }[step] | ({"architecture=wide.units_1"} if net == "wide" else set())
        assert set(stored["params"]) == {"compress.0", "architecture"} | expected
        seen |= {step, net}
    assert seen == {"none", "gentle", "magnitude_prune", "small", "wide"}


def test_a_left_out_step_is_not_in_the_spec() -> None:
    sampler = Sampler(study(compress=(Choice(None, PRUNE),)))
    lengths = set()
    for number in range(10):
        suggestion = sampler.ask(number)
        left_out = json.loads(suggestion.optuna)["params"]["compress.0"] == "none"
        assert len(suggestion.spec.compress) == (0 if left_out else 1)
        lengths.add(len(suggestion.spec.compress))
        sampler.tell(number, Observed(suggestion.optuna, (0.5, 100.0), {}))
    assert lengths == {0, 1}


GRID: dict[str, Any] = {
    "sampler": "grid",
    "architecture": Choice(
        use("lenet_300_100", label="small", units_1=16), use("lenet_300_100", label="wide")
    ),
    "compress": (
        Choice(
            None, use("magnitude_prune", sparsity=Float(0.5, 0.9, step=0.2), epochs=Choice(1, 2))
        ),
    ),
}


def test_a_grid_holds_every_spec_once() -> None:
    asked = study(**GRID)
    limit = Sampler(asked).limit
    assert limit == 2 * (1 + 3 * 2)
    whole = questions(asked, trials=limit)
    assert len({digest for digest, _ in whole}) == limit
    assert questions(asked, trials=limit, rebuilt_every=3) == whole


@pytest.mark.parametrize("sampler", ["tpe", "random", "nsga2"])
def test_samplers_that_draw_have_no_limit(sampler: str) -> None:
    assert Sampler(study(sampler=sampler, **FLAT)).limit is None


def test_values_lie_in_their_domains() -> None:
    asked = study(**SEVERAL)
    sampler = Sampler(asked)
    for number in range(30):
        suggestion = sampler.ask(number)
        knobs, train = suggestion.spec.compress[0].knobs, suggestion.spec.train
        assert 0.5 <= knobs["sparsity"] <= 0.95
        assert knobs["epochs"] in range(1, 9)
        assert knobs["layers"] in ("uniform", "erk")
        assert 1e-4 <= train.learning_rate <= 1e-1
        assert train.batch_size in (16, 32)
        sampler.tell(number, answer(asked, suggestion.spec, suggestion.optuna))


def test_a_study_whose_trials_all_fail_goes_on_asking() -> None:
    """What is random at the start is so by its number, however many have failed."""
    asked = study(**FLAT)
    sampler, failed, random = Sampler(asked), {}, Sampler(study(sampler="random", **FLAT))
    for number in range(14):
        suggestion = sampler.ask(number)
        drawn = random.ask(number)
        assert (suggestion.optuna == drawn.optuna) == (number < STARTUP)
        failed[number] = Observed(suggestion.optuna, None, {})
        sampler.tell(number, failed[number])
    again = Sampler(asked)
    again.replay(failed)
    assert again.ask(14).optuna == sampler.ask(14).optuna


@pytest.mark.parametrize("sampler", ["tpe", "random", "nsga2"])
def test_where_nothing_is_searched_there_is_one_spec(sampler: str) -> None:
    fixed = Study(
        dataset=use("digits"),
        architecture=use("lenet5"),
        compress=[use("identity")],
        sampler=sampler,
    )
    assert Sampler(fixed).limit == 1
