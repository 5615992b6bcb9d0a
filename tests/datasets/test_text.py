"""Words, vocabularies and token numbers: known answers."""

import numpy as np

from framework.datasets._text import encode, vocabulary, words


def test_words_and_marks():
    assert words("It's 5 o'clock,\tisn't it?") == ["it", "'s", "5", "o", "'clock", ",", "isn", "'t", "it", "?"]
    assert words("  ") == []
    assert words("ÄPFEL") == ["äpfel"]


def test_the_most_frequent_words_come_first_then_the_alphabet():
    texts = ["b a c", "c b", "c d"]
    assert vocabulary(texts, 10) == ("<pad>", "<unknown>", "c", "b", "a", "d")
    assert vocabulary(texts, 4) == ("<pad>", "<unknown>", "c", "b")
    assert vocabulary(reversed(texts), 4) == vocabulary(texts, 4)


def test_texts_become_rows_of_one_length():
    found = encode(["c b a", "", "b x b b b"], ("<pad>", "<unknown>", "c", "b", "a"), 4)
    assert found.tolist() == [[2, 3, 4, 0], [0, 0, 0, 0], [3, 1, 3, 3]]
    assert found.dtype == np.int32


def test_a_text_cannot_say_padding():
    assert encode(["<pad>"], ("<pad>", "<unknown>", "pad", "<"), 3).tolist() == [[3, 2, 1]]
