"""Errors: the tree, its exit codes, and the three parts of a message."""

from __future__ import annotations

import pytest

from framework import errors
from framework.errors import (
    InvalidStudy,
    InvalidValue,
    SqueezelabError,
    StudyLocked,
    StudyStopped,
    TrialError,
    UnknownName,
    UserError,
)

TREE = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, SqueezelabError)
]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_is_drawn_in_the_tree(kind: type[SqueezelabError]) -> None:
    assert f" {kind.__name__} " in f" {errors.__doc__} ".replace("\n", " ")


def test_exit_codes_tell_whose_fault_it_is() -> None:
    codes = {
        kind.__name__: kind.exit_code
        for kind in (SqueezelabError, UserError, TrialError, StudyStopped, StudyLocked)
    }
    assert codes == {
        "SqueezelabError": 1,
        "UserError": 2,
        "TrialError": 1,
        "StudyStopped": 3,
        "StudyLocked": 75,
    }
    assert all(kind.exit_code == 2 for kind in TREE if issubclass(kind, UserError))


def test_reasons_of_failed_trials_are_all_different() -> None:
    reasons = [kind.reason for kind in TREE if issubclass(kind, TrialError)]
    assert sorted(reasons) == ["cancelled", "diverged", "exception", "not_deployable", "timeout"]


def test_message_says_what_was_given_and_what_to_do() -> None:
    error = InvalidValue("It is wrong.", given="Given: 3.", todo="Use 4.")
    assert str(error) == "It is wrong.\nGiven: 3.\nUse 4."
    assert (error.what, error.given, error.todo) == ("It is wrong.", "Given: 3.", "Use 4.")


def test_message_leaves_out_empty_parts() -> None:
    assert str(InvalidStudy("It is wrong.")) == "It is wrong."


def test_unknown_name_guesses_and_lists() -> None:
    text = str(UnknownName("strategy", "magnitude_prun", ["quantize", "magnitude_prune"]))
    assert "no strategy called 'magnitude_prun'" in text
    assert "Did you mean 'magnitude_prune'?" in text
    assert "Known: magnitude_prune, quantize." in text


def test_unknown_name_guesses_nothing_far_away() -> None:
    text = str(UnknownName("strategy", "zzz", ["magnitude_prune"]))
    assert "Did you mean" not in text
    assert "Known: magnitude_prune." in text


def test_unknown_name_without_any_known_name() -> None:
    assert "Known: none." in str(UnknownName("study", "x", []))
