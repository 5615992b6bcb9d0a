"""The study loop in a simulated world: nothing that happens changes what a study finds."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chaos import __main__ as command
from benchmarks.chaos.moments import KINDS
from benchmarks.chaos.scenario import OPTUNA_EVERY, SCENARIOS_A_STUDY, play, undisturbed
from framework.results.record import Record
from framework.runner.loop import Loop
from framework.runner.sampler import Sampler
from framework.tracking.store import Store

ROOT = Path(__file__).parents[2]
SCENARIOS = 1000
WITHIN = 1000  # scenarios in which an error that was planted has to be found


def test_what_happens_changes_nothing() -> None:
    portion = command.portion(range(SCENARIOS))
    assert [(result.seed, result.faults) for result in portion.wrong] == []
    # each kind of event happened, not only was drawn
    assert all(portion.events[kind] > SCENARIOS / 50 for kind in KINDS)


def test_nor_where_optuna_is_asked() -> None:
    for study in (OPTUNA_EVERY, 2 * OPTUNA_EVERY, 3 * OPTUNA_EVERY):
        for seed in range(study * SCENARIOS_A_STUDY, (study + 1) * SCENARIOS_A_STUDY):
            assert play(seed).faults == []


# --- errors that are planted ----------------------------------------------------------------------


def heard_too_much(self: Sampler, number: int) -> int:
    """Whatever has ended is told, in the order in which it ended."""
    if self._is_free(number):
        return 0
    return next(below for below in range(number + 1) if below not in self._told)


def finished_too_early(self: Store, run_id: str, record: Record) -> None:
    """The status before files and manifest."""
    self._end(run_id, record.status, values={}, tags={})
    finish(self, run_id, record)


finish = Store.finish
PLANTED: Mapping[str, tuple[Any, str, Any]] = {
    "told out of order": (Sampler, "_heard", heard_too_much),
    "finished before its manifest": (Store, "finish", finished_too_early),
    "no retry": (Loop, "_is_done_again", lambda self, flight: False),
}


@pytest.mark.parametrize("error", PLANTED)
def test_an_error_that_is_planted_is_found(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PLANTED[error])
    undisturbed.cache_clear()
    faults = chain.from_iterable(play(seed).faults for seed in range(WITHIN))
    assert next(faults, None) is not None


# --- the command ----------------------------------------------------------------------------------


def test_a_seed_that_differs_is_printed_and_replays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(*PLANTED["no retry"])
    assert command.played(50, 1)
    printed = capsys.readouterr().out
    seed = re.search(r"make chaos SEED=(\d+): (.+)", printed)
    assert seed is not None
    assert command.replayed(int(seed[1]))
    again = capsys.readouterr().out
    assert seed[2].split("; ")[0] in again
    assert "death" in again


def test_the_command_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", "--seeds", "20", "--processes", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "20 scenarios, 0 differ" in done.stdout
    assert "tensorflow" not in done.stderr


def test_a_scenario_is_the_same_in_every_process() -> None:
    code = "from benchmarks.chaos.scenario import play; print(*play(17).told, sep='\\n')"
    traces = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        traces.add(done.stdout)
    assert len(traces) == 1
