"""Numbers that were edited in the store are held against what the run wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from framework.errors import SqueezelabError
from framework.results.edited import differences, read_metrics
from framework.results.record import Run

RUN = Run("id", "trial 0", "FINISHED", {}, {}, {"val_accuracy": 0.94, "params_nonzero": 100.0})


def test_what_is_as_it_was_measured_has_no_difference() -> None:
    assert differences(RUN, dict(RUN.metrics)) == []
    # what somebody added is their own
    assert differences(replace(RUN, metrics={**RUN.metrics, "liked": 1.0}), dict(RUN.metrics)) == []


def test_an_edited_and_a_deleted_metric_are_told_with_both_numbers() -> None:
    edited = replace(RUN, metrics={"val_accuracy": 0.999})
    assert differences(edited, dict(RUN.metrics)) == [
        "params_nonzero was measured 100.0000 and is deleted",
        "val_accuracy was measured 0.9400 and is 0.9990 now",
    ]


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"a": "x"}', b"\xff"])
def test_a_file_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(SqueezelabError, match="damaged"):
        read_metrics(content)
