"""What a terminal or an editor would obey is shown, and all that people write stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.system.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("ring\x07", r"ring\x07"),
        ("trial\u202egnp.exe", r"trial\u202egnp.exe"),
        ("a\u2066b\u200fc\ufeffd", r"a\u2066b\u200fc\ufeffd"),
        ("\x9b31m", r"\x9b31m"),
        ("over\rwritten", r"over\x0dwritten"),
        ("half \ud800", r"half \ud800"),
        ("two\u2028lines", r"two\u2028lines"),
        ("tag \U000e0041", r"tag \U000e0041"),
        ("two\nlines and a\ttab", "two\nlines and a\ttab"),
        ("压缩 · é ñ ½ 🙂", "压缩 · é ñ ½ 🙂"),
        ("क्\u200dष", "क्\u200dष"),
        ("", ""),
    ],
)
def test_signs_without_a_look_become_numbers(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_what_is_shown_can_be_printed_and_steers_nothing(text: str) -> None:
    shown = visible(text)
    shown.encode()
    kinds = {unicodedata.category(sign) for sign in shown if sign not in "\n\t\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert visible(shown) == shown
