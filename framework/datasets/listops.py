"""ListOps: lists of digits inside lists, made by rule, to be worked out to one digit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import DataInfo, dataset, knob
from framework.datasets._prepare.text import SPECIAL
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.generated import MadeDataset
from framework.datasets._sources.splits import LABELS, Arrays, carve

OPERATORS = ("[MAX", "[MIN", "[MED", "[SM")
WORDS = (*SPECIAL, *OPERATORS, "]", *map(str, range(10)))
MOST_ARGUMENTS = 5
NESTED_SHARE = 0.25  # of the arguments that may be lists
SHORTEST = 8  # tokens: at least one list lies inside another
SEED = 0
SIZES = {"train": 8000, "calibration": 100, "validation": 1000, "test": 1000}


@dataset("listops", version=1)
@dataclass(frozen=True, kw_only=True)
class Listops(MadeDataset):
    """10 100 lists such as [MAX 2 [SM 4 9 ] 0 ].

    8 000 train, 100 calibration, 1 000 validation, 1 000 test.

    MAX, MIN, MED (the median, rounded down) and SM (the sum modulo 10) of 2 to 5 arguments, all
    equally likely; an argument is a list with probability 0.25 where the depth allows it, else a
    digit. Kept are lists of 8 tokens up to `length`, each once, and as many for each of the ten
    answers.

    Validation accuracy without a net, at the default knobs: any constant 0.10, logistic regression
    on how often each token occurs 0.29, the outermost operator on its own digits alone 0.46.

    Source: Nangia & Bowman 2018, ListOps: A Diagnostic Dataset for Latent Tree Learning,
    arXiv:1804.06028.
    """

    length: int = knob(
        32, low=16, high=512, unit="tokens", doc="longest list; shorter ones are filled up"
    )
    depth: int = knob(3, low=2, high=20, unit="levels", doc="how deep lists lie inside one another")

    licence = "made by rule, Apache-2.0 as this project"
    builder = "listops"
    builder_version = "1.0.0"
    calibration_size = SIZES["calibration"]
    validation_size = SIZES["validation"]

    @property
    def info(self) -> DataInfo:
        """Texts of `length` tokens."""
        inputs, tokens = {"text": (self.length,)}, {"text": len(WORDS)}
        return DataInfo(task="classes", classes=10, inputs=inputs, tokens=tokens, toy=True)

    def vocabulary(self, root: Path, name: str) -> tuple[str, ...]:
        """The tokens as they are written."""
        return WORDS if name == "text" else ()

    def make(self) -> Mapping[str, Arrays]:
        """All lists, and the splits carved off them in turn with the answers in proportion."""
        left: Arrays = _all_lists(self.length, self.depth)
        parts = {}
        for split in (TEST, "calibration", "validation"):
            parts[split], left = carve(left, SIZES[split])
        return {**parts, "train": left}


def _all_lists(length: int, depth: int) -> Arrays:
    answers = _different_lists(sum(SIZES.values()), length, depth)
    texts = np.zeros((len(answers), length), np.int32)
    for row, tokens in zip(texts, answers, strict=True):
        row[: len(tokens)] = list(map(WORDS.index, tokens))
    return {"text": texts, LABELS: np.array(list(answers.values()), np.int64)}


def _different_lists(total: int, length: int, depth: int) -> dict[tuple[str, ...], int]:
    """The tokens of each list, in the order in which they were drawn -> its answer."""
    random = np.random.RandomState(SEED)  # its numbers are the same in all versions of numpy
    answers: dict[tuple[str, ...], int] = {}
    counts: Counter[int] = Counter()
    while len(answers) < total:
        tokens, answer = draw(random, depth)
        fits = SHORTEST <= len(tokens) <= length
        if fits and counts[answer] < total // 10 and tokens not in answers:
            answers[tokens] = answer
            counts[answer] += 1
    return answers


def draw(random: np.random.RandomState, depth: int) -> tuple[tuple[str, ...], int]:
    """One list of at most `depth` levels and what it comes to."""
    operator = OPERATORS[random.randint(len(OPERATORS))]
    tokens, values = [operator], []
    for _ in range(random.randint(2, MOST_ARGUMENTS + 1)):
        if depth > 1 and random.random_sample() < NESTED_SHARE:
            inner, value = draw(random, depth - 1)
        else:
            value = int(random.randint(10))
            inner = (str(value),)
        tokens.extend(inner)
        values.append(value)
    return (*tokens, "]"), work_out(operator, values)


def work_out(operator: str, values: list[int]) -> int:
    """What an operator makes of the values of its arguments."""
    ordered, middle = sorted(values), len(values) // 2
    if operator == "[MED":
        return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) // 2
    return {"[MAX": ordered[-1], "[MIN": ordered[0], "[SM": sum(values) % 10}[operator]
