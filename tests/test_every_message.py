"""A run of all tests fails where one of them reaches not every message; a choice of them does not.

The check is tried on a project of a few lines, with two workers as `make test` has them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from messages_support import is_whole

HERE = Path(__file__).parent
PLUGIN = ("message_list.py", "messages_support.py", "noted_errors.py")
FILES = {
    "framework/__init__.py": "",
    "framework/errors.py": "class SqueezelabError(Exception): ...\n",
    "framework/parts.py": """
import logging
from framework.errors import SqueezelabError
log = logging.getLogger("framework")

class Finding:
    def __init__(self, level, what): ...

def first():
    raise SqueezelabError("The first.")

def second():
    raise SqueezelabError("The second.")

def warned():
    log.warning("A warning.")

def found(level):
    return Finding("ok", "Well.") if level == "ok" else Finding("WRONG", "A finding.")
""",
    "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
    "tests/conftest.py": 'pytest_plugins = ["messages_support"]\n',
    "tests/noted_classes.py": """
from framework.parts import Finding
ERRORS, CALLED = (), ((Finding, "__init__"),)
def prepare(): ...
""",
    # two files, because a worker takes whole ones
    "tests/test_a.py": """
import pytest
from framework import parts
def test_first():
    with pytest.raises(parts.SqueezelabError):
        parts.first()
def test_finding():
    assert parts.found("WRONG")
""",
    "tests/test_b.py": """
import pytest
from framework import parts
def test_warning():
    parts.warned()
@pytest.mark.parametrize("part", [SECOND])
def test_second(part):
    with pytest.raises(parts.SqueezelabError):
        getattr(parts, part)()
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.replace("SECOND", '"second"'))
    for name in PLUGIN:
        shutil.copy(HERE / name, tmp_path / "tests")
    return tmp_path


def session(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(project), str(project / "tests")])
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist", *options],
        cwd=project,
        # other plug-ins that are installed take longer to load than these tests to run
        env={
            **os.environ,
            "PYTHONPATH": paths,
            "EVERY_MESSAGE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_that_reaches_every_message_passes(project: Path) -> None:
    run = session(project)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "4 passed" in run.stdout
    assert "no test reaches" not in run.stdout


def test_a_message_that_no_worker_reaches_fails_the_run_and_is_listed(project: Path) -> None:
    (project / "tests/test_b.py").write_text(FILES["tests/test_b.py"].replace("SECOND", ""))
    run = session(project, "-n", "2", "--dist", "loadfile")
    assert run.returncode == 1, run.stdout + run.stderr
    # what either worker reached is not among them
    assert "1 messages that no test reaches" in run.stdout
    assert "framework/parts.py:13  SqueezelabError\n    The second." in run.stdout


@pytest.mark.parametrize(
    ("arguments", "options", "whole"),
    [
        (["tests"], {}, True),
        (["tests"], {"markexpr": "not slow"}, True),
        (["tests"], {"markexpr": "slow"}, False),
        (["tests"], {"keyword": "csv"}, False),
        (["tests"], {"lf": True}, False),
        (["tests"], {"deselect": ["tests/test_a.py"]}, False),
        (["tests"], {"collectonly": True}, False),
        (["tests/cli"], {}, False),
    ],
)
def test_only_a_run_of_all_tests_is_asked_for_every_message(
    arguments: list[str], options: dict[str, object], whole: bool
) -> None:
    chosen = {"markexpr": ""} | options
    config = SimpleNamespace(
        args=arguments,
        option=SimpleNamespace(**chosen),
        getoption=chosen.get,
        getini=lambda name: ["tests"],
    )
    assert is_whole(config) == whole  # type: ignore[arg-type]
