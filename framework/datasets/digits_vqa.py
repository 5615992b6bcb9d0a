"""Questions about pictures that are composed of real digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice, product
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset
from framework.datasets._prepare.digits import by_digit, digits_by_split
from framework.datasets._prepare.text import SPECIAL
from framework.datasets._sources.generated import MadeDataset
from framework.datasets._sources.splits import LABELS, Arrays

CELLS = ("top left", "top right", "bottom left", "bottom right")
NUMBERS = "zero one two three four five six seven eight nine".split()
NO, YES = 10, 11  # the answers 0 to 9 are digits and numbers of digits
FILLED = [f"is there a digit at the {cell}" for cell in CELLS]
WHICH = [f"what is at the {cell}" for cell in CELLS]
EXISTS = [f"is there a {number}".replace("a eight", "an eight") for number in NUMBERS]
COUNT = ["how many digits are there"]
SHARES = {"filled": 0.35, "which": 0.2, "exists": 0.3, "count": 0.15}  # of the questions
DIGITS_SHARES = (0.4, 0.1, 0.1, 0.4)  # of the pictures with 1, 2, 3 and 4 digits
WORDS = (*SPECIAL, *dict.fromkeys(" ".join([*FILLED, *WHICH, *EXISTS, *COUNT]).split()))
LENGTH = 8
SIDE = 16
SEED = 0
SIZES = {"train": 10000, "calibration": 200, "validation": 1000, "test": 1000}


@dataset("digits_vqa", version=1)
@dataclass(frozen=True, kw_only=True)
class DigitsVqa(MadeDataset):
    """12 200 questions about pictures of digits.

    10 000 train, 200 calibration, 1 000 validation, 1 000 test.

    A picture is 16 x 16: four cells of 8 x 8, each empty or one of the digits of the data set
    `digits`; those of one split come from the same split there. Pictures have 1, 2, 3 or 4
    different digits (40, 10, 10, 40 %). 35 % of the questions ask whether there is a digit in a
    cell, 20 % which digit is in a cell that has one, 30 % whether some digit is in the picture, 15
    % how many there are. The first and third kind are answered yes and no equally often, the second
    with each digit equally often. The answer is drawn first, then pictures until one fits; no
    question is asked twice of one picture. Answers: 0 to 9, no (10), yes (11).

    Validation accuracy without a net: any constant at most 0.33; the question alone 0.41 (its most
    frequent answer); the picture alone 0.51 (logistic regression on pixels; about 0.50 is what the
    rule allows whoever reads all digits); both 0.68 (logistic regression on pixels and words).

    Source: made by rule after Agrawal et al. 2015, VQA: Visual Question Answering,
    arXiv:1505.00468, of the digits of Alpaydin & Kaynak 1998 (UCI, in scikit-learn).
    """

    info = DataInfo(
        task="classes",
        classes=12,
        inputs={"image": (SIDE, SIDE, 1), "question": (LENGTH,)},
        tokens={"question": len(WORDS)},
        toy=True,
    )
    licence = "CC-BY-4.0"
    builder = "digits_vqa"
    builder_version = "1.0.0"
    calibration_size = SIZES["calibration"]
    validation_size = SIZES["validation"]

    def vocabulary(self, root: Path, name: str) -> tuple[str, ...]:
        """The words of all questions."""
        return WORDS if name == "question" else ()

    def make(self) -> Mapping[str, Arrays]:
        """Questions, answers and pictures, split by split from seeds of their own."""
        digits, splits = digits_by_split(), {}
        for number, (split, count) in enumerate(SIZES.items()):
            random = np.random.RandomState([SEED, number])
            splits[split] = _composed(digits[split], count, random)
        return splits


def _composed(digits: Arrays, count: int, random: np.random.RandomState) -> Arrays:
    of_class = by_digit(digits[LABELS])
    images = np.zeros((count, SIDE, SIDE, 1), np.uint8)
    questions = np.zeros((count, LENGTH), np.int32)
    labels = np.zeros(count, np.int64)
    seen: set[bytes] = set()
    for row, (question, answer) in enumerate(asked(count)):
        questions[row], labels[row] = encoded(question), answer
        # an empty picture is one that is not drawn yet: each has a digit at least
        while not images[row].any() or images[row].tobytes() + question.encode() in seen:
            images[row] = picture(
                fitting(question, answer, random), digits["image"], of_class, random
            )
        seen.add(images[row].tobytes() + question.encode())
    return {"image": images, "question": questions, LABELS: labels}


def asked(count: int) -> Iterator[tuple[str, int]]:
    """`count` questions with their answers, in the shares of the rule.

    The rest of a division goes to the first.
    """
    kinds = {"filled": FILLED, "which": WHICH, "exists": EXISTS, "count": COUNT}
    for kind, questions in kinds.items():
        pairs = cycle(product(questions, _answers(kind)))
        yield from islice(pairs, round(SHARES[kind] * count))


def _answers(kind: str) -> list[int]:
    if kind == "which":
        return list(range(10))
    if kind == "count":  # as often as pictures have so many digits
        tenths = np.rint(np.array(DIGITS_SHARES) * 10).astype(int)
        return list(map(int, np.repeat([1, 2, 3, 4], tenths)))
    return [NO, YES]


def fitting(question: str, answer: int, random: np.random.RandomState) -> list[int | None]:
    """Cells drawn again and again until they give the answer."""
    while True:
        cells = draw(random)
        if answer_to(question, cells) == answer:
            return cells


def draw(random: np.random.RandomState) -> list[int | None]:
    """The digit in each of the four cells; None where there is none."""
    filled = 1 + int(
        np.searchsorted(np.cumsum(DIGITS_SHARES), random.random_sample(), side="right")
    )
    cells: list[int | None] = [None] * len(CELLS)
    for cell, digit in zip(
        random.permutation(len(CELLS))[:filled], random.permutation(10), strict=False
    ):
        cells[cell] = int(digit)
    return cells


def answer_to(question: str, cells: list[int | None]) -> int | None:
    """What a question comes to; None where it cannot be asked."""
    if question in WHICH:
        return cells[WHICH.index(question)]
    if question in COUNT:
        return len(cells) - cells.count(None)
    if question in FILLED:
        is_so = cells[FILLED.index(question)] is not None
    else:
        is_so = EXISTS.index(question) in cells
    return YES if is_so else NO


def picture(
    cells: list[int | None], images: Array, of_class: list[Array], random: np.random.RandomState
) -> Array:
    """Any digit of each class that is asked for, in its cell."""
    whole = np.zeros((SIDE, SIDE, 1), np.uint8)
    half = SIDE // 2
    for cell, digit in enumerate(cells):
        if digit is not None:
            top, left = half * (cell // 2), half * (cell % 2)
            chosen = of_class[digit][random.randint(len(of_class[digit]))]
            whole[top : top + half, left : left + half] = images[chosen]
    return whole


def encoded(question: str) -> Array:
    """The numbers of a question's words, filled up with 0."""
    numbers = [WORDS.index(word) for word in question.split()]
    return np.array([*numbers, *[0] * (LENGTH - len(numbers))], np.int32)
