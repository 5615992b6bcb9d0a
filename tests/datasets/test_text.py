"""Words, vocabularies and token numbers: known answers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framework.datasets._prepare.text import WORD, _letter_by_letter, encode, vocabulary, words


def test_words_and_marks():
    assert words("It's 5 o'clock,\tisn't it?") == [
        "it",
        "'s",
        "5",
        "o",
        "'clock",
        ",",
        "isn",
        "'t",
        "it",
        "?",
    ]
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


def test_scripts_without_blanks_are_read_letter_by_letter():
    assert words("今天天气很好,2026年!") == [
        "今",
        "天",
        "天",
        "气",
        "很",
        "好",
        ",",
        "2026",
        "年",
        "!",
    ]
    assert words("カメラがGood") == ["カ", "メ", "ラ", "が", "good"]
    assert words("ที่นี่") == ["ที่", "นี่"]  # vowel and tone stay with their consonant


def test_marks_stay_with_their_letters():
    assert words("हिन्दी में") == ["हिन्दी", "में"]
    assert words("cafe\u0301 x") == ["cafe\u0301", "x"]
    assert words("한국어 말") == ["한국어", "말"]  # with blanks between words


@given(st.text(st.characters(max_codepoint=0x2FF, exclude_characters="\u0130")))
def test_of_latin_letters_both_ways_read_the_same(text):
    assert words(text) == _letter_by_letter(text.lower()) == WORD.findall(text.lower())


@given(st.text())
def test_tokens_read_again_are_the_same(text):
    assert words(" ".join(words(text))) == words(text)
