"""`make simulate`: a small one is within wide limits, and the page in docs is of these cases."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.simulate import page
from benchmarks.simulate.__main__ import simulated
from benchmarks.simulate.decisions import LOOKS, NOISES, asked_until_decided
from benchmarks.simulate.outcomes import COVERAGE, Outcome, Size, covered

ROOT = Path(__file__).parents[2]
SMALL = Size(simulations=40, draws=100)


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return list(simulated(SMALL))


def cells(text: str) -> list[str]:
    """The heads and the first cells of all tables."""
    return [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]


def test_the_page_is_of_these_cases(outcomes: list[Outcome]) -> None:
    kept = (ROOT / page.PAGE).read_text("utf-8")
    made = page.text(outcomes)
    assert cells(kept) == cells(made)
    assert kept.split("## The simulation")[0] == made.split("## The simulation")[0]


def test_no_figure_of_the_page_is_outside_of_its_limits() -> None:
    kept = (ROOT / page.PAGE).read_text("utf-8")
    assert "**none**" not in kept
    assert not re.findall(r"\*\*[\d.]+ %\*\*", kept)


def test_even_few_simulations_are_far_from_wrong(outcomes: list[Outcome]) -> None:
    held = [one for one in outcomes if one.limits is not None]
    assert len(held) == 78
    for one in held:
        if one.limits == COVERAGE:
            assert one.rate >= 0.8, one
        else:
            assert one.rate <= 0.2, one


def test_collapsing_seeds_get_an_interval_less_often(outcomes: list[Outcome]) -> None:
    said = {(one.case, one.column): one.said for one in outcomes if "report shows" in one.what}
    assert said["one training in five collapses to chance", "5 seeds"] < 0.6
    assert said["rounded to samples, 0.3 samples", "5 seeds"] == 0
    assert said["normal, 20 samples", "5 seeds"] > 0.9


def test_a_figure_outside_of_its_limits_is_told() -> None:
    wrong = Outcome(what="mean", case="x", column="3 seeds", rate=0.85, said=1.0, limits=COVERAGE)
    assert wrong.broken
    assert "| x | **85.0 %** |" in "\n".join(page.tables([wrong]))
    assert covered([(None, None), (0, 1), (2, 3)], 0.5) == (0.5, 2 / 3)


def test_what_was_decided_stays_decided() -> None:
    values = NOISES[0].trainings(np.random.default_rng(0), LOOKS[-1])
    values[0] += 0.1
    assert asked_until_decided(values, LOOKS) == {(0, 1): "better"}


@pytest.mark.slow
def test_the_page_is_what_the_simulation_prints() -> None:
    every = list(simulated(Size()))
    assert not [one for one in every if one.broken]
    assert page.text(every) == (ROOT / page.PAGE).read_text("utf-8")
