"""Questions about digits: known answers, pictures of the right digits, neither side tells the
answer alone."""

import numpy as np
import pytest

from framework.datasets._prepare.digits import digits_by_split
from framework.datasets.digits_vqa import NO, WORDS, YES, DigitsVqa, answer_to

CELLS = [3, None, None, 7]


@pytest.fixture(scope="module")
def made():
    return DigitsVqa().make()


def asked(row):
    return " ".join(WORDS[number] for number in row if number)


def cells_of(image, names):
    """Which digit of which class lies in each cell, found by its bytes."""
    quarters = [image[top : top + 8, left : left + 8] for top in (0, 8) for left in (0, 8)]
    return [names[quarter.tobytes()] if quarter.any() else None for quarter in quarters]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("what is at the top left", 3),
        ("what is at the bottom right", 7),
        ("what is at the top right", None),
        ("is there a digit at the top left", YES),
        ("is there a digit at the bottom left", NO),
        ("is there a seven", YES),
        ("is there an eight", NO),
        ("how many digits are there", 2),
    ],
)
def test_known_answers(question, answer):
    assert answer_to(question, CELLS) == answer


def test_every_answer_is_right_and_every_digit_is_of_its_split(made):
    digits = digits_by_split()
    for split, arrays in made.items():
        own = zip(digits[split]["image"], digits[split]["labels"], strict=True)
        names = {image.tobytes(): int(label) for image, label in own}
        for image, question, label in zip(
            arrays["image"], arrays["question"], arrays["labels"], strict=True
        ):
            cells = cells_of(image, names)
            assert answer_to(asked(question), cells) == label
            filled = [cell for cell in cells if cell is not None]
            assert 1 <= len(filled) == len(set(filled))


def test_kinds_and_answers_are_in_their_shares(made):
    for arrays in made.values():
        questions = np.array([asked(row) for row in arrays["question"]])
        count, labels = len(questions), arrays["labels"]
        assert (labels == NO).sum() == (labels == YES).sum() == round(0.325 * count)
        assert np.char.startswith(questions, "what").sum() == 0.2 * count
        assert np.char.startswith(questions, "is there a digit").sum() == 0.35 * count
        which = labels[np.char.startswith(questions, "what")]
        assert set(np.bincount(which)) == {0.02 * count}
        numbers = labels[np.char.startswith(questions, "how")]
        assert (
            np.abs(np.bincount(numbers, minlength=5) / len(numbers) - [0, 0.4, 0.1, 0.1, 0.4]).max()
            < 0.02
        )


def test_the_question_alone_tells_little(made):
    train, validation = made["train"], made["validation"]
    answers = {}
    for row, label in zip(train["question"], train["labels"], strict=True):
        answers.setdefault(row.tobytes(), []).append(label)
    usual = {question: np.bincount(labels).argmax() for question, labels in answers.items()}
    answered = [usual[row.tobytes()] for row in validation["question"]]
    # as the card says
    assert np.mean(answered == validation["labels"]) == pytest.approx(0.405, abs=0.005)


def test_no_question_is_asked_twice_of_one_picture(made):
    for arrays in made.values():
        rows = zip(arrays["image"], arrays["question"], strict=True)
        assert len({image.tobytes() + question.tobytes() for image, question in rows}) == len(
            arrays["labels"]
        )
