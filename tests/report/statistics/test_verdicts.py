"""What is said of two methods: each word, Holm's steps, the looks, and how many seeds more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.report.statistics.comparison import Difference, difference
from framework.report.statistics.verdicts import (
    BETTER,
    EQUAL,
    NO_VERDICT,
    TOO_SMALL,
    UNDECIDED,
    further_seeds,
    holm,
    share_of,
    verdicts,
)

REGION = 0.005


def apart(mean: float, error: float, seeds: int = 5) -> Difference:
    return Difference(
        mean=mean,
        error=error,
        degrees=seeds - 1,
        settings=1,
        seeds=seeds,
        pooled=False,
        deviation=error * seeds**0.5,
    )


@pytest.mark.parametrize(
    ("mean", "error", "word"),
    [
        (0.04, 0.002, BETTER),
        (-0.04, 0.002, BETTER),
        (0.002, 0.0001, TOO_SMALL),
        (0.0001, 0.0005, EQUAL),
        (0.004, 0.002, UNDECIDED),
        (0.0, 0.01, UNDECIDED),
    ],
)
def test_each_word(mean: float, error: float, word: str) -> None:
    one = apart(mean, error)
    verdict = verdicts({"pair": one}, region=REGION)["pair"]
    assert verdict.word == word
    # the interval beside a word is the one that the word is about
    assert (verdict.low, verdict.high) == one.interval(1 - 0.05 / 4)
    assert (verdict.low > 0 or verdict.high < 0) == (word in (BETTER, TOO_SMALL))


def test_no_verdict_says_why() -> None:
    answers = verdicts(
        {"two": apart(0.1, 0.001, seeds=2), "coarse": apart(0.1, 0.0001)},
        region=REGION,
        resolution=0.008,
    )
    assert [one.word for one in answers.values()] == [NO_VERDICT, NO_VERDICT]
    assert [one.why for one in answers.values()] == ["fewer than 3 seeds", "below resolution"]
    assert answers["two"].low is None


def test_holm_goes_on_until_one_is_not_rejected() -> None:
    assert holm({"a": 0.001, "b": 0.04, "c": 0.02}, 0.05) == {"a": 0.05 / 3, "c": 0.025, "b": 0.05}
    # the step at which it stops holds for all that follow
    levels = holm({"a": 0.03, "b": 0.001, "c": 0.04}, 0.05)
    assert levels == {"b": 0.05 / 3, "a": 0.025, "c": 0.025}
    assert holm({}, 0.05) == {}


@given(st.dictionaries(st.integers(0, 9), st.floats(0, 1), min_size=1), st.floats(0.001, 0.2))
def test_holm_rejects_what_adjusted_p_values_reject(
    p_values: dict[int, float], level: float
) -> None:
    ranked = sorted(p_values.values())
    adjusted = np.maximum.accumulate(
        [(len(ranked) - rank) * value for rank, value in enumerate(ranked)]
    )
    # ties share the larger step
    largest = dict(zip(ranked, adjusted, strict=True))
    levels = holm(p_values, level)
    for key, value in p_values.items():
        if abs(largest[value] - level) > 1e-12 and ranked.count(value) == 1:
            assert (value <= levels[key]) == (largest[value] <= level)


def test_four_looks_and_all_others_spend_the_level() -> None:
    assert sum(map(share_of, (3, 5, 10, 20))) == 1
    assert share_of(4) == share_of(100) == 1 / 20
    one = apart(0.01, 0.0011, seeds=4)
    assert verdicts({"pair": one}, region=REGION)["pair"].confidence == 1 - 0.05 / 20


def test_more_pairs_ask_for_more() -> None:
    one = apart(0.01, 0.0019)
    assert verdicts({"only": one}, region=REGION)["only"].word == BETTER
    family = {"first": one} | {f"other {index}": apart(0.0, 0.01) for index in range(5)}
    assert verdicts(family, region=REGION)["first"].word == UNDECIDED


def test_so_many_seeds_more_would_decide() -> None:
    generator = np.random.default_rng(1)
    table = generator.normal(0.004, 0.004, size=(1, 5))
    one = difference(table)
    verdict = verdicts({"pair": one}, region=REGION)["pair"]
    assert verdict.word == UNDECIDED
    assert verdict.level is not None
    few, many = further_seeds(one, region=REGION, level=verdict.level)
    assert 0 < few < many
    # with the larger number, and the same mean and deviation, it is decided
    seeds = one.seeds + many
    later = apart(one.mean, one.error * (one.seeds / seeds) ** 0.5, seeds)
    assert verdicts({"pair": later}, region=REGION)["pair"].word != UNDECIDED


def test_what_a_thousand_seeds_would_not_decide_has_no_range() -> None:
    # exactly at the edge of the region, and as much noise as one likes
    assert further_seeds(apart(0.005, 1.0), region=REGION, level=0.05) is None
