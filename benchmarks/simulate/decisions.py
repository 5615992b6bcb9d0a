"""How often a verdict is wrong: of methods that are equal, and of methods at the edge of equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.simulate.outcomes import SAMPLE, SPLIT, WRONG, Outcome, Size
from framework.report.statistics.comparison import difference
from framework.report.statistics.intervals import resolution_of
from framework.report.statistics.verdicts import (
    BETTER,
    EQUAL,
    LOOKS,
    NO_VERDICT,
    REGIONS,
    TOO_SMALL,
    UNDECIDED,
    verdicts,
)

ALIKE, EDGE = "A/A: equal methods called different", "a difference of the region called equal"
OPEN = (UNDECIDED, NO_VERDICT)
SETTINGS = 4
REGION = REGIONS["accuracy"]
ASKED = {
    "3 seeds": (3,),
    "5 seeds": (5,),
    "3, 5, 10, 20 until decided": LOOKS,
    "each of 3 to 20 until decided": tuple(range(3, 21)),
}


@dataclass(frozen=True)
class Noise:
    """Of the trainings that are compared.

    Args:
        methods: how many, each compared with each.
        samples: the standard deviation of one training.
        effect: of a seed on all settings of a method, in such standard deviations.
    """

    methods: int
    samples: float
    effect: float

    def __str__(self) -> str:
        text = f"{self.methods} methods, {self.samples:g} samples"
        return f"{text}, effect of the seed {self.effect:g}"

    def trainings(self, generator: np.random.Generator, seeds: int) -> Any:
        """(methods, settings, seeds), each method about 0."""
        alone = generator.standard_normal((self.methods, SETTINGS, seeds))
        common = self.effect * generator.standard_normal((self.methods, 1, seeds))
        return self.samples * SAMPLE * (alone + common)


NOISES = (Noise(2, 4, 0), Noise(2, 4, 1), Noise(2, 12, 0), Noise(2, 12, 1), Noise(4, 4, 0.5))


def outcomes(size: Size) -> Iterator[Outcome]:
    """Of each way of asking: how often at least one word is wrong, and whether one was said."""
    generator = np.random.default_rng(0)
    for noise in NOISES:
        for column, looks in ASKED.items():
            # the first method is better than all others by exactly what matters, or by nothing
            ahead = np.zeros((noise.methods, 1, 1))
            alike = _words(generator, noise, ahead, looks, size)
            yield _wrong(ALIKE, noise, column, alike, (BETTER, TOO_SMALL))
            ahead[0] = REGION
            edge = _words(generator, noise, ahead, looks, size)
            with_first = [{pair: word for pair, word in one.items() if 0 in pair} for one in edge]
            yield _wrong(EDGE, noise, column, with_first, (EQUAL,))


def asked_until_decided(values: Any, looks: Sequence[int]) -> dict[tuple[int, int], str]:
    """The first word of each pair of methods that is not undecided.

    Args:
        values: (methods, settings, seeds).
        looks: numbers of seeds after which is asked, ascending.
    """
    pairs = list(combinations(range(len(values)), 2))
    words = dict.fromkeys(pairs, UNDECIDED)
    for seeds in looks:
        differences = {}
        for first, second in pairs:
            table = values[first, :, :seeds] - values[second, :, :seeds]
            differences[first, second] = difference(table)
        said = verdicts(differences, region=REGION, resolution=resolution_of(SPLIT))
        for pair in pairs:
            # what was once decided is what a reader has taken home
            if words[pair] in OPEN:
                words[pair] = said[pair].word
        if set(OPEN).isdisjoint(words.values()):
            break
    return words


def _words(
    generator: np.random.Generator, noise: Noise, ahead: Any, looks: Sequence[int], size: Size
) -> list[dict[tuple[int, int], str]]:
    every = []
    for _ in range(size.simulations):
        values = ahead + noise.trainings(generator, looks[-1])
        every.append(asked_until_decided(values, looks))
    return every


def _wrong(
    what: str,
    noise: Noise,
    column: str,
    words: Sequence[dict[tuple[int, int], str]],
    mistakes: Sequence[str],
) -> Outcome:
    # of all that asked: who got no answer was told nothing wrong
    wrong = sum(not set(mistakes).isdisjoint(one.values()) for one in words)
    said = sum(not set(one.values()) <= set(OPEN) for one in words)
    return Outcome(
        what=what,
        case=str(noise),
        column=column,
        rate=wrong / len(words),
        said=said / len(words),
        limits=WRONG,
    )
