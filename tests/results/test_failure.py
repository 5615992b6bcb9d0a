"""Why a run failed, read off its traceback."""

from __future__ import annotations

import traceback

import pytest

from framework.errors import NotDeployable, UnknownName
from framework.results.failure import LONGEST, cause


def text_of(error: Exception, *, of: Exception | None = None) -> str:
    """The traceback of an error, as a run keeps it."""
    try:
        if of is None:
            raise error
        try:
            raise of
        except Exception as first:
            raise error from first
    except Exception:  # noqa: BLE001
        return traceback.format_exc()


def test_an_error_of_ours_is_told_in_its_own_lines() -> None:
    error = NotDeployable("The file answers otherwise.", given="By 0.5.", todo="Take ptq.")
    said = ["The file answers otherwise.", "By 0.5.", "Take ptq."]
    assert cause(text_of(error)) == said
    assert cause(text_of(error, of=ValueError("from below"))) == said


def test_an_error_without_all_three_lines() -> None:
    assert cause(text_of(UnknownName("knob", "x", ["y"]))) == [
        "There is no knob called 'x'.",
        "Known: y.",
    ]


def test_any_other_error_is_told_with_its_class() -> None:
    assert cause(text_of(KeyError("size"))) == ["KeyError: 'size'"]


def test_of_a_printed_graph_the_sentence_that_says_what_it_is() -> None:
    message = (
        "Graph execution error:\n\nDetected at node loss/xent defined at (most recent call last):\n"
        '  File "<frozen runpy>", line 198, in _run_module_as_main\n\n'
        "labels must be below 10, got 12\n\t [[{{node loss/xent}}]] [Op:__inference_step_1]"
    )
    told = cause(text_of(RuntimeError(message)))
    assert told == ["RuntimeError: Graph execution error: labels must be below 10, got 12"]


def test_a_long_message_is_cut() -> None:
    [told] = cause(text_of(ValueError("x" * 5000)))
    assert len(told) == LONGEST + 3


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("", []),
        ("Not a finite number: shaky.", ["Not a finite number: shaky."]),
        ("Traceback (most recent call last):\n  File x\n    cut off", []),
    ],
)
def test_what_is_no_whole_traceback(error: str, told: list[str]) -> None:
    assert cause(error) == told
