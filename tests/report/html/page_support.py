"""Writes pages, and has text that a page must show and never obey."""

from __future__ import annotations

from pathlib import Path

from synthetic_runs import ROOT, FakeStore, study_json

from framework.report import run_report
from framework.results.record import Run

NAME = "squeezenet_prune"

HOSTILE = (
    "</script><script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 1'>",
    "\\input{/etc/passwd}",
    "=cmd|' /C calc'!A0",
    "x" * 300,
    "left \u202eright\u202c \u2066in\u2069",
    "\x1b[31mred\x1b[0m \x07",
    "100%_&# \"quoted\" 'single' `tick` ${window.hit = 1}",
    "\u2028 new \u2029 line",
    "<!-- <script>",
)


def written(runs: list[Run], out: Path, **head: object) -> Path:
    """The page of a study."""
    run_report(FakeStore(runs, study_json(**head)), NAME, root=ROOT, out=out)
    return out / "report.html"
