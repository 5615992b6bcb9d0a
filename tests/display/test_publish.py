"""What is done when a study ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from studies_support import never_killed

REPORT = """
import sys
from pathlib import Path

from framework.display.publish import load
from framework.report import run_report
from framework.tracking.store import Store

root, out = map(Path, sys.argv[1:])
store = Store.open(root)
load(root)
before = set(sys.modules)
run_report(store, "tiny", root=root, out=out)
import optuna.importance
print("then:", *sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_libraries_of_the_report_are_loaded_before_the_study_ends(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    done = never_killed(tmp_path_factory.getbasetemp(), 5)
    command = [sys.executable, "-c", REPORT, done.root, tmp_path / "out"]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    loaded = said.stdout.split("then:")[1].split()
    assert "framework" in loaded  # it was asked in time
    assert not {"matplotlib", "optuna", "scipy", "sklearn"} & {*loaded}
