"""Commands under a machine that is against them; `benchmarks/attacks` makes the states for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from studies_support import never_killed

ROOT = Path(__file__).parents[1]
READ_ONLY = "^(show run|report|doctor|export|study done)$"
FEW = {  # state -> commands, a regular expression
    ".artifacts full": "^study done$",
    "reports/out full": "^(report|study done)$",
    "only the store full": "^(new|forget)$",
    ".cache on another disk": "^report$",
    "project read-only": READ_ONLY,
    "no rights on .artifacts": "^(report|doctor)$",
    "no rights on studies/tiny.py": "^(list|check)$",
    "no home, no name": "^doctor$",
    "hot journal": "^doctor$",
    "hot journal, read-only": "^(report|doctor)$",
    "store empty": "^doctor$",
    "store: metrics that are text": "^(show run|report)$",
    "manifests climbing": "^export$",
    "plug-in: exit": "^list$",
    "report: division": "^report$",
    "stdout full": "^list$",
    "stdout unread": "^list$",
    "all closed": "^report$",
    "stderr unread": "^report$",
    "files of at most 64 kB": "^doctor$",
    "folder deleted": "^list$",
}

TRAINED = (
    "^(sound|.cache full|.artifacts full|only the store full|project read-only|all closed)$"
    "=^(study|confirm|reproduce)$"
)


def attacked(base: Path, *options: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The cases, and what was skipped for which reason."""
    command = [sys.executable, "-m", "benchmarks.attacks", "--json", "--base", str(base), *options]
    command += [] if "--training" in options else ["--whole"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    cases = [json.loads(line) for line in lines if line.startswith("{")]
    assert cases or "skipped" in done.stdout, done.stderr
    return cases, [line for line in lines if line.startswith("skipped")]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """The cases of `FEW`, by state and command; all in one process, which loads libraries once."""
    base = never_killed(tmp_path_factory.getbasetemp(), 3).root
    pairs = [f"^{re.escape(state)}$={commands}" for state, commands in FEW.items()]
    cases, _ = attacked(base, *(word for pair in pairs for word in ("--pair", pair)))
    return {(case["state"], case["command"]): case for case in cases}


@pytest.mark.parametrize("state", FEW)
def test_a_command_under_attack_ends_with_a_sentence(
    few: dict[tuple[str, str], dict[str, Any]], state: str
) -> None:
    cases = [case for (name, _), case in few.items() if name == state]
    if not cases:
        pytest.skip("this state needs root, or mounts, which are not to be had here")
    for case in cases:
        assert not case["faults"], case


@pytest.mark.parametrize(
    ("state", "command", "words"),
    [
        (".artifacts full", "study done", ["| baseline", "disk is full", ".artifacts"]),
        ("project read-only", "report", ["| baseline", "can only be read", "reports/out"]),
        ("no rights on .artifacts", "doctor", ["WRONG", "Permission is missing"]),
        ("no rights on studies/tiny.py", "list", ["studies", "tiny", "does not load", "lenet5"]),
        ("hot journal", "doctor", ["passes SQLite's integrity check", "killed while it wrote"]),
        ("hot journal, read-only", "doctor", ["passes SQLite's integrity check"]),
        ("store empty", "doctor", ["WRONG", "is empty", "put a backup of it there"]),
        ("stdout full", "list", ["cannot be written: No space left"]),
        ("folder deleted", "list", ["there no longer"]),
    ],
)
def test_what_is_readable_is_told_and_the_rest_has_its_reason(
    few: dict[tuple[str, str], dict[str, Any]], state: str, command: str, words: list[str]
) -> None:
    if (state, command) not in few:
        pytest.skip("this state needs root, or mounts, which are not to be had here")
    said = few[state, command]["said"]
    for word in words:
        assert word in said, said
    assert "Move it away" not in said


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_command_in_every_state(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = never_killed(tmp_path_factory.getbasetemp(), 3).root
    cases, skipped = attacked(base)
    # commands that train take long, and few states are theirs alone
    cases += attacked(base, "--training", "--pair", TRAINED)[0]
    wrong = [case for case in cases if case["faults"]]
    assert not wrong, json.dumps(wrong, indent=1)
    assert len(cases) > 1000 or skipped
