"""How much each knob decides: what is known of made-up results whose cause is known."""

from __future__ import annotations

import random
from typing import Any

from framework import Choice, Float, Study, use
from framework.contracts import Catalog
from framework.planning.resolve import resolve
from framework.runner.sampler import Observed, Sampler, importances

PRUNE = use("magnitude_prune", sparsity=Float(0.3, 0.95), epochs=Choice(1, 2, 4))
OTHER = use("random_prune", sparsity=Float(0.3, 0.95))


def observed(study: Study, trials: int) -> list[Observed]:
    """Sparsity decides the size, and whatever there is the accuracy."""
    sampler, answers = Sampler(study), []
    for number in range(trials):
        suggestion = sampler.ask(number)
        assert suggestion
        (step,) = suggestion.spec.compress
        noise = random.Random(number).random()
        answer = Observed(suggestion.optuna, (noise, 1 - step.knobs["sparsity"]), {})
        sampler.tell(number, answer)
        answers.append(answer)
    return answers


def study_of(*steps: Any) -> Study:
    chain = [Choice(*steps) if len(steps) > 1 else steps[0]]
    parts = {"architecture": use("lenet5"), "compress": chain, "sampler": "random"}
    return resolve(Study(dataset=use("digits"), trials=40, **parts), Catalog())


def test_the_knob_that_decides_an_objective_has_most_of_its_importance() -> None:
    study = study_of(PRUNE)
    noted = importances(study, observed(study, 40))
    (size,) = [one for one in noted if one["objective"] == "params_nonzero"]
    assert size["branch"] == ""
    assert size["trials"] == 40
    assert size["importances"]["compress.0.sparsity"] > 0.8
    assert abs(sum(size["importances"].values()) - 1) < 1e-9


def test_each_branch_of_a_space_has_its_own() -> None:
    study = study_of(PRUNE, OTHER)
    noted = importances(study, observed(study, 60))
    assert {one["branch"] for one in noted} == {"", "magnitude_prune", "random_prune"}
    assert importances(study, observed(study, 60)) == noted


def test_of_few_trials_and_of_failures_nothing_is_known() -> None:
    study = study_of(PRUNE)
    few = observed(study, 9)
    failed = [Observed(one.optuna, None, {}) for one in few]
    assert importances(study, [*few, *failed]) == []
