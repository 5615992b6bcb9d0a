"""Search domains and knobs: what they allow, how they normalise, what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import InvalidStudy, InvalidValue
from framework.study.space import Choice, Float, Int, Knob, Knobbed, knob

REALS = st.floats(allow_nan=False, allow_infinity=False, width=32)
RATE = Knob(0.5, low=0.0, high=1.0, unit="", doc="a share")
COUNT = Knob(4, low=1, high=64, unit="epochs", doc="a count")
KIND = Knob("adam", choices=("adam", "sgd"), doc="a word")
SWITCH = Knob(False, doc="a switch")
MAYBE = Knob("a", optional=True, doc="may be left out")


# --- domains --------------------------------------------------------------------------------------


def test_stepped_float_lists_its_values_with_both_ends() -> None:
    assert Float(0.0, 1.0, step=0.25).values() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert Float(0.0, 1.0, step=0.4).values() == pytest.approx([0.0, 0.4, 0.8])
    assert len(Float(0.5, 0.98, step=0.02).values()) == 25


def test_int_lists_its_values_with_both_ends() -> None:
    assert Int(2, 5).values() == [2, 3, 4, 5]
    assert Int(1, 8, step=3).values() == [1, 4, 7]


def test_choice_keeps_the_order_given() -> None:
    assert Choice(8, 2, 4).values() == [8, 2, 4]
    assert repr(Choice(8, None)) == "Choice(8, None)"


def test_only_a_stepless_float_is_infinite() -> None:
    assert not Float(0.0, 1.0).finite
    assert Float(0.0, 1.0, step=0.5).finite
    assert Int(1, 2).finite
    assert Choice(1, 2).finite
    with pytest.raises(InvalidStudy, match="infinitely many"):
        Float(0.0, 1.0).values()


@given(
    low=st.integers(-1000, 1000),
    steps=st.integers(1, 60),
    step=st.sampled_from([0.1, 0.3, 0.02, 0.7, 1.0]),
)
def test_stepped_float_never_leaves_its_interval(low: int, steps: int, step: float) -> None:
    domain = Float(low / 10, round(low / 10 + steps * step, 6), step=step)
    values = domain.values()
    assert len(values) == steps + 1
    assert all(domain.low <= value <= domain.high for value in values)
    assert values == sorted(set(values))


def test_float_takes_whole_numbers_as_reals() -> None:
    assert Float(0, 1) == Float(0.0, 1.0)
    assert isinstance(Float(0, 1).high, float)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Float(1.0, 1.0),
        lambda: Float(2.0, 1.0),
        lambda: Float(0.0, math.inf),
        lambda: Float(0.0, math.nan),
        lambda: Float(True, 2.0),
        lambda: Float("0", 1.0),  # type: ignore[arg-type]
        lambda: Float(0.0, 1.0, log=True),
        lambda: Float(0.0, 1.0, step=0.0),
        lambda: Float(0.0, 1.0, step=-0.1),
        lambda: Int(3, 3),
        lambda: Int(0, 8, log=True),
        lambda: Int(1, 8, step=0),
        lambda: Int(1, 8, log=True, step=2),
        lambda: Int(1.5, 8),  # type: ignore[arg-type]
        lambda: Int(False, 8),
        Choice,
        lambda: Choice(1),
        lambda: Choice(1, 2, 1),
    ],
)
def test_impossible_domains_are_refused(make: Any) -> None:
    with pytest.raises(InvalidValue):
        make()


# --- knobs ----------------------------------------------------------------------------------------


def test_one_number_has_one_form() -> None:
    assert [RATE.normal("net", "rate", value) for value in (1, 1.0, 1e0)] == [1.0, 1.0, 1.0]
    assert isinstance(RATE.normal("net", "rate", 1), float)
    assert isinstance(COUNT.normal("net", "count", 4.0), int)
    assert MAYBE.normal("net", "maybe", None) is None


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (RATE, 1.5), (RATE, -0.1), (RATE, "0.5"), (RATE, True), (RATE, None), (RATE, math.nan),
        (RATE, math.inf),
        (COUNT, 0), (COUNT, 65), (COUNT, 1.5), (COUNT, True), (COUNT, "4"),
        (KIND, "adamax"), (KIND, 1), (SWITCH, 1), (SWITCH, "True"), (MAYBE, 3),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_with_the_way_out(declared: Knob, value: Any) -> None:
    with pytest.raises(InvalidValue, match="net: width") as caught:
        declared.normal("net", "width", value)
    assert repr(value) in caught.value.given
    assert declared.range_text() in caught.value.todo


def test_range_in_words() -> None:
    assert RATE.range_text() == "a number at least 0 and at most 1"
    assert Knob(1, low=1).range_text() == "a whole number at least 1"
    assert KIND.range_text() == "'adam', 'sgd'"


@given(value=st.one_of(st.booleans(), st.integers(-99, 99), REALS, st.text(max_size=3), st.none()))
@pytest.mark.parametrize("declared", [RATE, COUNT, KIND, SWITCH, MAYBE])
def test_normalising_twice_changes_nothing(declared: Knob, value: Any) -> None:
    try:
        once = declared.normal("net", "width", value)
    except InvalidValue:
        return
    twice = declared.normal("net", "width", once)
    assert (type(twice), twice) == (type(once), once)
    assert once is None or type(once) is declared.type


def test_domains_take_the_type_of_the_knob() -> None:
    assert RATE.normal_domain("net", "rate", Int(0, 1)) == Float(0.0, 1.0, step=1)
    assert RATE.normal_domain("net", "rate", Choice(0, 0.5)).values() == [0.0, 0.5]
    assert COUNT.normal_domain("net", "count", Choice(2.0, 4)).values() == [2, 4]
    assert COUNT.normal_domain("net", "count", Int(1, 64, log=True)) == Int(1, 64, log=True)


@pytest.mark.parametrize(
    ("declared", "domain"),
    [
        (RATE, Float(0.5, 1.5)), (RATE, Choice(0.5, 2)), (COUNT, Int(0, 4)), (COUNT, Float(1, 4)),
        (KIND, Choice("adam", "x")), (KIND, Int(1, 2)), (SWITCH, Float(0, 1)),
        (RATE, Choice(1, 1.0)),
    ],
)  # fmt: skip
def test_domains_outside_the_knob_are_refused(declared: Knob, domain: Any) -> None:
    with pytest.raises(InvalidValue):
        declared.normal_domain("net", "width", domain)


@dataclass(frozen=True, kw_only=True)
class Oven(Knobbed):
    degrees: float = knob(180.0, low=0, high=300, unit="C", doc="heat")
    fan: bool = knob(False, doc="air")


@dataclass(frozen=True, kw_only=True)
class Search(Oven):
    searchable = True


def test_knobs_are_declared_once_and_kept_in_order() -> None:
    assert list(Oven.knobs()) == ["degrees", "fan"]
    assert Oven.knobs()["degrees"].unit == "C"
    assert Oven(fan=True).values() == {"degrees": 180.0, "fan": True}


def test_values_are_checked_on_creation() -> None:
    with pytest.raises(InvalidValue, match="oven: degrees"):
        Oven(degrees=301)


def test_only_what_is_searchable_takes_domains() -> None:
    assert Search(fan=Choice(True, False)).fan == Choice(True, False)
    with pytest.raises(InvalidValue):
        Oven(fan=Choice(True, False))
